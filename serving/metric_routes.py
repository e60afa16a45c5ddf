"""The route that Prometheus asks."""

from __future__ import annotations

from fastapi import APIRouter, Response

from serving.call import NO_KEY, Key
from serving.door import Door
from serving.exposition import CONTENT_TYPE, Exposition
from serving.journal.keys import Scope


def metric_routes(exposition: Exposition, door: Door) -> APIRouter:
    """The route, to be included by the app. A plain function: it runs in a thread, beside the event loop."""
    router = APIRouter(tags=["service"])

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}, **NO_KEY})
    def metrics(authorization: Key = None) -> Response:
        """Counts, times, drift, calibration and alerts, in the text form of Prometheus; keys need the scope read."""
        door.admit(authorization, Scope.READ)
        return Response(exposition.page(), media_type=CONTENT_TYPE)

    return router
