"""The routes of decisions: made, recalled, made again."""

from __future__ import annotations

from fastapi import APIRouter, Response

from features.domain import CustomerId, DecisionId
from serving import api
from serving.answer_api import Answer
from serving.call import Key, Once, Refusals, refusal, success, told
from serving.door import Door
from serving.journal import JournalUnavailableError
from serving.journal.keys import Scope
from serving.over_the_wire import written
from serving.punctual import Punctual
from serving.recall import Recall
from serving.recall_api import RecordedDecision, Replayed
from serving.repeats import Call, Given, Repeats

_REFUSALS: Refusals = {
    400: refusal("The body is not JSON."),
    413: refusal("The body is larger than 1 MB."),
    415: refusal("The body is not declared as JSON."),
    422: refusal("The body is JSON, but not what this call takes."),
}
_RECORDED: Refusals = {
    404: refusal("There is no such decision."),
    410: refusal("The decision was erased with its customer."),
    503: refusal("The journal cannot be read."),
}


def decision_routes(punctual: Punctual, door: Door, repeats: Repeats, recall: Recall) -> APIRouter:
    """The routes, to be included by the app. Its handler of RefusalError gives problems their form."""
    router = APIRouter(tags=["decisions"])

    # Plain functions run in threads: trees, SQLite and zlib let go of the interpreter's lock, and health stays quick.
    # The answer is built and checked once, by its own class: a response model would check it again.
    @router.post(
        "/v1/decisions",
        response_class=Response,
        responses={200: success(Answer, "The decision."), **_REFUSALS},
    )
    def decide(request: api.DecisionRequest, authorization: Key = None, idempotency_key: Once = None) -> Response:
        """Decide for one customer: the best offers with channel, or silence."""
        by = door.admit(authorization, Scope.DECIDE)
        if idempotency_key is None or request.dry_run:
            return told(punctual.decide(request))
        call = Call(by, idempotency_key, "/v1/decisions", request.model_dump_json(exclude_unset=True).encode())

        def work() -> Given:
            answer = punctual.decide(request)
            customers = frozenset({CustomerId(answer.customer_id)})
            return Given(written(answer).decode(), customers, answer.recorded, DecisionId(answer.decision_id))

        try:
            return Response(repeats.once(call, work), media_type="application/json")
        except JournalUnavailableError:
            return told(punctual.decide(request))

    @router.get(
        "/v1/decisions/{decision_id}",
        response_class=Response,
        responses={
            200: success(RecordedDecision, "The decision as it was answered."),
            409: refusal("The record was changed and cannot be read any more."),
            **_RECORDED,
        },
    )
    def decided(decision_id: str, authorization: Key = None) -> Response:
        """A recorded decision, with what the models saw of each item, and what came of it."""
        door.admit(authorization, Scope.READ)
        return told(recall.decided(decision_id))

    @router.post(
        "/v1/decisions/{decision_id}/replay",
        response_class=Response,
        responses={
            200: success(Replayed, "What came of making it again."),
            409: refusal("Something that it was made with is not kept any more."),
            **_RECORDED,
        },
    )
    def replay(decision_id: str, authorization: Key = None) -> Response:
        """Make a past decision again from its record and the versions kept, and hold it against what was answered."""
        door.admit(authorization, Scope.READ)
        return told(recall.replay(decision_id))

    return router
