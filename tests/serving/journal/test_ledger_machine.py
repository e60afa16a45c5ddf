"""No grant beyond a cap, whatever comes in whatever order: decisions on old and new readings, confirmations, releases,
expiries, displacements, joins and splits of customers, messages nobody granted, policies that change, clocks
that differ.
"""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from features.domain import DAY, HOUR, Category, ChannelName, CustomerId, DecisionId, EventId, Instant, Kind, OfferId
from features.instant import parse_instant
from serving.events.arrival import Arrival, Spoken
from serving.identity.identity import Identity, distinct, identity
from serving.journal import Cause, Journal
from serving.journal.contacts import find
from serving.journal.documents import Version, keep_version
from serving.journal.people import UnknownCustomerError
from serving.journal.reserving import reserve
from serving.journal.standings import confirm, release, sweep
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.ledger.counting import since
from serving.ledger.reservation import Reserved, Take
from serving.ledger.room import admitted
from serving.policy.document import policy_of
from serving.policy.policy import Policy
from tests.grants import violations

BERLIN = "Europe/Berlin"
BEGIN = parse_instant("2024-10-25T10:00:00Z")
"""Two days before clocks are put back in Berlin."""
NAMES = [("customer_id", "ann"), ("card", "7"), ("device", "phone"), ("anonymous", "cookie")]
STOCK = 3
POLICIES = (
    {
        "caps": [
            {"name": "daily", "per": "channel", "most": 1, "window": {"calendar": "day"}},
            {"name": "week", "per": "all", "most": 3, "window": {"hours": 168}},
            {"name": "tea", "per": "offer", "of": "tea", "most": 1, "window": {"calendar": "month"}},
        ],
        "kept": {"share": 0.34, "above_priority": 5},
    },
    {
        "caps": [
            {"name": "daily", "per": "all", "most": 2, "window": {"calendar": "day"}},
            {"name": "drinks", "per": "category", "most": 2, "window": {"hours": 30}},
            {"name": "weekly", "per": "purpose", "most": 3, "window": {"calendar": "week"}},
        ],
    },
)
hours = st.integers(0, 60).map(lambda quarter: quarter * HOUR // 4)
named = st.sampled_from(NAMES)
some = st.lists(hours, min_size=1, max_size=2)
channels, offers = st.sampled_from(["email", "push"]), st.sampled_from(["tea", "rum"])
priorities = st.sampled_from([0, 3, 9])


class Ledgers(RuleBasedStateMachine):
    """One person with four names, who may be up to four customers."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="kairos-ledger-"))
        self.uri = f"sqlite:///{self.folder / 'journal.db'}"
        self.journal = Journal(self.uri, "NORMAL")
        self.policies = [policy_of(body).value for body in POLICIES]
        self.policy = self.policies[0]
        self.at = BEGIN
        self.number = 0
        self.granted: list[ContactId] = []
        self.readings: list[tuple[CustomerId, Ledger, Policy, Instant]] = []

    @initialize()
    def begin(self) -> None:
        for body, policy in zip(POLICIES, self.policies, strict=True):
            version = Version("policy", policy.fingerprint, policy_of(body).text, BEGIN, "test")
            self.journal.write(lambda t, version=version: keep_version(t.connection, version))
        self.tell(*NAMES[:2])
        self.tell(*NAMES[2:])

    def teardown(self) -> None:
        _, wrong = violations(self.uri, {"stock:%": STOCK})
        self.journal.close()
        shutil.rmtree(self.folder)
        assert wrong == []

    def tell(self, *names: tuple[str, str], sent: Instant | None = None, offer: str = "tea") -> None:
        self.number += 1
        who = distinct(identity(*name) for name in names)
        kind = Kind.SENT if sent is not None else None
        spoken = None if sent is None else Spoken("marketing", 0, counts=True)
        event = Arrival(
            "test",
            EventId(f"e{self.number}"),
            who,
            kind,
            ChannelName("email"),
            sent or self.at,
            offer_id=OfferId(offer),
            category=Category("drinks"),
            spoken=spoken,
        )
        self.journal.take_in([event], Cause(self.at, "test", "event"))

    def owner(self, name: tuple[str, str]) -> CustomerId:
        found = self.journal.find(identity(*name))
        assert found is not None
        return found.customer_id

    def reading(self, name: tuple[str, str]) -> tuple[CustomerId, Ledger, Policy, Instant]:
        """What is read of the customer at once is what is read of each thing apart."""
        who = self.journal.find(identity(*name))
        assert who is not None
        asked = self.at, ("stock:tea", "stock:rum"), since(self.policy, self.at)
        found, met = self.journal.ledger(who.customer_id, *asked), self.journal.known_as(identity(*name), asked[2])
        assert met is not None
        assert (met.who, met.contacts, met.who.revision) == (who, found.contacts, found.revision)
        return who.customer_id, found, self.policy, self.at

    @rule(name=named)
    def read(self, name: tuple[str, str]) -> None:
        self.readings.append(self.reading(name))

    @precondition(lambda self: self.readings)
    @rule(data=st.data(), ahead=some, channel=channels, offer=offers, priority=priorities)
    def decide_late(self, data: st.DataObject, ahead: list[int], channel: str, offer: str, priority: int) -> None:
        """On a reading that may have been overtaken."""
        self.grant(data.draw(st.sampled_from(self.readings)), ahead, channel, offer, priority)

    @rule(name=named, ahead=some, channel=channels, offer=offers, priority=priorities)
    def decide(self, name: tuple[str, str], ahead: list[int], channel: str, offer: str, priority: int) -> None:
        self.grant(self.reading(name), ahead, channel, offer, priority)

    @rule(ahead=some, channel=channels, offer=offers, priority=priorities)
    def decide_for_ann(self, ahead: list[int], channel: str, offer: str, priority: int) -> None:
        self.grant(self.reading(NAMES[0]), ahead, channel, offer, priority)

    @rule(offer=offers)
    def decide_what_matters(self, offer: str) -> None:
        self.grant(self.reading(NAMES[0]), [0], "email", offer, 9)

    @rule(offer=offers, confirmed=st.booleans())
    def overtake(self, offer: str, confirmed: bool) -> None:
        """What was read is confirmed, or expires by a faster clock, before what would have displaced it is granted."""
        self.grant(self.reading(NAMES[0]), [0], "email", offer, 0)
        reading = self.reading(NAMES[0])
        if not confirmed:
            self.journal.write(lambda t: sweep(t, Instant(self.at + DAY)))
        for each in reading[1].contacts if confirmed else ():
            self.journal.write(lambda t, each=each: confirm(t, each.contact_id, self.at))
        self.grant(reading, [0], "email", offer, 9)

    @precondition(lambda self: self.granted)
    @rule(offer=offers, channel=channels)
    def run_out(self, offer: str, channel: str) -> None:
        """The last reservation expires, something takes its place, and somebody's clock has not got so far yet."""
        contact_id = self.granted[-1]
        with self.journal.reading() as connection:
            found = find(connection, contact_id)
        assert found is not None
        self.at = max(self.at, found.contact.expires_at)
        self.grant(self.reading(NAMES[0]), [0], channel, offer, 0)
        self.journal.write(lambda t: confirm(t, contact_id, Instant(found.contact.expires_at - 1)))

    def grant(
        self,
        reading: tuple[CustomerId, Ledger, Policy, Instant],
        ahead: list[int],
        channel: str,
        offer: str,
        priority: int,
    ) -> None:
        customer_id, ledger, policy, at = reading
        self.number += 1
        wanted = [
            Contact(
                ContactId(f"c{self.number}-{place}"),
                ChannelName(channel),
                Instant(at + after),
                (OfferId(offer),),
                (Category("drinks"),),
                ("marketing",),
                priority,
                True,
                Standing.RESERVED,
                Instant(at + after + HOUR),
                DecisionId(f"d{self.number}"),
            )
            for place, after in enumerate(ahead)
        ]
        made, displaced = admitted(wanted, ledger.contacts, policy, BERLIN, at)
        takes = [Take(f"stock:{offer}", 1, STOCK, each.contact_id) for each in made]
        if not made:
            return
        outcome = self.journal.write(
            lambda t: reserve(
                t,
                customer_id,
                ledger.revision,
                made,
                takes,
                at,
                displaced=displaced,
                policy=policy.fingerprint,
                zone=BERLIN,
            )
        )
        if isinstance(outcome, Reserved):
            self.granted += [each.contact_id for each in made]

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), slow=st.sampled_from([0, HOUR]))
    def confirm(self, data: st.DataObject, slow: int) -> None:
        """Also by a process whose clock is an hour behind."""
        contact_id = data.draw(st.sampled_from(self.granted))
        self.journal.write(lambda t: confirm(t, contact_id, Instant(self.at - slow)))

    @precondition(lambda self: self.granted)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        contact_id = data.draw(st.sampled_from(self.granted))
        self.journal.write(lambda t: release(t, contact_id, self.at, "not sent"))

    @precondition(lambda self: self.granted)
    @rule(data=st.data(), name=named)
    def send(self, data: st.DataObject, name: tuple[str, str]) -> None:
        contact_id = data.draw(st.sampled_from(self.granted))
        self.number += 1
        event = Arrival(
            "test",
            EventId(f"e{self.number}"),
            (identity(*name),),
            Kind.SENT,
            ChannelName("email"),
            self.at,
            extra={"contact_id": contact_id},
            spoken=Spoken("marketing", 0, counts=True),
        )
        self.journal.take_in([event], Cause(self.at, "test", "event"))

    @rule(name=named, before=hours)
    def send_what_nobody_granted(self, name: tuple[str, str], before: int) -> None:
        self.tell(name, sent=Instant(self.at - before))

    @rule(names=st.lists(named, min_size=2, max_size=3, unique=True))
    def join(self, names: list[tuple[str, str]]) -> None:
        self.tell(*names)

    @rule(name=named)
    def split(self, name: tuple[str, str]) -> None:
        try:
            self.journal.split(self.owner(name), [Identity(*name)], Cause(self.at, "test", "not the same"))
        except UnknownCustomerError:
            return

    @rule(after=st.sampled_from([HOUR // 2, HOUR, 5 * HOUR, DAY]))
    def wait(self, after: int) -> None:
        self.at = Instant(self.at + after)

    @rule()
    def sweep(self) -> None:
        self.journal.write(lambda t: sweep(t, self.at))

    @rule(number=st.integers(0, 1))
    def change_policy(self, number: int) -> None:
        self.policy = self.policies[number]

    @invariant()
    def shared_stock_holds(self) -> None:
        found = self.journal.ledger(CustomerId("nobody"), self.at, ("stock:tea", "stock:rum"))
        assert all(taken >= 0 for taken in found.taken.values())


TestLedgers = Ledgers.TestCase
TestLedgers.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
TestLedgers = pytest.mark.slow(TestLedgers)
