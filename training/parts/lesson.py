"""What decisions with known probabilities teach: the parts for service, judged on later decisions, and their price.

The parts are learnt twice: from what was known at a cut, to be judged on the decisions since; and from everything, for
service. What a contact uses up of the customer's attention is learnt beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from feast import FeatureStore

from features.catalogue import Catalogue
from features.domain import DAY, Direction, Instant, Offer, Response
from features.errors import ContractError
from serving.columns import PLACES
from serving.grouped_part import GroupedPart
from serving.model import Part, PartName
from serving.score import ASSUMED, Attention
from serving.settings import Settings
from training.contest import Contest, Judgeable, contest
from training.fit import Choice, Resources, TooFewError
from training.gate.replay import means, valued
from training.gate.served import Served
from training.parts.attention import learn_wear, price
from training.parts.bought import Bought
from training.parts.experience import Contacts, Experience, experience
from training.parts.increment import increments, mature
from training.parts.parts import Parts, fit_parts
from training.parts.served import served
from training.policy_value.logged import Logged, logged
from training.policy_value.policies import spread
from training.retrieve import InFeast
from training.samples import Samples
from training.value.trial import Floats, Index, Mask

FEWEST = 500
"""Contacts of a kind with known probability below which its parts are not learnt this way."""
FEWEST_BOUGHT = 20
MOMENTS = 2
"""Of every customer before the first message."""
MOST = 12_000
"""Decisions judged at most, drawn evenly."""
DISCOUNT = 0.995
"""Of what attention will be worth, per day."""
SHOWN = 500
"""Values of a day's best contact among which attention's programme chooses."""
RECENT = PLACES["customer_contacts_7d"]
DRAWS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What was learnt of one kind of offer."""

    parts: Mapping[tuple[PartName, str], Part | GroupedPart]
    contests: tuple[Contest, ...]
    attention: Attention | None
    """None where too few contacts tell."""
    served: Served | None
    """What would have been served on the judged decisions; None where they are too few."""
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

    def known_at(at: Instant) -> Experience:
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
    parts = fit_parts(known, seed=seed, threads=threads)
    made = served(parts, known, kind)
    cut = samples.of(PartName.OFFER_RESPONSE, kind).cut()
    before = None if cut is None else known_at(cut)
    if before is None or cut is None or not _enough(before):
        return Lesson(made, (), None, None, f"{kind}: too few decisions to hold later ones back for judging")
    earlier = fit_parts(before, seed=seed, threads=threads)
    judged = served(earlier, before, kind)
    contests = tuple(_contests(samples, kind, earlier, judged, cut, resources))
    attention, would = _replayed(settings, catalogue, store, known, parts, judged, cut)
    return Lesson(made, contests, attention, would)


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


def _replayed(
    settings: Settings,
    catalogue: Catalogue,
    store: FeatureStore,
    known: Experience,
    parts: Parts,
    made: Mapping[tuple[PartName, str], Part | GroupedPart],
    cut: Instant,
) -> tuple[Attention | None, Served | None]:
    """The price of attention, and what would have been served since the cut at that price."""
    kind = next(kind for _, kind in made)
    try:
        found = logged(settings.contract_dir, catalogue)
    except ContractError:
        return None, None
    if found.kind != kind:
        return None, None
    at, late = found.rows["at_us"].to_numpy(), parts.persuading.signs.late
    old_enough = at <= catalogue.now - mature(known.contacts, late, catalogue) * DAY
    before, since = np.flatnonzero(old_enough & (at < cut)), np.flatnonzero(old_enough & (at >= cut))
    if len(since) > MOST:
        since = np.sort(np.random.default_rng(settings.seed).choice(since, MOST, replace=False))
    if not len(before) or not len(since):
        return None, None
    contacts = known.contacts
    organic = parts.buying.probability(parts.columns.buying(contacts.X, contacts.offer))
    earned = increments(contacts, organic, late, catalogue)
    values, charged, recent = valued(catalogue, store, found, made, since)
    opened = _opened(settings.contract_dir, catalogue, found, since)
    attention = _attention(known, parts, earned, values, opened, found)
    price_now = attention if settings.attention is None else Attention(*settings.attention)
    patience = price_now.contact + price_now.slope * recent
    reward, positive = _rewards(found, contacts, earned)
    mean = means(found, reward, before)
    mean[[arm.silent for arm in found.arms]] = 0.0
    worth = values - patience[:, None] * charged
    own, rows = found.arm[since], np.arange(len(since))
    target = spread(np.where(opened, worth, -np.inf).argmax(axis=1), opened)
    constant = spread(np.where(opened, mean - patience[:, None] * charged, -np.inf).argmax(axis=1), opened)
    ids = [np.array(found.rows[name].take(pa.array(since)).to_pylist()) for name in ("decision_id", "customer_id")]
    return attention, Served(
        decision=ids[0],
        customer=ids[1],
        reward=reward[since] - patience * charged[own],
        positive=positive[since],
        logged=found.rows["probability"].to_numpy()[since],
        target=target[rows, own],
        constant=constant[rows, own],
        modelled=worth[rows, own],
        of_target=(target * worth).sum(axis=1),
        of_constant=(constant * worth).sum(axis=1),
    )


