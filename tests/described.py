"""Whether an answer is what the service's own description says."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema
from httpx import Response

from serving.answer_api import Answer
from serving.over_the_wire import PLACE, descriptions

PARTS = PLACE.removesuffix("/{name}").split("/")[1:]


@cache
def validator() -> jsonschema.Draft202012Validator:
    """Checks that something is an answer to a decision request."""
    root: dict[str, Any] = {"$ref": PLACE.format(name="Answer")}
    inner = root
    for part in PARTS:
        inner[part] = inner = {}
    inner.update(descriptions([Answer]))
    return jsonschema.Draft202012Validator(root, format_checker=jsonschema.FormatChecker())


def as_described(answer: object) -> None:
    """Raises where it is not."""
    validator().validate(answer)


def responses_as_described(document: dict[str, Any], path: str, response: Response) -> None:
    """The same of any answer, by the whole description of the service."""
    told = document["paths"][path][response.request.method.lower()]["responses"][str(response.status_code)]
    schema = {**next(iter(told["content"].values()))["schema"], "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(response.json())
