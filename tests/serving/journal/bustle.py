"""A process of many on one journal: decides, confirms, gives back, sends, joins and splits customers, at its own clock.

``python -m tests.serving.journal.bustle URI FOLDER NUMBER DECISIONS`` says "ready", waits for a line, and works. At its
end it prints what it did as JSON.
"""

import json
import random
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

from features.catalogue import Catalogue
from features.clock import SimulatedClock
from features.codec import Packed, pack
from features.domain import (
    DAY,
    Category,
    Channel,
    ChannelName,
    CustomerId,
    Direction,
    Importance,
    Instant,
    Offer,
    OfferId,
)
from features.instant import parse_instant
from features.stored import ACTIVITY, PROFILE
from serving import api
from serving.answer_api import Answer
from serving.archive import Archive
from serving.asking import ask_of
from serving.attention import Attention
from serving.briefing import Due
from serving.clerk import Clerk
from serving.crowd import Crowd
from serving.decision import Decision
from serving.desk import Made
from serving.identifier import new_id
from serving.identity.identity import Identity
from serving.journal import Cause, Journal
from serving.journal.decisions import Record, write_decision
from serving.journal.people import UnknownCustomerError
from serving.journal.transaction import Transaction
from serving.listing import Listing
from serving.outreach import Outreach
from serving.packed_file import PROJECT, create, open_to_write, put, table_name
from serving.parts import Parts
from serving.problem import RefusalError
from serving.progress import Progress
from serving.registry import Registry
from serving.staff import Staff, staff_of
from serving.store import MemoryReader, SqliteReader
from serving.sweep import Sweep
from serving.values import SqliteValues
from serving.watch import Watch

BEGIN = parse_instant("2024-10-24T06:00:00Z")
DAYS = 14
"""Clocks are put back in Berlin on the fourth day and in New York on the eleventh."""
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
OUT = ("email", "push", "sms")


def shared_of(decisions: int) -> dict[str, float]:
    """What there is of everything shared, by a LIKE pattern of its keys: too little, however many decisions."""
    share = decisions / 2_500
    return {
        "stock:gift": round(40 * share) + 1,
        "stock:sample": round(90 * share) + 1,
        "capacity:sms_daily:%": round(12 * share) + 1,
        "budget:autumn": round(6_000 * share),
    }


def policies_of(decisions: int) -> tuple[dict[str, object], dict[str, object]]:
    """The policy of the first half and that of the second."""
    there_is = shared_of(decisions)
    daily = {"name": "sms_daily", "channel": "sms", "window": {"calendar": "day"}}
    both = {
        "capacities": [daily | {"most": there_is["capacity:sms_daily:%"]}],
        "budgets": [{"name": "autumn", "about": {}, "most_minor": there_is["budget:autumn"]}],
        "levers": [{"name": "wanted", "about": {}, "money_minor": 5000}],
        "exploration": {"random": 1.0},
    }
    return both | FIRST, both | SECOND


FIRST, SECOND = (
    {
        "caps": [
            {"name": "channel_daily", "per": "channel", "most": 1, "window": {"calendar": "day"}},
            {"name": "two_days", "per": "all", "most": 3, "window": {"hours": 48}},
            {"name": "weekly", "per": "all", "most": 6, "window": {"calendar": "week"}},
            {"name": "offer", "per": "offer", "most": 2, "window": {"hours": 120}},
        ],
        "kept": {"share": 0.34, "above_priority": 50},
        "quiet": [{"begins_min": 1320, "ends_min": 480}],
        "reservation_minutes": 90,
    },
    {
        "caps": [
            {"name": "daily", "per": "all", "most": 2, "window": {"calendar": "day"}},
            {"name": "drinks", "per": "category", "of": "drinks", "most": 2, "window": {"hours": 72}},
            {"name": "marketing", "per": "purpose", "most": 9, "window": {"calendar": "month"}},
        ],
        "quiet": [{"begins_min": 1260, "ends_min": 420, "channels": ["sms"]}],
        "reservation_minutes": 45,
        "horizon_hours": 40,
    },
)


def _offer(name: str, category: str, priority: int, **more: object) -> Offer:
    given: dict[str, object] = {"margin_minor": 900, "incentive_minor": 5, "priority": priority, **more}
    channels = tuple(ChannelName(each) for each in (*OUT, "app"))
    return Offer(OfferId(name), "any", Category(category), name, channels, **given)  # type: ignore[arg-type]


