"""From decisions to the models' input: the same features as in serving, for many rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from feast import FeatureStore
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.content import channel_values, content_of, offer_values
from features.evidence import MARKET, Pooled, pool_of
from features.moment import hour_key, moment, weekday_key
from features.past import Past, past
from features.rows import PROFILE_VALUES, Evidence, Moment, Profile, Rows
from features.schema import (
    BY_CATEGORY,
    BY_CHANNEL,
    BY_HOUR,
    BY_OFFER,
    BY_WEEKDAY,
    CUSTOMER,
    EVIDENCE_BY_CHANNEL,
    OFFER_EVIDENCE,
    Section,
)
from features.state import NEVER, Floats
from features.vector import FEATURES, matrix
from training.histories import evidence_instants
from training.keyed import Index, Keyed, dense, reference
from training.retrieve import InFeast, Remembered

ALL_NAMES = tuple(feature.name for feature in FEATURES)
ASKED = ("customer_id", "offer_id", "channel", "decided_us")
"""Columns that say what a row is about: ``decided_us`` int64 microseconds, ``channel`` null where nothing was sent."""
DEFAULT_ZONE = "UTC"
"""Wall clock of a customer of whom nothing is known, as in serving."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The models' input beside what it is about: row i of ``X`` belongs to row i of ``rows``."""

    X: NDArray[np.float32]
    """``[n_rows, n_features]``, NaN where a value is unknown."""
    names: tuple[str, ...]
    """The feature of each column."""
    rows: pa.Table
    """What was asked, with every column it came with."""


def assemble(
    store: FeatureStore, catalogue: Catalogue, asked: pa.Table, names: Sequence[str] = ALL_NAMES, threads: int = 1
) -> Frame:
    """The features of (customer, offer, channel, instant), as Feast knows them at that instant.

    Args:
        store: The source's feature store.
        catalogue: Offers and channels.
        asked: A table with at least the columns of ASKED.
        names: Which features.
        threads: How many work at a time; the answer is the same with any number.

    Raises:
        KeyError: An offer or a channel is not in the catalogue, or a name is no feature.
        RetrievalError: Feast gave other rows than were asked for.
    """
    return assembled(InFeast(store, threads), catalogue, asked, names, threads)


def assembled(
    known: Remembered, catalogue: Catalogue, asked: pa.Table, names: Sequence[str] = ALL_NAMES, threads: int = 1
) -> Frame:
    """Like ``assemble``, from wherever it is remembered."""
    if len(asked) == 0:
        return Frame(np.empty((0, len(names)), dtype=np.float32), tuple(names), asked)
    with ThreadPoolExecutor(threads) as pool:
        rows = rows_of_asked(known, catalogue, asked, pool)
        return Frame(matrix(rows, len(asked), names, pool.map), tuple(names), asked)


def rows_of_asked(known: Remembered, catalogue: Catalogue, asked: pa.Table, pool: Executor) -> Rows:
    """The inputs of every feature, each ``[n_rows]``."""
    at = asked["decided_us"].to_numpy()
    offer = _places(asked["offer_id"], [o.offer_id for o in catalogue.offers], "offer")
    channel = _places(
        asked["channel"], [c.name for c in catalogue.channels], "channel", missing=len(catalogue.channels)
    )
    customers, state = _customers(known, asked)
    wanted = pa.array([o.buys or o.category for o in catalogue.offers]).take(pa.array(offer))
    sent = channel < len(catalogue.channels)

    def own() -> Past:
        found = past(CUSTOMER, *dense(CUSTOMER, customers), reference(customers), _at(customers))
        return _gather(found, state)

    def of_category() -> tuple[Floats, Past]:
        keyed = Keyed(BY_CATEGORY, customers)
        return keyed.n_keys[state].astype(np.float64), keyed.past(state, wanted, at)

    def of(section: Section, column: str) -> Past:
        return Keyed(section, customers).past(state, asked[column].combine_chunks(), at)

    def of_wall(wall: Moment) -> tuple[Past, Past]:
        return (
            _own(Keyed(BY_HOUR, customers), customers, [hour_key(h) for h in wall.hour], state),
            _own(Keyed(BY_WEEKDAY, customers), customers, [weekday_key(d) for d in wall.weekday], state),
        )

    by_category, by_customer = pool.submit(of_category), pool.submit(own)
    by_offer, by_channel = pool.submit(of, BY_OFFER, "offer_id"), pool.submit(of, BY_CHANNEL, "channel")
    wall = _moments(customers)
    by_wall = pool.submit(of_wall, wall)
    evidence = _evidence(known, catalogue, at, offer, channel)
    n_categories, in_category = by_category.result()
    in_hour, on_weekday = by_wall.result()
    return Rows(
        at=at,
        customer=by_customer.result(),
        categories_known=n_categories,
        profile=_profile(customers, state),
        category=in_category,
        offer=by_offer.result(),
        channel=_unless(by_channel.result(), sent),
        hour=in_hour,
        weekday=on_weekday,
        moment=Moment(wall.hour[state], wall.weekday[state]),
        content=content_of(offer_values(catalogue.offers)[offer], channel_values([*catalogue.channels, None])[channel]),
        evidence=evidence,
    )


