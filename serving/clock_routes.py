"""The route by which simulated time passes."""

from __future__ import annotations

from fastapi import APIRouter

from features.clock import SimulatedClock
from features.domain import DAY
from features.instant import format_instant, parse_instant
from serving import api
from serving.call import NO_KEY, Key, refusal
from serving.door import Door
from serving.journal.keys import Scope
from serving.parts import Parts
from serving.problem import Fault, RefusalError

MOST_DAYS = 366
"""That may pass in one call: a slip of the pen is not to end everything that expires."""


def clock_routes(parts: Parts, door: Door) -> APIRouter:
    """The route, to be included by the app. Its handler of RefusalError gives problems their form."""
    router = APIRouter(tags=["service"])

    @router.post(
        "/v1/clock",
        responses={
            409: refusal("The service lives in real time."),
            422: refusal("Time does not run back, nor does more than a year pass at once."),
            **NO_KEY,
        },
    )
    def advance(wanted: api.ClockSetting, authorization: Key = None) -> api.ClockSetting:
        """Let simulated time pass up to an instant: reservations expire, what was received later is younger."""
        door.admit(authorization, Scope.ADMIN)
        clock = parts.clock
        if not isinstance(clock, SimulatedClock):
            detail = "The service's clock is the machine's: run it with KAIROS_CLOCK=simulated."
            raise RefusalError(409, "real_time", detail)
        us = parse_instant(wanted.now) - clock.now()
        if not 0 <= us <= MOST_DAYS * DAY:
            detail = f"It is {format_instant(clock.now())}: name an instant from then to {MOST_DAYS} days later."
            raise RefusalError(422, "instant_out_of_range", detail, Fault(pointer="/now", detail=detail))
        return api.ClockSetting(now=format_instant(clock.advance(us)))

    return router
