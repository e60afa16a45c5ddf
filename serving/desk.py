"""Where a decision is made for real: what is known is looked up, as of one moment of the customer's ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import Lock

from features.domain import CustomerId, Instant
from features.quick import quick
from serving.account import Account
from serving.background import Background
from serving.circumstances import Circumstances
from serving.consent import Consent, Topic
from serving.crowd import OUTDATED_US
from serving.decide import Lap, decide, untimed
from serving.decision import Ask, Decision
from serving.draw import Cost
from serving.equipment import Equipment, pooled
from serving.journal import JournalUnavailableError
from serving.journal.dossier import Dossier
from serving.journal.past import Standing
from serving.journal.transaction import Transaction
from serving.ledger.contact import Ledger
from serving.ledger.shared import keys_of
from serving.live_store import Heard, LiveStore
from serving.pairs import Known, stranger
from serving.progress import Progress
from serving.shortfall import LASTING, Lack, Shortfall, distinct
from serving.snapshot import Snapshot
from serving.unavailable import UNREADABLE, without_store


@quick(frozen=True, slots=True)
class Made:
    """A decision with the equipment it was made with."""

    decision: Decision
    equipment: Equipment
    erasures: int | None
    """As many customers were erased at least before anything was read; None where nothing was read."""

    def again(self, exhausted: Iterable[str]) -> Made:
        """Drawn again, because these stocks, capacities and budgets turned out to be used up."""
        before = self.decision
        stands = before.circumstances
        stands = replace(stands, attempt=stands.attempt + 1, exhausted=stands.exhausted | frozenset(exhausted))
        found = decide(before.ask, before.known, self.equipment, before.lacking, untimed, stands)
        return Made(found, self.equipment, self.erasures)

    def without(self, shortfall: Shortfall) -> Made:
        """Decided again without one thing more."""
        before = self.decision
        lacking = (*before.lacking, shortfall)
        found = decide(before.ask, before.known, self.equipment, lacking, untimed, before.circumstances)
        return Made(found, self.equipment, self.erasures)


class Desk:
    """Decides for customers of a store."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        self._account: Account | None = None
        """None until it is known what the decisions before this process have cost."""
        self._counting = Lock()

    def decide(
        self,
        ask: Ask,
        equipment: Equipment,
        lap: Lap = untimed,
        progress: Progress | None = None,
        met: Dossier | None = None,
        background: Background | None = None,
    ) -> Made:
        """The decision with this equipment; what the store cannot tell is done without.

        Nothing is offered to a customer of whom it cannot be told what they objected to, or what was said to them.
        ``met`` is what the journal holds of the customer, where that was read before everything else, and
        ``background`` is all there is, where that was.
        """
        progress = progress or Progress()
        if background is None:
            background = self._read(ask, equipment, progress, met)
        else:
            progress.background = background
        lap("read")
        as_of = self._as_of(ask.at, equipment)
        known = background.known or stranger(ask.at)
        found = decide(ask, known, as_of, background.lacking, lap, background.stands)
        return Made(found, as_of, background.erasures)

    def _read(self, ask: Ask, equipment: Equipment, progress: Progress, met: Dossier | None) -> Background:
        customer_id, at = ask.customer_id, ask.at
        consents: Mapping[Topic, Consent] = {}
        stands, known, erasures = Circumstances(), stranger(at), None
        lacking: tuple[Shortfall, ...] = ()
        try:
            # How far the journal has come first: what changes afterwards shows in the revision.
            met = self._store.dossier(customer_id, equipment.since(at)) if met is None else met
            erasures = met.erasures
            ledger = self._store.ledger(met, keys_of(equipment.policy, equipment.stocks, at))
            consents, stands = met.consents, Circumstances(ledger, self.spent())
            progress.background = Background(customer_id, at, consents, stands, erasures)
            known, lacking = self.known(customer_id, at, met.who)
            said = self._store.said(met, at, known.activity, equipment.needed)
            found = Background(customer_id, at, consents, stands, erasures, _with(known, said), lacking)
            progress.background = found
        except JournalUnavailableError as error:
            lacking = (*lacking, Shortfall(Lack.JOURNAL_UNAVAILABLE, f"Nothing is offered: {error}."))
            found = Background(customer_id, at, consents, stands, erasures, known, lacking)
        return found

    def decide_late(self, ask: Ask, equipment: Equipment, background: Background | None) -> Made:
        """The decision without the model and without what was not known by then: by popularity.

        Nothing is offered where not even that is known what the customer objected to, and what was said to them.
        """
        if background is None:
            return self.nothing(ask, equipment)
        known = background.known or replace(stranger(ask.at), consents=background.consents)
        missing = "the model" if background.known else "what is known of the customer and for the model"
        late = Shortfall(Lack.LATE, f"There was no time to wait for {missing}: judged by popularity.")
        without = replace(equipment, model=None)
        found = decide(ask, known, without, (late,), untimed, background.stands)
        return Made(found, without, background.erasures)

    def nothing(self, ask: Ask, equipment: Equipment) -> Made:
        """The decision that offers nothing, because of the deadline."""
        late = Shortfall(Lack.LATE_FOR_ALL, "Nothing is offered: it could not be checked and recorded in time.")
        without = replace(equipment, model=None)
        return Made(decide(ask, stranger(ask.at), without, (late,)), without, None)

    def anew(self, transaction: Transaction, made: Made, customer_id: CustomerId) -> Made:
        """Decided again on what holds inside a transaction that has its turn, because it changed since it was read.

        ``customer_id`` is what the customer is called now. What forbade to offer anything still does, and late is late.
        """
        before = made.decision
        ask = replace(before.ask, customer_id=customer_id)
        policy = made.equipment.policy
        known, lacking = self.known(customer_id, ask.at)
        ledger, said = self._store.holding(
            transaction,
            customer_id,
            ask.at,
            known.activity,
            keys_of(policy, made.equipment.stocks, ask.at),
            made.equipment.since(ask.at),
            made.equipment.needed,
        )
        stands = replace(before.circumstances, ledger=ledger)
        lacking = distinct(*(each for each in before.lacking if each.lack in LASTING), *lacking)
        found = decide(ask, _with(known, said), made.equipment, lacking, untimed, stands)
        return Made(found, made.equipment, transaction.erasures)

    def imagine(self, ask: Ask, equipment: Equipment, known: Known, ledger: Ledger) -> Made:
        """The decision for a customer who does not exist, of whom this would be known."""
        as_of = self._as_of(ask.at, equipment)
        return Made(decide(ask, known, as_of, (), untimed, Circumstances(ledger)), as_of, None)

    def count(self, cost: Cost, at: Instant) -> None:
        """Enter what a recorded decision cost into the account of exploration."""
        with self._counting:
            self._account = (self._account or Account()).at(at).after(cost.best, cost.given_up, cost.spread)

    def spent(self) -> Account:
        """The account of exploration. A process goes on where the one before it was."""
        if self._account is None:
            before = self._store.account()
            with self._counting:
                self._account = self._account or before
        return self._account

    def known(
        self, customer_id: CustomerId, at: Instant, who: Standing | None = None
    ) -> tuple[Known, tuple[Shortfall, ...]]:
        """What the store knows of a customer, without consents and open topics, and what it could not tell."""
        try:
            activity, value, told = self._store.known(customer_id, at, who)
        except UNREADABLE as error:
            return stranger(at), (without_store(error),)
        if told is None:
            return replace(stranger(at), activity=activity, packed=value), ()
        return Known(at, activity, told.profile, told.zone, packed=value), ()

    def _as_of(self, at: Instant, equipment: Equipment) -> Equipment:
        """The equipment with the evidence of that instant, where the one it holds is of another."""
        if abs(at - equipment.evidence_at) < OUTDATED_US:
            return equipment
        try:
            states = self._store.evidence(at)
        except UNREADABLE:
            return equipment
        pool = pooled(equipment.catalogue, states, at)
        return replace(equipment, evidence=pool, evidence_at=at, snapshot=Snapshot(states))


def _with(known: Known, said: Heard) -> Known:
    return Known(
        known.at, known.activity, known.profile, known.zone, said.consents, said.intents, said.events, known.packed
    )