def _rewards(found: Logged, contacts: Contacts, earned: Floats) -> tuple[Floats, Mask]:
    """What every logged decision earned beyond silence, and whether somebody bought; silence earns 0."""
    place = {decision: row for row, decision in enumerate(contacts.decision.tolist())}
    rows = np.array([place.get(decision, -1) for decision in found.rows["decision_id"].to_pylist()])
    made = rows >= 0
    return np.where(made, earned[rows], 0.0), made & contacts.bought[rows]


def _opened(contract: Path, catalogue: Catalogue, found: Logged, rows: Index) -> Mask:
    """The arms that could be chosen, ``[rows, arms]``: logged often enough, valid, not on a channel that the customer
    had left; nothing but silence where that had probability 1."""
    at, arms = found.rows["at_us"].to_numpy()[rows], found.arms
    silent = np.array([arm.silent for arm in arms])
    opened = np.tile([arm.silent or not arm.rare for arm in arms], (len(rows), 1))
    by_offer = {str(offer.offer_id): offer for offer in catalogue.offers}
    for place, arm in enumerate(arms):
        if arm.offer_id is not None:
            offer = by_offer[arm.offer_id]
            opened[:, place] &= at >= (offer.valid_from or -(2**62))
            opened[:, place] &= at <= (offer.valid_to or 2**62)
    left = duckdb.execute(
        "SELECT customer_id, channel, min(epoch_us(occurred_at)) FROM read_parquet($events) "
        "WHERE kind = 'unsubscribed' GROUP BY ALL",
        {"events": str(contract / "events.parquet")},
    ).fetchall()
    when = {(customer, channel): since for customer, channel, since in left}
    customers = found.rows["customer_id"].take(pa.array(rows)).to_pylist()
    for channel in {arm.channel for arm in arms if arm.channel is not None}:
        since = np.array([when.get((customer, channel), 2**62) for customer in customers])
        opened[np.ix_(at > since, np.array([arm.channel == channel for arm in arms]))] = False
    alone = found.rows["probability"].to_numpy()[rows] >= 1.0
    opened[alone & silent[found.arm[rows]]] = silent
    opened[np.arange(len(rows)), found.arm[rows]] = True
    return opened


def _attention(
    known: Experience, parts: Parts, earned: Floats, values: Floats, opened: Mask, found: Logged
) -> Attention:
    """From what recent contacts did to earnings and departures; what a day may bring is what the model now sees."""
    contacts, catalogue = known.contacts, known.catalogue
    cost = np.array([c.cost_minor for c in catalogue.channels])[contacts.channel]
    rested = contacts.X.copy()
    rested[:, RECENT] = 0.0
    full = np.maximum(parts.value(rested, contacts.offer, contacts.channel) + cost, 0.0)
    recent = np.nan_to_num(contacts.X[:, RECENT].astype(np.float64))
    wear = learn_wear(recent, full, earned + cost, contacts.put_off)
    # Who leaves a channel is still reached on the others: that much of what is to come is lost.
    ways = len({c.name for c in catalogue.channels if c.direction is Direction.OUTBOUND})
    wear = replace(wear, leaves=wear.leaves / max(ways, 1))
    arm_cost = np.array([arm.cost for arm in found.arms])
    free = opened.sum(axis=1) > 1
    if not free.any():
        return ASSUMED
    best = np.where(opened, values + arm_cost, 0.0)[free].max(axis=1)
    often = _asked_a_day(found)
    a_day = np.quantile(np.maximum(best, 0.0), (np.arange(SHOWN) + 0.5) / SHOWN)
    asked = a_day[:: max(round(1.0 / often), 1)] if often < 1 else a_day
    quiet = np.zeros(round(len(asked) * max(1.0 / often - 1.0, 0.0)))
    found_price = price(wear, np.concatenate([asked, quiet]), float(np.median(cost)), DISCOUNT)
    return replace(found_price, contact=max(found_price.contact, 0.0), slope=max(found_price.slope, 0.0))


def _asked_a_day(found: Logged) -> float:
    """Decisions per customer and day."""
    at = found.rows["at_us"].to_numpy()
    days = max((int(at.max()) - int(at.min())) / DAY, 1.0)
    return len(at) / (len(set(found.rows["customer_id"].to_pylist())) * days)
