"""The answers that describe themselves, as they stand in OpenAPI."""

from __future__ import annotations

from typing import Any

from serving import examples
from serving.answer_api import Answer
from serving.contact_api import FollowUps
from serving.live_api import CustomerPage
from serving.over_the_wire import descriptions
from serving.recall_api import RecordedDecision, Replayed

ANSWERS: tuple[Any, ...] = (Answer, RecordedDecision, Replayed, FollowUps, CustomerPage)
"""With all that they are made of."""
EXAMPLES = {"Answer": [examples.ANSWER]}


def declare_answers(document: dict[str, Any]) -> None:
    """Put the descriptions where ``call.success`` refers to; FastAPI knows of models of pydantic only."""
    described = document.setdefault("components", {}).setdefault("schemas", {})
    described |= descriptions(ANSWERS)
    for name, shown in EXAMPLES.items():
        described[name]["examples"] = shown
