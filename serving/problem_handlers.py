"""What goes wrong, as problems: how they are answered and how they are declared."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from serving.envelope import is_json
from serving.over_the_wire import PLACE
from serving.policy.flaw import pointer
from serving.problem import MEDIA_TYPE, Fault, Problem, RefusalError, problem
from serving.problem import refused as refused_as

_CODES = {400: "malformed", 404: "not_found", 405: "method_not_allowed"}


def add_problems(app: FastAPI) -> None:
    """Give whatever goes wrong the form of a problem (RFC 9457)."""

    @app.exception_handler(RefusalError)
    async def refused(request: Request, error: RefusalError) -> Response:
        status, headers, body = refused_as(error, request.state.request_id)
        return Response(body, status, headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        if found[0]["loc"][0] == "body" and not is_json(request.headers.get("content-type", "")):
            detail = "The body must be JSON: send it with the header Content-Type: application/json."
            return _problem(request, 415, "unsupported_media_type", detail)
        if any(fault["type"] == "json_invalid" for fault in found):
            return _problem(request, 400, "malformed", "The body is not JSON: check quotes, commas and brackets.")
        faults = [Fault(pointer=pointer(fault["loc"][1:]), detail=fault["msg"]) for fault in found]
        detail = "The request is well-formed JSON, but not what this call takes: " + "; ".join(
            f"{fault.pointer or 'the body'}: {fault.detail}" for fault in faults[:3]
        )
        return _problem(request, 422, "invalid_request", f"{detail}.", *faults)

    @app.exception_handler(HTTPException)
    async def refused_by_framework(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "refused")
        return _problem(request, error.status_code, code, str(error.detail), **dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def failed(request: Request, _: Exception) -> Response:
        detail = "The service failed at something it should not fail at; its log says at what."
        request_id = request.state.request_id
        return _problem(request, 500, "internal_error", detail, **{"X-Request-Id": request_id})


def declare_problems(document: dict[str, Any]) -> None:
    """Problems have a media type of their own, and their description stands where the calls refer to."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    told = Problem.model_json_schema(ref_template=PLACE.replace("{name}", "{model}"))
    schemas |= {**told.pop("$defs"), "Problem": told}
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    response["content"] = {MEDIA_TYPE: response["content"].pop("application/json")}


def _problem(request: Request, status: int, code: str, detail: str, *faults: Fault, **headers: str) -> Response:
    body = problem(status, code, detail, request.state.request_id, faults)
    return Response(body, status, headers, MEDIA_TYPE)