def _places(column: pa.ChunkedArray, words: Sequence[str], what: str, missing: int = -1) -> Index:
    """The place of each value among the words; ``missing`` for null."""
    place = pc.index_in(column, value_set=pa.array(words, pa.string()))
    strangers = pc.and_(place.is_null(), column.is_valid())
    if pc.any(strangers).as_py():
        raise KeyError(f"the catalogue has no {what} {column.filter(strangers)[0].as_py()!r}: run `make features`")
    if missing < 0 and column.null_count:
        raise KeyError(f"{column.null_count:,} rows name no {what}: leave them out")
    found: Index = pc.fill_null(place, missing).to_numpy().astype(np.intp)
    return found


def _customers(known: Remembered, asked: pa.Table) -> tuple[pa.Table, Index]:
    """Each distinct (customer, instant) once, with what was known, and which of them each row is about."""
    distinct = asked.group_by(["decided_us", "customer_id"]).aggregate([]).sort_by("decided_us")
    found = known.customers(distinct["customer_id"].to_pylist(), distinct["decided_us"].to_numpy())
    numbered = distinct.append_column("state", pa.array(np.arange(len(distinct))))
    rows = asked.select(["decided_us", "customer_id"]).append_column("row", pa.array(np.arange(len(asked))))
    joined = rows.join(numbered, ["decided_us", "customer_id"]).sort_by("row")
    return found.append_column("at_us", distinct["decided_us"]), joined["state"].to_numpy().astype(np.intp)


def _at(customers: pa.Table) -> NDArray[np.int64]:
    at: NDArray[np.int64] = customers["at_us"].to_numpy()
    return at


def _moments(customers: pa.Table) -> Moment:
    return moment(pc.fill_null(customers["zone"], DEFAULT_ZONE).to_pylist(), _at(customers))


def _own(keyed: Keyed, customers: pa.Table, keys: Sequence[str], state: Index) -> Past:
    """The past of one key per state, given to the rows of each state."""
    return _gather(keyed.past(np.arange(len(customers)), keys, _at(customers)), state)


def _gather(each: Past, state: Index) -> Past:
    return Past(each.section, each.sums[state], each.days[state])


def _unless(each: Past, known: NDArray[np.bool_]) -> Past:
    """NaN where it is not known which past is meant: no contact is another thing than a contact on a new channel."""
    return Past(each.section, np.where(known[:, None], each.sums, np.nan), np.where(known[:, None], each.days, np.nan))


def _profile(customers: pa.Table, state: Index) -> Profile:
    values = np.column_stack([pc.fill_null(customers[name], np.nan).to_numpy() for name in PROFILE_VALUES])
    joined = pc.fill_null(customers["member_since_us"], int(NEVER)).to_numpy()
    return Profile(values[state], joined[state])


def _evidence(known: Remembered, catalogue: Catalogue, at: NDArray[np.int64], offer: Index, channel: Index) -> Evidence:
    instants, which = np.unique(evidence_instants(at), return_inverse=True)
    pooled = pooled_at(known, catalogue, instants)
    by_offer = {name: np.stack([p.by_offer[name] for p in pooled]) for name in pooled[0].by_offer}
    nothing = [np.nan]
    by_channel = {
        name: np.stack([np.append(p.by_channel[name], nothing) for p in pooled]) for name in pooled[0].by_channel
    }
    return Evidence(
        **{name: values[which, offer] for name, values in by_offer.items()},
        **{name: values[which, channel] for name, values in by_channel.items()},
    )


def pooled_at(known: Remembered, catalogue: Catalogue, instants: NDArray[np.int64]) -> list[Pooled]:
    """The evidence of the whole catalogue as it was known at each of these instants."""
    ids = [*(o.offer_id for o in catalogue.offers), MARKET]
    names = [c.name for c in catalogue.channels]
    shape = (len(instants), len(ids))
    at = np.repeat(instants, len(ids))
    found = known.evidence(ids * len(instants), at)
    own = past(OFFER_EVIDENCE, *dense(OFFER_EVIDENCE, found), reference(found), at)
    keyed = Keyed(EVIDENCE_BY_CHANNEL, found)
    states = np.repeat(np.arange(len(found)), len(names))
    seen = keyed.past(states, names * len(found), np.repeat(at, len(names)))
    sums, days = own.sums.reshape(*shape, -1), own.days.reshape(*shape, -1)
    contacts, noticed = (
        seen.sum(name).reshape(*shape, len(names))[:, :-1].sum(axis=1) for name in ("contacts_180d", "noticed_180d")
    )
    return [
        pool_of(
            catalogue.offers,
            names,
            Past(OFFER_EVIDENCE, sums[i, :-1], days[i, :-1]),
            Past(OFFER_EVIDENCE, sums[i], days[i]).sum("purchases_60d")[-1],
            contacts[i],
            noticed[i],
        )
        for i in range(len(instants))
    ]
