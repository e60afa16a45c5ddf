"""What decisions with known probabilities teach: the parts for service, judged on later decisions, and their price.

The parts are learnt twice: from what was known at a cut, to be judged on the decisions since; and from everything, for
service. What a contact uses up of the customer's attention is learnt beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from feast import FeatureStore

from features.catalogue import Catalogue
from features.domain import DAY, Instant, Offer, Response
from serving.attention import Attention
from serving.grouped_part import GroupedPart
from serving.part import Part, PartName
from serving.patience import UNLEARNT, Patience
from serving.settings import Settings
from training.contest import Contest, Judgeable, contest
from training.dataset import TEST_SHARE
from training.fit import Choice, Resources, TooFewError
from training.gate.served import Served
from training.parts.bought import Bought
from training.parts.experience import Contacts, Experience, experience
from training.parts.hindsight import Hindsight
from training.parts.increment import Anyway, by_arm, increments, mature
from training.parts.parts import Parts, fit_parts
from training.parts.realised import USUAL, realised
from training.parts.served import served
from training.parts.toll import losses_of
from training.retrieve import InFeast
from training.samples import Samples
from training.value.trial import Floats

FEWEST = 500
"""Contacts of a kind with known probability below which its parts are not learnt this way."""
FEWEST_BOUGHT = 20
MOMENTS = 2
"""Of every customer before the first message."""
HELD_BACK = (TEST_SHARE, 0.25, 0.2, 0.15, 0.1)
"""Shares of the old contacts that may be held back for judging, the first by preference."""
DRAWS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What was learnt of one kind of offer."""

    parts: Mapping[tuple[PartName, str], Part | GroupedPart]
    contests: tuple[Contest, ...]
    patience: Patience | None
    """None where too few contacts tell."""
    earned: Sequence[Mapping[str, Any]]
    """What each arm earned beyond silence, see ``increment.by_arm``."""
    served: Served | None
    """What would have been served on the judged decisions; None where they are too few."""
    realised: float
    """Share of what the parts promise that comes about, see ``training.parts.realised``."""
    note: str = ""
    """What could not be done."""


def taught(contract: Path, catalogue: Catalogue) -> tuple[str, ...]:
    """Kinds of offer whose decisions teach parts: probabilities were logged, somebody records what was noticed, and
    each offer is for purchases of its own."""
    files = {name: str(contract / f"{name}.parquet") for name in ("decisions", "events")}
    rows = duckdb.execute(
        "SELECT kind, count(*) FROM read_parquet($decisions) AS d "
        "WHERE offer_id IS NOT NULL AND channel IS NOT NULL AND probability > 0 AND (noticed IS NOT NULL "
        "OR EXISTS (SELECT 1 FROM read_parquet($events) WHERE kind = 'viewed' AND decision_id IS NOT NULL)) "
        "GROUP BY kind",
        files,
    ).fetchall()
    return tuple(kind for kind, n in sorted(rows) if n >= FEWEST and all(map(_own, _of(catalogue, kind))))


def _of(catalogue: Catalogue, kind: str) -> list[Offer]:
    return [offer for offer in catalogue.offers if offer.kind == kind]


def _own(offer: Offer) -> bool:
    return offer.buys is not None and offer.response is Response.PURCHASE and offer.min_spend_minor == 0


def lesson(
    settings: Settings, catalogue: Catalogue, store: FeatureStore, samples: Samples, kind: str, resources: Resources
) -> Lesson:
    """Learn the parts of a kind.

    Raises TooFewError where nobody is known to have bought, with or without a contact.
    """
    seed, threads = resources.seed, resources.threads

    spent = resources.spent

    def known_at(at: Instant) -> Experience:
        with spent.on("what contacts and quiet moments tell"):
            return experience(
                settings.contract_dir,
                catalogue,
                at,
                threads=threads,
                seed=seed,
                remembered=InFeast(store),
                kind=kind,
                moments=MOMENTS,
            )

    known = known_at(catalogue.now)
    _refuse_few(known)
    with spent.on("fits of the three parts"):
        parts = fit_parts(known, seed=seed, threads=threads)
    made = served(parts, known, kind)
    hindsight = Hindsight(settings, catalogue, store, known)
    organic = Anyway.of(parts, known.contacts)
    late = parts.persuading.signs.late
    earned = by_arm(known.contacts, organic, late, catalogue)
    days = mature(known.contacts, late, catalogue)
    # Parts are judged where windows have ended, what would be served where enough of the answers are in.
    ended = max(days, min(offer.window_days for offer in _of(catalogue, kind)))
    cut = cut_within(known.contacts, Instant(round(catalogue.now - ended * DAY)))
    cut = samples.of(PartName.OFFER_RESPONSE, kind).cut() if cut is None else cut
    before = None if cut is None else known_at(cut)
    if before is None or cut is None or not _enough(before):
        patience = hindsight.patience(made, USUAL)
        note = f"{kind}: too few decisions to hold later ones back for judging"
        return Lesson(made, (), patience, earned, None, USUAL, note)
    with spent.on("fits of the three parts"):
        earlier = fit_parts(before, seed=seed, threads=threads)
    share = come_about(known.contacts, earlier, organic, late, cut, days)
    patience = hindsight.patience(made, share)
    judged = served(earlier, before, kind)
    contests = tuple(_contests(samples, kind, earlier, judged, cut, resources))
    price = (patience or UNLEARNT).price(losses_of(settings))
    if settings.attention is not None:
        price = Attention(*settings.attention)
    with spent.on("what would have been served"):
        would = hindsight.served(parts, judged, cut, price, share)
    return Lesson(made, contests, patience, earned, would, share)


