"""Keeps what is stored of customers equal to what the journal says of them.

A stored value is a pure function of the journal up to the position that it carries. So nobody has to hold a lock: two
writers of one customer write the same or the one with the higher position stays, and a value that was left behind by a
process that died is caught up by whoever comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from features.domain import CustomerId, Event, Instant
from features.errors import KairosError
from features.fold import fold
from features.moment import on_wall_clock
from features.packed_state import PackedState, pack_state, unpack_state
from features.state import NEVER, State, close, empty
from features.stored import ACTIVITY, state_from_row, state_to_row
from serving.journal.journal import Journal
from serving.journal.past import Gap, News, Standing
from serving.values import Values, position_of


class NoVocabularyError(KairosError):
    """The configured categories are not known yet, so nothing can be counted under them."""


AT_ONCE = 500
"""Customers that are caught up in one go."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What recomputing every customer from the journal found."""

    customers: int
    behind: tuple[CustomerId, ...]
    """Values that did not include everything yet, which no answer could have shown: reading catches up."""
    different: tuple[CustomerId, ...]
    """Values that differed from the recomputed ones beyond the tolerance of the law."""


@dataclass(frozen=True)
class Projection:
    """The live features of one journal."""

    journal: Journal
    values: Values
    categories: Callable[[], frozenset[str] | None] = field(default=lambda: None)
    """The vocabulary of categories in force; others count as ``other``."""
    zone_of: Callable[[CustomerId], str] = field(default=lambda _: "UTC")
    """The IANA zone of a customer, for events that came without an offset. Where it changes, ``rebuild`` notices."""

    def settle(
        self, customer_ids: Iterable[CustomerId], news: Iterable[News] = (), erasures: int | None = None
    ) -> None:
        """Make everything that the journal holds of these customers part of their values.

        ``news`` is what the caller has just written: where a value lacks that and nothing else, it is not read back.
        ``erasures`` is how many customers were known to be erased before that.
        """
        since = self.journal.erasures if erasures is None else erasures
        held = self.values.get_many(list(customer_ids))
        at = {customer_id: position_of(value) for customer_id, value in held.items()}
        known = {
            each.gap.standing.customer_id: each.gap
            for each in news
            if each.before <= at.get(each.gap.standing.customer_id, -1) < each.gap.standing.head
        }
        rest = {customer_id: position for customer_id, position in at.items() if customer_id not in known}
        found = [*known.values(), *(self.journal.gaps(rest) if rest else ())]
        self._put(
            [(gap.standing.customer_id, self._filled(gap, held[gap.standing.customer_id])) for gap in found], since
        )

    def settled(self, customer_id: CustomerId, who: Standing | None = None) -> bytes | None:
        """The value of a customer with everything that the journal holds of them; None where it holds nothing.

        ``who`` is how far the journal has come with the customer, where that is known already.
        """
        value = self.values.get(customer_id)
        if who is not None and who.head <= position_of(value):
            return value
        since, found = self.journal.erasures, self.journal.gaps({customer_id: position_of(value)})
        if not found:
            return value
        self._put([(customer_id, self._filled(gap, value)) for gap in found], since)
        return self.values.get(customer_id)

    def _put(self, values: Sequence[tuple[CustomerId, bytes]], erasures: int) -> None:
        """Write values, unless they are of customers who were erased since there were so many erasures."""
        if not values:
            return
        self.values.put(values)
        if self.journal.count_erasures() == erasures:
            return
        for customer_id, value in values:
            now = self.journal.standing(customer_id)
            if not now.revision:
                self.values.forget([customer_id])  # who erased them may have done so before
            elif now.head != position_of(value):  # may be somebody else, who has the number of the erased: made anew
                self.values.remove([customer_id])

    def _filled(self, gap: Gap, value: bytes | None) -> bytes:
        if value is None or gap.anew:
            base, at = empty(), NEVER
        else:
            packed = unpack_state(ACTIVITY, value)
            base, at = packed.state, packed.event_at
        state = self._folded(base, gap.standing.customer_id, gap.events)
        return _packed(state, at, gap.events, gap.standing.head)

    def _folded(self, base: State, customer_id: CustomerId, events: Iterable[Event]) -> State:
        here = on_wall_clock(events, lambda: self.zone_of(customer_id))
        return fold(base, here, categories=self.categories())

    def state(self, customer_id: CustomerId) -> State:
        """What is known of a customer, with everything that was acknowledged before the call; empty where nothing."""
        self.settle([customer_id])
        value = self.values.get(customer_id)
        return empty() if value is None else unpack_state(ACTIVITY, value).state

    def catch_up(self) -> int:
        """Bring every value that is behind the journal up to it; returns how many customers were looked at.

        For the start of a process: another one may have died between journal and value.
        """
        return self.settle_all(standing.customer_id for standing in self.journal.standings())

    def settle_all(self, customer_ids: Iterable[CustomerId]) -> int:
        """As ``settle``, for any number of customers; returns how many they were."""
        rest, looked_at = iter(customer_ids), 0
        while some := list(islice(rest, AT_ONCE)):
            self.settle(some)
            looked_at += len(some)
        return looked_at

    def close(self) -> None:
        """Let go of journal and values."""
        self.journal.close()
        self.values.close()

    def rebuild(self) -> Rebuilt:
        """Recompute every customer from the whole journal and put right what differs. Live writers may go on."""
        behind: list[CustomerId] = []
        different: list[CustomerId] = []
        customers = 0
        for standing, events in self.journal.histories():
            customers += 1
            customer_id, value = standing.customer_id, self.values.get(standing.customer_id)
            state = state_from_row(state_to_row(self._folded(empty(), customer_id, events)))
            if standing.head < position_of(value) <= self.journal.position():
                continue  # a live writer was faster; what it wrote is looked at by the next rebuild
            if value is None or position_of(value) < standing.head:
                behind.append(customer_id)
            elif position_of(value) == standing.head and close(unpack_state(ACTIVITY, value).state, state):
                continue
            else:
                different.append(customer_id)
                self.values.remove([customer_id])
            self.values.put([(customer_id, _packed(state, NEVER, events, standing.head))])
        return Rebuilt(customers, tuple(behind), tuple(different))


def _packed(state: State, at: Instant, events: Iterable[Event], position: int) -> bytes:
    """The value describes the instant at which the last of its events was learnt."""
    learnt = Instant(max([at, *(event.received_at for event in events)]))
    return pack_state(ACTIVITY, PackedState(learnt, learnt, position, state))