def catalogue_of(decisions: int) -> Catalogue:
    there_is = shared_of(decisions)
    return Catalogue(
        source="bustle",
        currency="EUR",
        now=BEGIN,
        fingerprint="bustle-1",
        offers=(
            _offer("tea", "drinks", 10),
            _offer("rum", "drinks", 20),
            _offer("bread", "food", 30),
            _offer("gift", "food", 60, stock=there_is["stock:gift"]),
            _offer("sample", "drinks", 70, stock=there_is["stock:sample"]),
            _offer("recall", "safety", 100, importance=Importance.MANDATORY, purpose="service"),
        ),
        channels=(
            *(Channel(ChannelName(name), Direction.OUTBOUND, True, 1.0) for name in OUT),
            Channel(ChannelName("app"), Direction.INBOUND, True, 0.0),
        ),
    )


def lay_out(folder: Path, decisions: int) -> None:
    """Put catalogue and policy where every process finds them."""
    (folder / "catalogue.json").write_text(catalogue_of(decisions).to_json())
    change_policy(folder, policies_of(decisions)[0])


def change_policy(folder: Path, policy: dict[str, object]) -> None:
    fresh = folder / "policy.new"
    fresh.write_text(json.dumps(policy))
    fresh.replace(folder / "policy.json")


def customers_of(decisions: int) -> int:
    """So few that all of them are reached by every process again and again."""
    return max(12, decisions // 60)


class Process:
    """One of several at work."""

    def __init__(self, uri: str, folder: Path, number: int, decisions: int, processes: int) -> None:
        self.chance = random.Random(number)
        self.folder, self.number, self.wanted = folder, number, decisions // processes
        self.later, self.customers = policies_of(decisions)[1], customers_of(decisions)
        self.clock = SimulatedClock(Instant(BEGIN + number * 25 * 60 * 1_000_000))  # no two clocks are the same
        self.step = DAYS * DAY // max(1, self.wanted)
        self.journal = Journal(uri, "NORMAL")
        self.watch = self._watch()
        self.staff = self._staff()
        self.outreach = Outreach(self.journal, self.clock, lambda: self.watch.current)
        self.sweeper = Sweep(self.journal, self.clock)
        self.open: list[str] = []
        self.did = Counter[str]()

    def _watch(self) -> Watch:
        store = MemoryReader(ttl_days=400)
        archive = Archive(self.journal, self.clock)
        watch = Watch(
            Listing(self.folder / "catalogue.json", lambda _: None, archive.remembered),
            Registry(self.folder / "champion.json", self.folder / "models", _no_model),
            Crowd(store, self.clock, lambda: 0),
            Attention(0.0, 0.0),
            poll_s=60,
            keep=archive.keep,
        )
        watch.refresh()
        return watch

    def _staff(self) -> Staff:
        online, profiles = self.folder / f"online-{self.number}.db", list[tuple[str, bytes]]()
        for number in range(self.customers):
            unknown = dict.fromkeys(("age_years", "income_minor", "household_size", "children", "gender"), float("nan"))
            told = {**unknown, "home_owner": float("nan"), "member_since_us": BEGIN, "zone": ZONES[number % len(ZONES)]}
            profiles.append((f"c{number}", pack(PROFILE, Packed(BEGIN, BEGIN, 0, told))))
        with closing(open_to_write(online)) as connection:
            for view in (ACTIVITY, PROFILE):
                create(connection, table_name(PROJECT, view.name))
            put(connection, table_name(PROJECT, PROFILE.name), profiles)
        values = SqliteValues(online)
        return staff_of(Parts(self.clock, SqliteReader(online, 400), self.journal, self.watch, values))

    def work(self) -> None:
        """Until as many decisions are recorded as are wanted."""
        acts = (self.decide, self.decide, self.together, self.batch, self.settle, self.settle, self.settle, self.send)
        rare = (self.join, self.join, self.split, self.sweep, self.refresh)
        while self.did["decisions"] < self.wanted:
            self.chance.choice(rare if self.chance.random() < 0.1 else acts)()
        self.journal.close()

    def name(self) -> dict[str, object]:
        """Somebody, by number or by device."""
        number = self.chance.randrange(self.customers)
        if self.chance.random() < 0.8:
            return {"customer_id": f"c{number}"}
        return {"identities": [{"namespace": "device", "value": f"d{number}"}]}

    def ask(self) -> api.DecisionRequest:
        asked: dict[str, object] = {"limit": self.chance.choice([1, 1, 3]), "contacts": self.chance.choice([1, 1, 2])}
        if self.chance.random() < 0.03:
            asked |= {"offer_id": "recall"}
        if self.chance.random() < 0.3:
            asked |= {"channels": self.chance.sample([*OUT, "app"], 2)}
        return api.DecisionRequest.model_validate(asked | self.name())

    def decide(self) -> None:
        self.clock.advance(self.chance.randrange(2 * self.step))
        self.note(self.staff.reception.decide(self.ask()))

    def together(self) -> None:
        """Several at once, some of them for the same customer: what there is to know is read for all of them first."""
        self.clock.advance(self.chance.randrange(2 * self.step))
        dues = [Due(self.ask(), Progress()) for _ in range(self.chance.choice((1, 2, 3)))]
        reception = self.staff.reception
        with reception.together():
            reception.brief(dues)
            self.did["briefed"] += sum(due.progress.background is not None for due in dues)
            soon = [reception.decide_soon(due.request, due.progress) for due in dues]
        for each in soon:
            self.note(each.result().answer)

    def note(self, found: Answer) -> None:
        assert found.recorded, found.warnings
        contacts = {item.contact_id for item in found.items if item.contact_id is not None}
        self.open += sorted(contacts)
        self.did["decisions"] += 1
        self.did["contacts"] += len(contacts)
        self.did["silent"] += not found.items

    def batch(self) -> None:
        """A block is decided on what was read before, then granted and recorded in one transaction."""
        if self.chance.random() < 0.8:
            return
        equipment, at = self.watch.current, self.clock.now()
        clerk = self.staff.clerk
        chosen = self.chance.sample(range(self.customers), min(8, self.customers))
        made = []
        for number in chosen:
            customer_id = CustomerId(f"c{number}")
            request = api.DecisionRequest.model_validate({"customer_id": customer_id})
            made.append(clerk.desk.decide(ask_of(request, customer_id, at, new_id(at)), equipment))
        kept = self.journal.write(lambda transaction: [_keep(clerk, transaction, each) for each in made])
        for each in kept:
            self.open += [contact.contact_id for contact in each.grant.contacts]
            self.did["contacts"] += len(each.grant.contacts)
        self.did["decisions"] += len(kept)
        self.did["in blocks"] += len(kept)

    def settle(self) -> None:
        """Confirm, give back, or let a reservation be until it expires."""
        if not self.open:
            return
        contact_id = self.open.pop(self.chance.randrange(len(self.open)))
        try:
            if self.chance.random() < 0.7:
                self.outreach.confirm(contact_id)
                self.did["confirmed"] += 1
                if self.chance.random() < 0.5:
                    self.tell("sent", contact_id=contact_id)
            elif self.chance.random() < 0.5:
                self.outreach.release(contact_id)
                self.did["released"] += 1
        except RefusalError as error:
            if error.status != 409:
                raise
            self.did[error.code] += 1

    def send(self) -> None:
        """A message that nobody granted."""
        if self.chance.random() < 0.15:
            self.tell("sent")
            self.did["ungranted"] += 1

    def tell(self, kind: str, **more: object) -> None:
        self.did["events"] += 1
        event_id = f"{self.number}-{self.did['events']}"
        about = {"offer_id": self.chance.choice(["tea", "rum"]), "channel": self.chance.choice(OUT)}
        event = {"source": "bustle", "event_id": event_id, "kind": kind, **about, **self.name(), **more}
        (receipt,) = self.staff.intake.accept([event], "bustle")
        assert receipt.position is not None, receipt

    def join(self) -> None:
        """A device turns out to be a customer's."""
        number = self.chance.randrange(self.customers)
        own = {"customer_id": f"c{number}", "identities": [{"namespace": "device", "value": f"d{number}"}]}
        self.tell("visited", **own)
        self.did["joined"] += 1

    def split(self) -> None:
        """… or not to be."""
        device = Identity("device", f"d{self.chance.randrange(self.customers)}")
        found = self.journal.find(device)
        if found is None or self.chance.random() < 0.5:
            return
        try:
            self.journal.split(found.customer_id, [device], Cause(self.clock.now(), "bustle", "not the same"))
            self.did["split"] += 1
        except UnknownCustomerError:
            return

    def sweep(self) -> None:
        self.did["expired"] += self.sweeper.once()

    def refresh(self) -> None:
        """Half way, one of them changes the policy; the others learn of it in their own time."""
        if self.number == 0 and self.did["decisions"] > self.wanted // 2:
            change_policy(self.folder, self.later)
        self.watch.refresh()


def _keep(clerk: Clerk, transaction: Transaction, made: Made) -> Decision:
    kept = clerk.within(transaction, made).decision
    write_decision(transaction.connection, _record(kept))
    return kept


def _record(decision: Decision) -> Record:
    ask, seen = decision.ask, decision.vectors
    return Record(ask.decision_id, ask.customer_id, ask.at, "{}", "{}", {}, seen.names, (), seen.matrix[:0])


def _no_model(folder: Path) -> object:
    raise FileNotFoundError(folder)


def main(uri: str, folder: str, number: str, decisions: str, processes: str) -> None:
    process = Process(uri, Path(folder), int(number), int(decisions), int(processes))
    print("ready", flush=True)
    sys.stdin.readline()
    process.work()
    print(json.dumps(dict(process.did)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
