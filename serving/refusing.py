"""What a decision request may not ask."""

from __future__ import annotations

from features.domain import Instant
from features.instant import parse_instant
from serving import api
from serving.equipment import Equipment
from serving.problem import Fault, RefusalError

FIRST, LAST = Instant(0), parse_instant("2199-12-31T23:59:59Z")
"""Bounds of the instants a request may choose."""


def refuse_seed(request: api.DecisionRequest) -> None:
    """The seed of a decision that counts."""
    if request.seed is not None and not request.dry_run:
        detail = "Who sets the seed of a real decision chooses the action: send it with `dry_run`, or leave it out."
        raise RefusalError(422, "seed_not_allowed", detail, Fault(pointer="/seed", detail="allowed only with dry_run"))


def refuse_unknown(request: api.Bounds, equipment: Equipment) -> None:
    """Names that the catalogue lacks; without a catalogue none can be told right from wrong."""
    catalogue = equipment.catalogue
    if (
        (request.kind is None or request.kind in catalogue.kinds)
        and (request.offer_id is None or request.offer_id in catalogue.offer)
        and request.placements is None
        and catalogue.channel.keys() >= set(request.channels or ())
    ):
        return
    faults = []
    if catalogue.kinds and request.kind is not None and request.kind not in catalogue.kinds:
        faults.append(
            Fault(
                pointer="/kind", detail=f"no offer is of kind {request.kind!r}: use one of {', '.join(catalogue.kinds)}"
            )
        )
    if catalogue.offers and request.offer_id is not None and request.offer_id not in catalogue.offer:
        faults.append(Fault(pointer="/offer_id", detail=f"there is no offer {request.offer_id!r}: see GET /v1/offers"))
    named = [(f"/channels/{place}", name) for place, name in enumerate(request.channels or ())]
    named += [(f"/placements/{place}/channel", each.channel) for place, each in enumerate(request.placements or ())]
    for where, name in named:
        if catalogue.channels and name not in catalogue.channel:
            known = ", ".join(catalogue.channel)
            faults.append(Fault(pointer=where, detail=f"there is no channel {name!r}: use some of {known}"))
    if faults:
        detail = f"The catalogue does not know what is asked for: {faults[0].detail}."
        raise RefusalError(422, "unknown_name", detail, *faults)


def chosen(given: str, simulated: bool) -> Instant:
    """The instant that a request chooses to decide as of, which it may where the clock is simulated."""
    if not simulated:
        detail = "The service decides as of now: leave `at` out, or run it with KAIROS_CLOCK=simulated."
        raise RefusalError(
            422, "at_not_allowed", detail, Fault(pointer="/at", detail="allowed only under the simulated clock")
        )
    at = parse_instant(given)
    if not FIRST <= at <= LAST:
        detail = f"{given} is no instant to decide as of: choose one from 1970 to 2199."
        raise RefusalError(422, "at_out_of_range", detail, Fault(pointer="/at", detail="choose 1970 to 2199"))
    return at