def cut_within(contacts: Contacts, old: Instant) -> Instant | None:
    """The instant from which contacts are for judging: TEST_SHARE of those up to ``old``, which later ones are too
    young to be judged by, come after it; fewer where too little had been bought by then to learn from.

    None where fewer than FEWEST were made by ``old``.
    """
    at = np.sort(contacts.decided_us[contacts.decided_us <= old])
    if len(at) < FEWEST:
        return None
    bought_us = np.sort(contacts.bought_us[contacts.noticed & contacts.bought])
    cuts = [Instant(int(at[round((1.0 - share) * len(at))])) for share in HELD_BACK]
    learnt = (cut for cut in cuts if np.searchsorted(bought_us, cut) >= FEWEST_BOUGHT)
    return next(learnt, cuts[0])


def come_about(contacts: Contacts, earlier: Parts, organic: Anyway, late: Floats, cut: Instant, days: float) -> float:
    """How much of what the parts of the cut promise of contacts since came about; ``days`` old ones count."""
    catalogue = earlier.columns.catalogue
    windows = np.array([offer.window_days for offer in catalogue.offers])[contacts.offer]
    judged = (contacts.decided_us >= cut) & (contacts.age * windows >= np.minimum(days, windows))
    since = contacts.where(judged)
    cost = np.array([channel.cost_minor for channel in catalogue.channels])[since.channel]
    promised = earlier.value(since.X, since.offer, since.channel) + cost
    return realised(promised, increments(since, organic.where(judged), late, catalogue) + cost)


def _enough(known: Experience) -> bool:
    contacts, quiet = known.contacts, known.quiet
    noticed = contacts.where(contacts.noticed)
    return len(contacts) >= FEWEST // 2 and min(noticed.bought.sum(), quiet.bought.sum()) >= FEWEST_BOUGHT


def _refuse_few(known: Experience) -> None:
    if not _enough(known):
        noticed = known.contacts.where(known.contacts.noticed)
        raise TooFewError(
            f"{len(known.contacts):,} contacts, {int(noticed.bought.sum()):,} noticed and bought, "
            f"{int(known.quiet.bought.sum()):,} bought without: at least {FEWEST // 2} and {FEWEST_BOUGHT} are needed"
        )


def _contests(
    samples: Samples,
    kind: str,
    parts: Parts,
    made: Mapping[tuple[PartName, str], Part | GroupedPart],
    cut: Instant,
    resources: Resources,
) -> list[Contest]:
    """Every part beside the baselines on the decisions since the cut whose windows have ended."""
    organic, persuasion = made[PartName.ORGANIC, kind], made[PartName.PERSUASION, kind]
    assert isinstance(organic, GroupedPart)
    assert isinstance(persuasion, GroupedPart)
    chosen: dict[PartName, tuple[Judgeable, Choice]] = {
        PartName.CHANNEL_RESPONSE: (
            made[PartName.CHANNEL_RESPONSE, kind],
            Choice(parts.noticing.rounds, 0.0, parts.noticing.weight),
        ),
        PartName.OFFER_RESPONSE: (Bought(persuasion, organic), Choice(0, 0.0, parts.persuading.weight)),
        PartName.ORGANIC: (organic, Choice(parts.buying.rounds, 0.0, parts.buying.weight)),
    }
    found = []
    for name, (part, choice) in chosen.items():
        rows = samples.of(name, kind)
        learnt, test = rows.where(rows.decided_us < cut), rows.where(rows.decided_us >= cut)
        if min(learnt.taken.sum(), (~learnt.taken).sum(), test.taken.sum(), (~test.taken).sum()) > 0:
            found.append(contest(name, kind, part, choice, learnt, test, resources, n_draws=DRAWS))
    return found
