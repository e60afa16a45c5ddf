"""The routes of jobs."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from features.domain import CustomerId
from serving import job_api as api
from serving.call import NO_KEY, Key, Once, Refusals, refusal, told
from serving.door import Door
from serving.jobs.office import Office
from serving.journal import JournalUnavailableError
from serving.journal.keys import Scope
from serving.problem import RefusalError
from serving.repeats import Call, Given, Repeats

_REFUSALS: Refusals = {
    409: refusal("The service runs no jobs."),
    **NO_KEY,
}
_UNKNOWN: Refusals = {
    404: refusal("There is no such job, or no such file of it."),
    422: refusal("The request is not what this call takes."),
    **_REFUSALS,
}


def job_routes(office: Office, door: Door, repeats: Repeats) -> APIRouter:
    """The routes, to be included by the app. Its handler of RefusalError gives problems their form."""
    router = APIRouter(tags=["jobs"])

    @router.post(
        "/v1/jobs",
        status_code=202,
        response_class=Response,
        responses={
            202: {"model": api.Job, "description": "The job, which another process has begun to run."},
            400: refusal("The body is not JSON."),
            422: refusal("The request is not what this call takes, or names what there is not."),
            **_REFUSALS,
        },
    )
    def ask(request: api.JobRequest, authorization: Key = None, idempotency_key: Once = None) -> Response:
        """Decide for many customers, as for one: same rules, same ledger; what is scarce goes where it gains most."""
        by = door.admit(authorization, Scope.DECIDE)

        def work() -> Given:
            return Given(office.take(request, by, idempotency_key).model_dump_json(), frozenset[CustomerId]())

        body = request.model_dump_json(exclude_unset=True).encode()
        try:
            answer = repeats.once(Call(by, idempotency_key, "/v1/jobs", body), work)
        except JournalUnavailableError as error:
            raise RefusalError(503, "journal_unavailable", f"{error}.".capitalize()) from error
        return Response(answer, 202, media_type="application/json")

    @router.get(
        "/v1/jobs/{job_id}",
        response_class=Response,
        responses={200: {"model": api.Job, "description": "The job as it stands."}, **_UNKNOWN},
    )
    def job(job_id: str, authorization: Key = None) -> Response:
        """How far a job has come, and the files that it wrote."""
        door.admit(authorization, Scope.DECIDE)
        return told(office.job(job_id))

    @router.post(
        "/v1/jobs/{job_id}/resume",
        status_code=202,
        response_class=Response,
        responses={202: {"model": api.Job, "description": "The job, which goes on where it was."}, **_UNKNOWN},
    )
    def resume(job_id: str, authorization: Key = None) -> Response:
        """Take up a job whose process has died; one that runs or is done is left alone."""
        door.admit(authorization, Scope.DECIDE)
        return told(office.resume(job_id), 202)

    @router.get(
        "/v1/jobs/{job_id}/files/{name}",
        response_class=FileResponse,
        responses={
            200: {"content": {"application/octet-stream": {}}, "description": "The file."},
            **_UNKNOWN,
        },
    )
    def file(job_id: str, name: str, authorization: Key = None) -> FileResponse:
        """A file that a job wrote; the job's answer lists them with their digests."""
        door.admit(authorization, Scope.DECIDE)
        return FileResponse(office.file(job_id, name), media_type="application/octet-stream", filename=name)

    return router
