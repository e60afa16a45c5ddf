"""What eligibility costs for 100 offers on 4 channels, beside asking the rules of one pair after the other.

``python tests/bench/bench_eligibility.py``. The peer asks the ten rules that Kairos began with in plain Python, for
each pair in turn, on the same customer in the same run. Conditions are measured beside ``rule-engine`` and
``cel-python`` where these are installed (``uv pip install rule-engine cel-python``); Kairos does not need them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np

from features.catalogue import Catalogue
from features.channels import default_channels
from features.domain import DAY, HOUR, Category, CustomerId, Direction, Event, EventId, Instant, Kind, Offer, OfferId
from features.evidence import pool
from features.fold import fold
from features.instant import parse_instant
from features.rows import Profile
from features.state import empty
from serving.consent import EVERY_CHANNEL, Consent, consented
from serving.eligibility import Shelf, Situation, sift
from serving.facts import NAMES, Facts, of_pairs
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.pairs import Known, Pair
from serving.policy.policy import Cap, Per, Policy, Quiet, Requirement
from serving.policy.selector import Selector
from serving.policy.window import Unit, Window
from serving.predicate import compile

NOW = parse_instant("2024-05-06T18:20:00Z")
CHANNELS = ("email", "push", "sms", "app")
OFFERS, CATEGORIES, ROUNDS, TIMES = 100, 10, 7, 200
CONDITION = "profile.age_years >= 18 and (offer.margin_minor > 100 or not offer.category in ('c1', 'c2'))"
HABIT = "feature.category_purchases_120d > 2"
RULE_ENGINE = "profile_age_years >= 18 and (offer_margin_minor > 100 or not (offer_category in ['c1', 'c2']))"
CEL = "profile_age_years >= 18.0 && (offer_margin_minor > 100.0 || !(offer_category in ['c1', 'c2']))"


def catalogue(rule: str = "") -> Catalogue:
    """100 offers on 4 channels."""
    channels = default_channels(*CHANNELS)
    offers = tuple(
        Offer(
            OfferId(f"o{number}"),
            "promotion",
            Category(f"c{number % CATEGORIES}"),
            f"Offer {number}",
            tuple(channel.name for channel in channels),
            margin_minor=50 + 5 * number,
            incentive_minor=10,
            valid_from=Instant(NOW - 30 * DAY),
            valid_to=Instant(NOW + (number - 10) * DAY),
            rule=rule,
        )
        for number in range(OFFERS)
    )
    return Catalogue("bench", "EUR", NOW, "bench", offers, channels)


POLICY = Policy(
    caps=(
        Cap("all", Per.ALL, 3, Window(hours=24)),
        Cap("email", Per.CHANNEL, 2, Window(hours=168), "email"),
        Cap("sms", Per.CHANNEL, 1, Window(calendar=Unit.WEEK), "sms"),
        Cap("offer", Per.OFFER, 1, Window(hours=336)),
        Cap("category", Per.CATEGORY, 2, Window(hours=336)),
    ),
    quiet=(Quiet(21 * 60, 8 * 60), Quiet(0, 0, ("sms",), (6,))),
    requirements=(Requirement("adults", "Only for adults.", CONDITION, Selector(category="c3")),),
)


def customer() -> Known:
    """Somebody with a year of history, who agreed to everything."""
    events = [
        Event(
            "b", EventId(str(n)), CustomerId("ann"), kind, channel.name, at, at, 0, OfferId(f"o{n % OFFERS}"), None, 100
        )
        for n in range(300)
        for kind in (list(Kind)[n % 8],)
        for channel in (default_channels(*CHANNELS)[n % 4],)
        for at in (Instant(NOW - (n + 1) * DAY),)
    ]
    agreed = {
        (f"{name}_marketing", EVERY_CHANNEL): Consent(f"{name}_marketing", True, Instant(0), "form")
        for name in CHANNELS
    }
    profile = Profile(np.array([40.0, np.nan, 2.0, 0.0, 1.0, 0.0]), np.array(NOW - 400 * DAY, dtype=np.int64))
    return Known(NOW, fold(empty(), events), profile, "Europe/Berlin", agreed, (), ())


def contacts() -> Ledger:
    """Twelve messages of the last two weeks, one of them reserved."""
    return Ledger(
        tuple(
            Contact(
                ContactId(f"k{n}"),
                default_channels(*CHANNELS)[n % 3].name,
                Instant(NOW - n * 30 * HOUR),
                (OfferId(f"o{7 * n}"),),
                (Category(f"c{7 * n % CATEGORIES}"),),
                ("marketing",),
                0,
                True,
                Standing.CONFIRMED if n else Standing.RESERVED,
                Instant(NOW + HOUR),
            )
            for n in range(12)
        )
    )


def one_after_the_other(pairs: tuple[Pair, ...], known: Known) -> Callable[[], object]:
    """The rules that Kairos began with, asked of each pair in turn: kind, objection, validity, channel, consent,
    audience, taken, rest."""

    def objection(pair: Pair) -> str | None:
        offer, channel, consents = pair.offer, pair.channel, known.consents
        if offer.kind != "promotion":
            return "kind"
        for where in (EVERY_CHANNEL, channel.name):
            said = consents.get(("marketing", where))
            if said is not None and not said.granted:
                return "marketing_objection"
        if offer.valid_from is not None and known.at < offer.valid_from:
            return "not_yet_valid"
        if offer.valid_to is not None and known.at > offer.valid_to:
            return "no_longer_valid"
        if channel.direction is Direction.INBOUND:
            return "channel_not_open"
        if channel.consent_purpose is not None and not consented(consents, channel.consent_purpose, channel.name):
            return "consent"
        if offer.audience is not None and offer.audience not in history:
            return "audience"
        return "rest" if history.get(offer.offer_id, 0) > known.at - 30 * DAY else None

    memory = known.activity.memories[2] if known.activity is not None else None
    assert memory is not None
    history = dict(zip(memory.keys, memory.instants[:, 3].tolist(), strict=True))
    return lambda: [(pair, found) for pair in pairs if (found := objection(pair)) is not None]


def ms(work: Callable[[], object]) -> float:
    """Median over the rounds of the mean processor time of one call, milliseconds."""
    means = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(TIMES):
            work()
        means.append((time.process_time() - started) / TIMES * 1_000)
    return median(means)


def rules() -> None:
    """Print what the rules cost."""
    bare, known, ledger = catalogue(), customer(), contacts()
    evidence = pool(bare.offers, CHANNELS, {}, NOW)

    def asked(shelf: Shelf, told: Ledger, text: bool = False) -> Callable[[], object]:
        def work() -> object:
            found = sift(shelf, Situation(Facts(known, shelf.pairs, evidence), "promotion", ledger=told))
            return list(found.removed) if text else found

        return work

    plain, full = Shelf.of(bare, Policy()), Shelf.of(bare, POLICY)
    found = sift(full, Situation(Facts(known, full.pairs, evidence), "promotion", ledger=ledger))
    print(
        f"{len(full.pairs)} pairs, {len(found.rows)} eligible, {len(found.moments)} moments; {found.removed.counts()}"
    )
    rows = {
        "one pair after the other, ten rules": one_after_the_other(plain.pairs, known),
        "in columns, every rule, default policy": asked(plain, Ledger()),
        "in columns, every rule, five caps, quiet hours, a condition": asked(full, ledger),
        "the same with every removal written out": asked(full, ledger, text=True),
        "laying the shelf out (once per catalogue and policy)": lambda: Shelf.of(bare, POLICY),
    }
    for name, work in rows.items():
        print(f"{ms(work) if 'laying' not in name else _once(work):8.3f} ms  {name}")


def _once(work: Callable[[], object]) -> float:
    """Processor time of the first call, milliseconds."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1_000


