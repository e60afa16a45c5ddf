"""What a model would have served on logged decisions later than those it learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from feast import FeatureStore

from features.catalogue import Catalogue
from features.domain import ChannelName, OfferId
from features.errors import ContractError
from features.vector import FEATURES
from serving.attention import ASSUMED, Attention
from serving.money import Money
from serving.pairs import Pair
from serving.part import PartName, about_of
from serving.score import chances_of, redeemed
from serving.settings import Origin, Settings
from serving.worth import value_of
from training.assemble import assemble
from training.contest import Judgeable
from training.gate.sample import sample
from training.gate.served import Served
from training.ope.log import Floats
from training.policy_value.logged import FOLLOWED, Logged, earned, logged, opened, probabilities_known
from training.policy_value.policies import spread
from training.value.trial import Arm, Index, Mask

AT_ONCE = 60_000
"""Rows of features in memory at once."""
PRICED: tuple[Origin, ...] = ("complete_journey", "starbucks")
"""Sources that tell prices and no margins."""
Parts = Mapping[tuple[PartName, str], Judgeable]


@dataclass(frozen=True, slots=True)
class Replay:
    """Parts fitted to decisions before ``cut_us``, to be judged on those since."""

    parts: Parts
    cut_us: int


def replayed(settings: Settings, catalogue: Catalogue, store: FeatureStore, replay: Replay) -> Served | None:
    """What would have been served; None where no probabilities were logged, or nothing was learnt or left to judge."""
    if not probabilities_known(settings.contract_dir):
        return None
    try:
        found = logged(settings.contract_dir, catalogue)
    except ContractError:
        return None
    if (PartName.OFFER_RESPONSE, found.kind) not in replay.parts:
        return None
    at, (reward, positive) = found.rows["at_us"].to_numpy(), rewarded(found, kept_of_prices(settings))
    before, since = np.flatnonzero(at < replay.cut_us), np.flatnonzero(at >= replay.cut_us)
    if not len(before) or not len(since):
        return None
    since = sample(since, found.rows["decision_id"].take(pa.array(since)).to_pylist())
    mean = means(found, reward, before)
    before_attention, charged, recent = valued(catalogue, store, found, replay.parts, since)
    attention = ASSUMED if settings.attention is None else Attention(*settings.attention)
    patience = attention.contact + attention.slope * recent
    values = before_attention - patience[:, None] * charged
    open_ = opened(found.arms, at[since], catalogue)
    target = spread(np.where(open_, values, -np.inf).argmax(axis=1), open_)
    constant = spread(np.where(open_, mean, -np.inf).argmax(axis=1), open_)
    own, rows = found.arm[since], np.arange(len(since))
    text = {
        name: np.array(found.rows[name].take(pa.array(since)).to_pylist()) for name in ("decision_id", "customer_id")
    }
    return Served(
        decision=text["decision_id"],
        customer=text["customer_id"],
        reward=reward[since],
        positive=positive[since],
        logged=found.rows["probability"].to_numpy()[since],
        target=target[rows, own],
        constant=constant[rows, own],
        modelled=mean[own],
        of_target=target @ mean,
        of_constant=constant @ mean,
    )


def kept_of_prices(settings: Settings) -> float:
    """The share of what is paid that is earned, 0–1.

    Where a source tells prices, the margins by which offers are chosen are a share of them, and so is what purchases
    bring: counted in full, whatever sells most would look best, however much was given away for it. Where margins are
    told, purchases are taken to be told in the same money.
    """
    return settings.margin_share if settings.origin in PRICED else 1.0


def rewarded(found: Logged, kept: float) -> tuple[Floats, Mask]:
    """What every decision earned, of prices the share ``kept``, and whether anything was bought, ``[n]`` each."""
    gross, given = earned(found)
    own = gross * kept if found.outcome == FOLLOWED else gross
    return own - given - np.array([arm.cost for arm in found.arms])[found.arm], gross > 0


def means(found: Logged, reward: Floats, rows: Index) -> Floats:
    """Mean reward of every arm, each row weighted by its inverse probability, ``[arms]``."""
    weight = 1.0 / found.rows["probability"].to_numpy()[rows]
    arms = len(found.arms)
    mass = np.bincount(found.arm[rows], weight, arms)
    total = np.bincount(found.arm[rows], weight * reward[rows], arms)
    everything = float(total.sum() / mass.sum())
    means: Floats = np.divide(total, mass, out=np.full(arms, everything), where=mass > 0)
    return means


def valued(
    catalogue: Catalogue,
    store: FeatureStore,
    found: Logged,
    parts: Parts,
    rows: Index,
    share: float = 1.0,
    price: Attention = ASSUMED,
) -> tuple[Floats, Floats, Floats]:
    """The expected incremental value of every arm before attention, ``[rows, arms]``, 0 for nothing; what share of the
    price of attention would be charged, ``[arms]``; recent contacts with the customers, ``[rows]``. ``share`` of what
    is promised comes about."""
    values, recent = np.zeros((len(rows), len(found.arms))), np.zeros(len(rows))
    contacts = np.array([i for i, arm in enumerate(found.arms) if not arm.silent], dtype=np.intp)
    pairs = [_pair(catalogue, found.arms[i]) for i in contacts.tolist()]
    charged = np.zeros(len(found.arms))
    charged[contacts] = Money.of(pairs, price).charged
    step = max(AT_ONCE // len(pairs), 1)
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        X = assemble(store, catalogue, _asked(found, pairs, some)).X
        values[start : start + step, contacts] = _value(parts, found.kind, pairs, X, share).reshape(len(some), -1)
        recent[start : start + step] = np.nan_to_num(X[:: len(pairs), CONTACTS_7D].astype(np.float64))
    return values, charged, recent


def _pair(catalogue: Catalogue, arm: Arm) -> Pair:
    return Pair(catalogue.offer[OfferId(str(arm.offer_id))], catalogue.channel[ChannelName(str(arm.channel))])


def _asked(found: Logged, pairs: list[Pair], rows: Index) -> pa.Table:
    """Every pair for every decision, decision by decision."""
    each = found.rows.select(["customer_id", "at_us"]).take(pa.array(np.repeat(rows, len(pairs))))
    return pa.table(
        {
            "customer_id": each["customer_id"],
            "offer_id": pa.array([pair.offer.offer_id for pair in pairs] * len(rows), pa.string()),
            "channel": pa.array([pair.channel.name for pair in pairs] * len(rows), pa.string()),
            "decided_us": each["at_us"],
        }
    )


def _value(
    parts: Parts, kind: str, pairs: list[Pair], X: np.ndarray[tuple[int, int], np.dtype[np.float32]], share: float
) -> Floats:
    times = len(X) // len(pairs)

    def probability(name: PartName) -> Floats | None:
        part = parts.get((name, kind))
        return None if part is None else part.probability(X, about_of(name, pairs) * times)

    odds = chances_of(probability, np.tile(redeemed(pairs), times))
    if odds is None:
        raise ContractError(f"no part predicts who takes offers of kind {kind}: train again")
    money = Money.of(pairs).at(np.tile(np.arange(len(pairs)), times))
    return value_of(odds, money, 0.0).realised(share).total


CONTACTS_7D = [feature.name for feature in FEATURES].index("customer_contacts_7d")
