"""Errors as RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field

from features.errors import KairosError
from serving import examples

MEDIA_TYPE = "application/problem+json"
PROBLEM = "#/components/schemas/Problem"
"""Where the description of a problem stands."""


class Fault(BaseModel):
    """One thing that is wrong."""

    pointer: str = Field(description="JSON pointer into the request; empty for the whole of it.")
    detail: str


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra={"examples": [examples.PROBLEM]})

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="A word for machines that stays the same.")
    request_id: str
    errors: list[Fault]


class RefusalError(KairosError):
    """A request that is refused. ``code`` is a word for machines that stays the same."""

    def __init__(self, status: int, code: str, detail: str, *faults: Fault) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = faults


def problem(status: int, code: str, detail: str, request_id: str, faults: Sequence[Fault] = ()) -> bytes:
    """The body of an ``application/problem+json`` answer."""
    found = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=request_id,
        errors=list(faults),
    )
    return found.model_dump_json().encode()


def refused(error: RefusalError, request_id: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to a request that is refused."""
    headers = {"Content-Type": MEDIA_TYPE} | ({"Retry-After": "1"} if error.status == 503 else {})
    return error.status, headers, problem(error.status, error.code, error.detail, request_id, error.faults)