def conditions() -> None:
    """Print what one condition costs over all pairs."""
    pairs, known = Shelf.of(catalogue(), Policy()).pairs, customer()
    evidence = pool(catalogue().offers, CHANNELS, {}, NOW)
    settled = compile(CONDITION, NAMES).given(of_pairs(pairs))
    reading = compile(CONDITION, NAMES)
    columns = of_pairs(pairs)
    facts = Facts(known, pairs, evidence)
    habit = compile(HABIT, NAMES)
    rows = {
        "a condition on a feature, in columns": lambda: habit.holds(Facts(known, pairs, evidence).read),
        "a condition in columns, offers settled when loaded": lambda: settled.holds(facts.read),
        "a condition in columns": lambda: reading.holds(lambda n: columns[n] if n in columns else facts.read(n)),
    }
    given = [
        {
            "profile_age_years": 40.0,
            "offer_margin_minor": float(pair.offer.margin_minor),
            "offer_category": str(pair.offer.category),
        }
        for pair in pairs
    ]
    rows |= _rule_engine(given) | _cel(given)
    for name, work in rows.items():
        print(f"{ms(work) if 'columns' in name else _once(work):8.3f} ms  {name}")


def _rule_engine(given: list[dict[str, object]]) -> dict[str, Callable[[], object]]:
    try:
        import rule_engine  # type: ignore[import-not-found]
    except ImportError:
        return {}
    rule = rule_engine.Rule(RULE_ENGINE)
    return {"rule-engine, one pair after the other": lambda: [rule.matches(each) for each in given]}


def _cel(given: list[dict[str, object]]) -> dict[str, Callable[[], object]]:
    try:
        import celpy  # type: ignore[import-not-found]
    except ImportError:
        return {}
    environment = celpy.Environment()
    program = environment.program(environment.compile(CEL))
    activations = [celpy.json_to_cel(each) for each in given]
    return {"cel-python, one pair after the other": lambda: [program.evaluate(each) for each in activations]}


if __name__ == "__main__":
    rules()
    conditions()
