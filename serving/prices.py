"""``make prices``: what a unit of everything scarce is worth to those to come, for the service to charge in its scores.

Solved in a process of its own, which the service starts ``KAIROS_PRICES_PER_DAY`` times a day and whenever the policy
changes, so that the process that serves needs no solver. ``python -m serving.prices --at 2017-12-01T17:00:00Z`` solves
as of an instant.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from features.clock import SimulatedClock
from features.domain import DAY, ChannelName, CustomerId, DecisionId, Instant, OfferId
from features.errors import KairosError
from features.instant import format_instant, parse_instant
from serving.allocation.fill import usable
from serving.allocation.prices import price
from serving.decision import Ask
from serving.demand_ahead import Asks, ahead, ends_of
from serving.equipment import Equipment
from serving.jobs.scarcity import Worth, options, worth_of
from serving.journal.counters import taken
from serving.journal.decisions import Asked, recent_asks
from serving.journal.documents import Version, keep_version
from serving.parts import Parts, parts_of
from serving.settings import Settings, read_settings
from serving.staff import Staff, staff_of
from serving.tariff import NAME, Tariff, write_tariff

SAMPLE = 1_000
"""Asks looked at."""
ASKS_DAYS = 7
"""Days of the journal in which those who asked are looked for."""


def solve(settings: Settings, at: Instant | None = None) -> Tariff:
    """Solve, keep the tariff in the journal, and put it where the service looks.

    Raises:
        KairosError: There is no journal, or nothing to offer.
    """
    parts = parts_of(settings)
    try:
        parts.watch.refresh()
        if at is not None and isinstance(parts.clock, SimulatedClock):
            parts.clock.advance(max(at - parts.clock.now(), 0))
        equipment = parts.watch.current
        found = tariff(parts, staff_of(parts), equipment, settings.prices_horizon_days, settings.seed)
        version = Version(NAME, found.fingerprint, found.text, found.at, "make prices")
        parts.journal.write(lambda transaction: keep_version(transaction.connection, version))
        write_tariff(settings.prices_file, found)
        return found
    finally:
        parts.journal.close()


def tariff(parts: Parts, staff: Staff, equipment: Equipment, horizon_days: float, seed: int) -> Tariff:
    """The prices as of now for what is, or would be, in force; none where nothing is scarce.

    Raises:
        KairosError: There is nothing to offer.
    """
    at, equipment = parts.clock.now(), replace(equipment, prices={})
    if not equipment.pairs:
        raise KairosError("; ".join(each.sentence for each in equipment.shortfalls) or "there is nothing to offer")
    policy = equipment.policy
    found = options(equipment.pairs, policy, at)
    if not found.keys:
        return Tariff(at, policy.fingerprint)
    with parts.journal.reading() as connection:
        asked = recent_asks(connection, Instant(at - ASKS_DAYS * DAY))
        gone = taken(connection, found.keys)
    sample, per_day = sampled(asked, parts.store.customers(), at, seed)
    if not sample:
        return Tariff(at, policy.fingerprint)
    scores = np.stack([found.scores(_worth(staff, each, equipment), policy) for each in sample])
    ends = ends_of(policy, equipment.pairs, at, horizon_days)
    priced = price(ahead(found, scores, gone, Asks(len(sample), per_day), ends, at), seed)
    prices = {k: float(p) for k, p in zip(found.keys, usable(priced.prices), strict=True) if p > 0}
    return Tariff(at, policy.fingerprint, prices, per_day, len(sample), priced.gap)


def sampled(asked: Sequence[Asked], known: Sequence[CustomerId], at: Instant, seed: int) -> tuple[list[Ask], float]:
    """Up to SAMPLE asks as those to come will be, and how many a day: those of the last days by chance; where nobody
    asked yet, everybody known, once a day."""
    rng = np.random.default_rng(seed)
    if not asked:
        few = rng.permutation(len(known))[:SAMPLE]
        return [_ask(Asked(known[place], at, "{}"), at, seed) for place in few.tolist()], float(len(known))
    days = min(max((at - asked[0].at) / DAY, 1.0), ASKS_DAYS)
    few = np.sort(rng.permutation(len(asked))[:SAMPLE])
    return [_ask(asked[place], at, seed) for place in few.tolist()], len(asked) / days


def _ask(asked: Asked, at: Instant, seed: int) -> Ask:
    """The same ask again, now; without what it happened to bring along."""
    told: Mapping[str, Any] = json.loads(asked.request)
    channels, offer_id = told.get("channels"), told.get("offer_id")
    return Ask(
        DecisionId(f"prices:{seed}:{asked.customer_id}:{asked.at}"),
        asked.customer_id,
        at,
        told.get("kind"),
        None if channels is None else frozenset(map(ChannelName, channels)),
        int(told.get("limit") or 1),
        None if offer_id is None else OfferId(offer_id),
        context=told.get("context") or {},
    )


def _worth(staff: Staff, ask: Ask, equipment: Equipment) -> Sequence[Worth]:
    return worth_of(staff.clerk.desk.decide(ask, equipment).decision)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when prices were solved, 2 with a message where that cannot be done."""
    parser = argparse.ArgumentParser(prog="make prices", description=__doc__)
    parser.add_argument("--at", help="the instant, RFC 3339; default: the clock's")
    given = parser.parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        found = solve(settings, None if given.at is None else parse_instant(given.at))
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(told(found, settings))
    return 0


def told(tariff: Tariff, settings: Settings) -> str:
    """For people."""
    if not tariff.prices:
        return f"Nothing is scarce as of {format_instant(tariff.at)}: no stock, capacity or budget has a price."
    head = (
        f"As of {format_instant(tariff.at)}, {tariff.asks_per_day:,.0f} asks a day expected, {tariff.sampled:,} looked "
        f"at; an allocation of these by the prices is within {tariff.gap:.2%} of the best."
    )
    rows = [f"  {key:<48}{amount / 100:>12.4f} {settings.currency}" for key, amount in sorted(tariff.prices.items())]
    return "\n".join([head, *rows, f"kept in the journal, and for the service in {settings.prices_file}"])


if __name__ == "__main__":
    sys.exit(main())
