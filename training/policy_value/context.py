"""What was known of customers at instants, without a feature store: the same features, straight from the tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.batch import batch
from features.behaviour import CUSTOMER_FEATURES
from features.domain import DAY
from features.given import PROFILE_FEATURES
from features.past import Past, past
from features.rows import GENDERS, PROFILE_VALUES, Content, Evidence, Moment, Profile, Rows
from features.schema import BY_CATEGORY, CUSTOMER
from features.state import NEVER, Floats
from training.engine import connect
from training.keyed import Keyed, dense, reference
from training.value.trial import Matrix

REMEMBERED = ("contacts_60d", "noticed_60d", "redemptions_120d", "purchases_120d", "amount_120d")
"""What is read of the memory of each category that the offers are about."""
MOST_CATEGORIES = 12
LEAST_KNOWN = 0.001
"""Share of rows in which a column must differ from its commonest value."""


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """Columns that say something: float32 ``[n, columns]``, NaN where unknown."""

    names: tuple[str, ...]
    X: Matrix

    def beside(self, other: Context) -> Context:
        """The columns of both, of the same rows."""
        return Context((*self.names, *other.names), np.hstack([self.X, other.X]))

    def read(self, names: tuple[str, ...]) -> Matrix:
        """These columns, NaN where there is none of that name, ``[n, len(names)]``."""
        place = {name: i for i, name in enumerate(self.names)}
        X = np.full((len(self.X), len(names)), np.nan, dtype=np.float32)
        for i, name in enumerate(names):
            if name in place:
                X[:, i] = self.X[:, place[name]]
        return X


def context(contract: Path, asked: pa.Table, categories: tuple[str, ...], threads: int) -> Context:
    """The features of customers at instants, all columns.

    Args:
        contract: Folder with the tables of the contract.
        asked: Columns ``customer_id`` and ``at_us``, one row per row wanted.
        categories: What the offers are about; the memory of each becomes columns.
        threads: How many work at a time.
    """
    con = connect(threads)
    con.con.register("asked_rows", asked)
    con.raw_sql(
        "CREATE TABLE asked AS SELECT row_number() OVER (ORDER BY subject, at_us) - 1 AS row, subject, at_us "
        "FROM (SELECT DISTINCT customer_id AS subject, at_us FROM asked_rows)"
    )
    con.raw_sql(
        "CREATE VIEW events AS SELECT customer_id AS subject, kind, channel, epoch_us(occurred_at) AS occurred_us, "
        "epoch_us(received_at) AS received_us, utc_offset_min, offer_id, category, value_minor, discount_minor "
        f"FROM '{contract / 'events.parquet'}'"
    )
    state = batch(
        con.table("events"), con.table("asked"), (CUSTOMER, BY_CATEGORY), frozenset(categories), threads=threads
    ).append_column("at_us", con.table("asked").order_by("row").to_pyarrow()["at_us"])
    found = con.con.sql(_PROFILE.format(customers=contract / "customers.parquet")).to_arrow_table()
    columns = _columns(state, found, categories[:MOST_CATEGORIES])
    rows = con.con.sql(
        "SELECT a.row FROM (SELECT *, row_number() OVER () AS nr FROM asked_rows) AS r "
        "JOIN asked AS a ON a.subject = r.customer_id AND a.at_us = r.at_us ORDER BY r.nr"
    ).to_arrow_table()
    names = tuple(columns)
    return Context(names, np.column_stack(list(columns.values())).astype(np.float32)[rows["row"].to_numpy()])


_GENDER = " ".join(f"WHEN '{gender}' THEN {code}" for code, gender in enumerate(GENDERS))
_PROFILE = f"""
SELECT a.row, c.age_years, c.income_minor, c.household_size, c.children,
    (CASE c.gender {_GENDER} END)::DOUBLE AS gender, c.home_owner::INT::DOUBLE AS home_owner,
    epoch_us(c.member_since) AS member_since_us
FROM asked AS a LEFT JOIN '{{customers}}' AS c ON c.customer_id = a.subject AND epoch_us(c.known_at) <= a.at_us
ORDER BY a.row
"""


def _columns(state: pa.Table, profile: pa.Table, categories: tuple[str, ...]) -> dict[str, Floats]:
    at = state["at_us"].to_numpy()
    by_category = Keyed(BY_CATEGORY, state)
    own = past(CUSTOMER, *dense(CUSTOMER, state), reference(state), at)
    rows = _rows(at, own, by_category.n_keys.astype(np.float64), _profile(profile))
    columns = {feature.name: np.asarray(feature.read(rows)) for feature in (*CUSTOMER_FEATURES, *PROFILE_FEATURES)}
    everyone = np.arange(len(state))
    for category in categories:
        of = by_category.past(everyone, [category] * len(state), at)
        columns |= {f"{category}: {name}": of.sum(name) for name in REMEMBERED}
    columns["days_into_the_log"] = (at - at.min()) / DAY if len(at) else np.zeros(0)
    return columns


def _profile(found: pa.Table) -> Profile:
    values = np.column_stack(
        [pc.fill_null(found[name].cast(pa.float64()), np.nan).to_numpy() for name in PROFILE_VALUES]
    )
    return Profile(values, pc.fill_null(found["member_since_us"], int(NEVER)).to_numpy())


def _rows(at: NDArray[np.int64], own: Past, categories: Floats, profile: Profile) -> Rows:
    """Rows of which only what concerns the customer is read."""
    unread = np.full(len(at), np.nan)
    return Rows(
        at=at,
        customer=own,
        categories_known=categories,
        profile=profile,
        category=own,
        offer=own,
        channel=own,
        hour=own,
        weekday=own,
        moment=Moment(unread, unread),
        content=Content(*[unread] * 11),
        evidence=Evidence(*[unread] * 9),
    )


def telling(found: Context) -> Context:
    """Only columns that differ between rows, each once."""
    kept: list[int] = []
    seen: set[bytes] = set()
    for i in range(found.X.shape[1]):
        column = np.ascontiguousarray(found.X[:, i])
        _, counts = np.unique(column, return_counts=True)
        if not len(column) or counts.max() > (1 - LEAST_KNOWN) * len(column) or column.tobytes() in seen:
            continue
        seen.add(column.tobytes())
        kept.append(i)
    return Context(tuple(found.names[i] for i in kept), found.X[:, kept])
