"""What the calls about documents have in common."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Header, Query, Response

from serving.call import NO_KEY, Refusals, refusal
from serving.etag import etag

PAGE = 100
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of the version that this changes.")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", description="`*` for an offer that is new.")]
Cursor = Annotated[str | None, Query(max_length=128, description="Where the page before ended.")]

REFUSALS: Refusals = {
    **NO_KEY,
    409: refusal("The document's file cannot be used."),
    422: refusal("The request is not what this call takes."),
    503: refusal("The journal or the catalogue cannot be used."),
}
"""Of every call."""
CHANGE: Refusals = {
    400: refusal("The body is not a JSON object."),
    404: refusal("There is none."),
    412: refusal("It has changed since it was read."),
    413: refusal("The body is larger than 1 MB."),
    428: refusal("The version to change is not named."),
    **REFUSALS,
}
"""Of whatever changes something."""


def given(description: str) -> Refusals:
    """The description of an answer that is a JSON object."""
    return {200: {"description": description, "content": {"application/json": {"schema": {"type": "object"}}}}}


def taking(owner: str) -> dict[str, Any]:
    """The description of a body whose form is a document's own schema."""
    told = {"type": "object", "description": f"In the form of `/v1/schemas/{owner}`."}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": told}}}}


def body_of(body: Any, fingerprint: str) -> Response:
    """The answer that is this, of a version."""
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, headers={"ETag": etag(fingerprint)}, media_type="application/json")
