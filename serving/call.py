"""What calls have in common: their headers, how their refusals are described, how an answer is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import BaseModel

from serving.over_the_wire import Wire, described, written
from serving.problem import PROBLEM

Key = Annotated[str | None, Header(description="`Bearer` and a key; not needed while the service is open.")]
Once = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Sent again with the same body, the call gets the same answer and is not done again.",
    ),
]
Refusals = dict[int | str, dict[str, Any]]
"""What the description of a call says of each status."""


def refusal(description: str) -> dict[str, Any]:
    """How a status other than success is described. Given the model, FastAPI would make a validator for each."""
    return {"description": description, "content": {"application/json": {"schema": {"$ref": PROBLEM}}}}


NO_KEY: Refusals = {
    401: refusal("No key, or one that is unknown or revoked."),
    403: refusal("The key lacks the scope."),
    503: refusal("The journal cannot be used."),
}


def success(shape: Any, description: str) -> dict[str, Any]:
    """How a success is described; the shape must be among those that ``declare`` knows."""
    return {"description": description, "content": {"application/json": {"schema": described(shape)}}}


def told(answer: BaseModel | Wire | Sequence[Wire], status: int = 200) -> Response:
    """The answer as JSON. It was checked when it was made: a response model would check it again."""
    text = answer.model_dump_json(by_alias=True) if isinstance(answer, BaseModel) else written(answer)
    return Response(text, status, media_type="application/json")
