"""Which events came of which decision: those inside the window of an offer that it made.

Nothing is written for it. What an event is joined to follows from the journal at the time of asking, so a late event, a
later decision or a join of two customers changes the answer as if they had always been known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.domain import DAY, Category, CustomerId, DecisionId, Instant, Offer, OfferId
from serving.events.arrival import Arrival
from serving.identity.identity import identity
from serving.identity.namespace import CUSTOMER
from serving.journal import Journal
from serving.journal.outcomes import Made, Sought, candidates, made, made_after
from serving.journal.timeline import Entry

WINDOW_DAYS = 7.0
"""Attribution window of an offer that is in no catalogue any more."""


@dataclass(frozen=True, slots=True)
class Came:
    """An event after a decision, whether it came of it, and why or why not."""

    event: Entry
    attributed: bool
    why: str


@dataclass(frozen=True)
class Attribution:
    """Joins the events of one journal to its decisions."""

    journal: Journal
    offers: Callable[[], Mapping[OfferId, Offer]]
    """The offers of the catalogue in force."""

    def came_of(self, decision_id: DecisionId) -> list[Came]:
        """What came of a decision, oldest first, with events that name it and cannot have come of it."""
        with self.journal.reading() as connection:
            decision = made(connection, decision_id)
        if decision is None:
            return []
        ends = self._ends(decision)
        sought = Sought(self._owner(decision), ends.keys(), self._bought(ends), max(ends.values(), default=decision.at))
        with self.journal.reading() as connection:
            found = candidates(connection, decision, sought)
            later = made_after(connection, decision, sought) if found else []
        return [came for each in found if (came := self._judged(each, decision, ends, later)) is not None]

    def remark(self, arrival: Arrival) -> str | None:
        """What to tell the sender of an event that names a decision and did not come of it."""
        if arrival.decision_id is None:
            return None
        with self.journal.reading() as connection:
            decision = made(connection, arrival.decision_id)
        if decision is None:
            return f"not attributed: there is no decision {arrival.decision_id!r}"
        why = _objection(arrival.offer_id, arrival.occurred_at, decision, self._ends(decision))
        return None if why is None else f"not attributed: {why}"

    def _judged(self, event: Entry, decision: Made, ends: Mapping[OfferId, Instant], later: list[Made]) -> Came | None:
        offer_id = None if event.offer_id is None else OfferId(event.offer_id)
        if event.decision_id is not None:
            why = _objection(offer_id, event.occurred_at, decision, ends)
            return Came(event, why is None, "it names the decision" if why is None else why)
        fitting = [o for o in ends if (self._fits(event, o)) and event.occurred_at <= ends[o]]
        again = {o for each in later if each.at <= event.occurred_at for o, _ in each.offers}
        mine = next((o for o in fitting if o not in again), None)
        return None if mine is None else Came(event, True, f"it concerns {mine} and falls into its window")

    def _fits(self, event: Entry, offer_id: OfferId) -> bool:
        offer = self.offers().get(offer_id)
        bought = event.offer_id is None and offer is not None and offer.buys == event.category
        return bought or event.offer_id == offer_id

    def _ends(self, decision: Made) -> dict[OfferId, Instant]:
        """The last instant of the window of each offer that was made, best offer first."""
        known = self.offers()
        days = {o: known[o].window_days if o in known else WINDOW_DAYS for o, _ in decision.offers}
        return {o: Instant(decision.at + round(window * DAY)) for o, window in days.items()}

    def _bought(self, offer_ids: Mapping[OfferId, Instant]) -> set[Category]:
        known = self.offers()
        return {bought for o in offer_ids if o in known and (bought := known[o].buys) is not None}

    def _owner(self, decision: Made) -> CustomerId:
        """The customer as called now: names may have been joined since the decision."""
        found = self.journal.find(identity(CUSTOMER, decision.customer_id))
        return decision.customer_id if found is None else found.customer_id


def _objection(offer_id: OfferId | None, at: Instant, decision: Made, ends: Mapping[OfferId, Instant]) -> str | None:
    """Why an event that names the decision cannot have come of it; None where it can."""
    if not ends:
        return "the decision offered nothing"
    if offer_id is not None and offer_id not in ends:
        return f"the decision did not offer {offer_id}"
    if at < decision.at:
        return "it happened before the decision"
    end = ends[offer_id] if offer_id is not None else max(ends.values())
    days = (end - decision.at) / DAY
    return f"it happened after the offer's window of {days:g} days" if at > end else None
