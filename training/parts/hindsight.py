"""The log gone through again: what the parts of a cut would have served since, at the price of attention learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from feast import FeatureStore

from features.catalogue import Catalogue
from features.domain import DAY, Instant
from features.errors import ContractError
from serving.attention import Attention
from serving.grouped_part import GroupedPart
from serving.part import Part, PartName
from serving.patience import Patience
from serving.settings import Settings
from training.gate.replay import means, valued
from training.gate.sample import sample
from training.gate.served import Served
from training.parts.experience import Contacts, Experience
from training.parts.increment import Anyway, increments, mature
from training.parts.parts import Parts
from training.parts.toll import learn_patience, losses_of
from training.policy_value.logged import FEWEST_ROWS, Logged, logged
from training.policy_value.policies import spread
from training.value.trial import Floats, Index, Mask

Made = Mapping[tuple[PartName, str], Part | GroupedPart]
LATEST = 2_000
"""Decisions that tell what a day may bring."""


@dataclass(frozen=True)
class Hindsight:
    """The log of decisions, gone through with what is known now."""

    settings: Settings
    catalogue: Catalogue
    store: FeatureStore
    known: Experience

    def served(self, parts: Parts, made: Made, cut: Instant, price: Attention, share: float) -> Served | None:
        """What would have been served since the cut at this price of attention, where this share of what is promised
        comes about; None where the log cannot be judged."""
        found = self._logged(made)
        if found is None:
            return None
        contacts = self.known.contacts
        at, late = found.rows["at_us"].to_numpy(), parts.persuading.signs.late
        old_enough = at <= self.catalogue.now - mature(contacts, late, self.catalogue) * DAY
        before, since = np.flatnonzero(old_enough & (at < cut)), np.flatnonzero(old_enough & (at >= cut))
        since = sample(since, found.rows["decision_id"].take(pa.array(since)).to_pylist())
        if not len(before) or not len(since):
            return None
        earned = increments(contacts, Anyway.of(parts, contacts), late, self.catalogue)
        values, charged, recent = valued(self.catalogue, self.store, found, made, since, share, price)
        opened = self._opened(found, since)
        patience = price.contact + price.slope * recent
        reward, positive = _rewards(found, contacts, earned)
        mean = means(found, reward, before)
        mean[[arm.silent for arm in found.arms]] = 0.0
        worth = values - patience[:, None] * charged
        own, rows = found.arm[since], np.arange(len(since))
        target = spread(np.where(opened, worth, -np.inf).argmax(axis=1), opened)
        constant = spread(np.where(opened, mean - patience[:, None] * charged, -np.inf).argmax(axis=1), opened)
        ids = [np.array(found.rows[name].take(pa.array(since)).to_pylist()) for name in ("decision_id", "customer_id")]
        return Served(
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

    def patience(self, made: Made, share: float) -> Patience | None:
        """What was learnt of patience where this share of what is promised comes about; None where the log cannot be
        read that way."""
        found = self._logged(made, fewest=1)
        if found is None:
            return None
        rows = np.arange(len(found.arm))[-LATEST:]
        values, _, _ = valued(self.catalogue, self.store, found, made, rows, share)
        return learn_patience(self.known, values, self._opened(found, rows), found, losses_of(self.settings))

    def _logged(self, made: Made, fewest: int = FEWEST_ROWS) -> Logged | None:
        try:
            found = logged(self.settings.contract_dir, self.catalogue, fewest)
        except ContractError:
            return None
        return found if found.kind == next(kind for _, kind in made) else None

    def _opened(self, found: Logged, rows: Index) -> Mask:
        """The arms that could be chosen, ``[rows, arms]``: logged often enough, valid, not on a channel that the
        customer had left; nothing but silence where that had probability 1."""
        at, arms = found.rows["at_us"].to_numpy()[rows], found.arms
        silent = np.array([arm.silent for arm in arms])
        opened = np.tile([arm.silent or not arm.rare for arm in arms], (len(rows), 1))
        by_offer = {str(offer.offer_id): offer for offer in self.catalogue.offers}
        for place, arm in enumerate(arms):
            if arm.offer_id is not None:
                offer = by_offer[arm.offer_id]
                opened[:, place] &= at >= (offer.valid_from or -(2**62))
                opened[:, place] &= at <= (offer.valid_to or 2**62)
        left = duckdb.execute(
            "SELECT customer_id, channel, min(epoch_us(occurred_at)) FROM read_parquet($events) "
            "WHERE kind = 'unsubscribed' GROUP BY ALL",
            {"events": str(self.settings.contract_dir / "events.parquet")},
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


def _rewards(found: Logged, contacts: Contacts, earned: Floats) -> tuple[Floats, Mask]:
    """What every logged decision earned beyond silence, and whether somebody bought; silence earns 0."""
    place = {decision: row for row, decision in enumerate(contacts.decision.tolist())}
    rows = np.array([place.get(decision, -1) for decision in found.rows["decision_id"].to_pylist()])
    made = rows >= 0
    return np.where(made, earned[rows], 0.0), made & contacts.bought[rows]
