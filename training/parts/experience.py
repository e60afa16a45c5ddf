"""What is known of past decisions at an instant: contacts with what came of them so far, and moments left alone.

A purchase that is not known yet is not a "no": every contact carries its age beside its window.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import DAY, Instant
from serving.columns import PLACES
from training.assemble import assembled
from training.labels import labels
from training.parts.calm import calm
from training.recall import Recall
from training.retrieve import Remembered
from training.value.trial import Floats, Index, Mask, Matrix

OTHERS = 2
"""Offers for something else that each contact tells of: what happens without them."""

_CONTACTS = """
WITH contact AS (
    SELECT d.decision_id, d.customer_id, d.offer_id, d.channel, d.noticed, d.probability, o.buys, o.window_days,
        epoch_us(d.decided_at) AS decided_us
    FROM read_parquet($decisions) AS d JOIN read_parquet($offers) AS o USING (offer_id)
    WHERE epoch_us(d.decided_at) <= $at AND d.channel IS NOT NULL AND d.probability > 0
        AND coalesce(d.kind = $kind, TRUE)
),
known AS (SELECT * FROM read_parquet($events) WHERE epoch_us(received_at) <= $at),
answer AS (
    SELECT decision_id, bool_or(kind IN ('viewed', 'clicked')) AS seen, bool_or(kind = 'clicked') AS clicked,
        bool_or(kind = 'unsubscribed') AS left_it, bool_or(kind = 'complained') AS complained
    FROM known WHERE decision_id IS NOT NULL GROUP BY decision_id
),
bought AS (
    SELECT c.decision_id, min(epoch_us(e.occurred_at)) AS bought_us, min(epoch_us(e.received_at)) AS known_us
    FROM contact AS c JOIN known AS e ON e.customer_id = c.customer_id AND e.kind = 'purchased'
        AND e.category = c.buys AND epoch_us(e.occurred_at) > c.decided_us
        AND epoch_us(e.occurred_at) <= c.decided_us + c.window_days * 86400e6
    GROUP BY c.decision_id
)
SELECT c.*, coalesce(c.noticed, a.seen, FALSE) AS seen, coalesce(a.clicked, FALSE) AS clicked,
    coalesce(a.left_it, FALSE) AS left_it, coalesce(a.complained, FALSE) AS complained, b.bought_us, b.known_us
FROM contact AS c LEFT JOIN answer AS a USING (decision_id) LEFT JOIN bought AS b USING (decision_id)
ORDER BY c.decided_us, c.decision_id
"""


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """One row per contact; arrays are ``[n]`` where nothing else is said."""

    X: Matrix
    """Whole vectors before the contact, ``[n, n_features]``."""
    decision: NDArray[np.generic]
    decided_us: NDArray[np.int64]
    customer: NDArray[np.generic]
    offer: Index
    """Into the catalogue's offers."""
    channel: Index
    """Into the catalogue's channels."""
    probability: Floats
    noticed: Mask
    clicked: Mask
    left: Mask
    """Answered by leaving the channel."""
    complained: Mask
    delay: Floats
    """Share of the window (0–1) that had passed when it was bought; NaN where that is not known to have happened."""
    age: Floats
    """Share of the window that has passed, at most 1."""
    bought_us: Floats
    """When it was known that it was bought; NaN where it is not."""

    def __len__(self) -> int:
        return len(self.offer)

    @property
    def bought(self) -> Mask:
        """Known to have bought what the offer is for within its window."""
        return np.isfinite(self.delay)

    @property
    def closed(self) -> Mask:
        """The window has ended."""
        return self.age >= 1.0

    def where(self, rows: Mask) -> Contacts:
        """These rows."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})


@dataclass(frozen=True, slots=True, eq=False)
class Quiet:
    """Moments at which an offer was not made, and whether what it is for was bought within its window, ``[n]``."""

    X: Matrix
    customer: NDArray[np.generic]
    offer: Index
    bought: Mask
    silent: Mask
    """Nothing at all was said then; elsewhere something else was."""

    def where(self, rows: Mask) -> Quiet:
        """These rows."""
        return replace(self, **{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def and_also(self, other: Quiet) -> Quiet:
        """The rows of both."""
        if not len(other.offer):
            return self
        both = {f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self)}
        return replace(self, **both)


@dataclass(frozen=True, slots=True, eq=False)
class Experience:
    """Everything that the parts are learnt from."""

    catalogue: Catalogue
    contacts: Contacts
    quiet: Quiet


def experience(
    contract: Path,
    catalogue: Catalogue,
    at: Instant,
    *,
    threads: int,
    seed: int,
    remembered: Remembered | None = None,
    kind: str | None = None,
    moments: int = 0,
) -> Experience:
    """What decisions of a folder with probabilities had brought by an instant.

    Args:
        contract: The folder.
        catalogue: Its offers and channels.
        at: What was learnt up to here is used.
        threads: For DuckDB.
        seed: Chooses the offers that tell what happens without them.
        remembered: Where features come from; the folder itself where it is not given.
        kind: Of the decisions; all where it is not given.
        moments: Of every customer before the first message, to learn from what is bought untold, too; asks for a kind.
    """
    recall = remembered or Recall(contract, catalogue, threads)
    files = {name: str(contract / f"{name}.parquet") for name in ("decisions", "offers", "events")}
    with duckdb.connect(config={"threads": threads}) as con:
        con.execute("SET timezone = 'UTC'")
        rows: pa.Table = con.sql(_CONTACTS, params={**files, "at": int(at), "kind": kind}).to_arrow_table()
    alone = labels(contract, at, seed=seed, threads=threads, others=OTHERS)
    alone = alone.filter(pc.and_(pc.is_null(alone["channel"]), pc.is_valid(alone["taken"])))
    if kind is not None:
        alone = alone.filter(pc.equal(alone["kind"], kind))
    offers = pa.array([o.offer_id for o in catalogue.offers])
    window_us = rows["window_days"].to_numpy() * DAY
    decided = rows["decided_us"].to_numpy()
    bought_us = pc.fill_null(rows["bought_us"].cast(pa.float64()), np.nan).to_numpy()
    contacts = Contacts(
        X=assembled(recall, catalogue, rows).X,
        decision=_texts(rows["decision_id"]),
        decided_us=decided,
        customer=_texts(rows["customer_id"]),
        offer=_places(rows["offer_id"], offers),
        channel=_places(rows["channel"], pa.array([c.name for c in catalogue.channels])),
        probability=rows["probability"].to_numpy(),
        noticed=_flags(rows["seen"]),
        clicked=_flags(rows["clicked"]),
        left=_flags(rows["left_it"]),
        complained=_flags(rows["complained"]),
        delay=(bought_us - decided) / window_us,
        age=np.minimum((int(at) - decided) / window_us, 1.0),
        bought_us=pc.fill_null(rows["known_us"].cast(pa.float64()), np.nan).to_numpy(),
    )
    ids = _texts(alone["decision_id"])
    said = np.isin([each.partition("@")[0] for each in ids.tolist()], _texts(rows["decision_id"]).astype(str))
    quiet = Quiet(
        X=assembled(recall, catalogue, alone).X,
        customer=_texts(alone["customer_id"]),
        offer=_places(alone["offer_id"], offers),
        bought=_flags(alone["taken"]),
        silent=~said,
    )
    if moments and kind is not None:
        early = calm(contract, catalogue, at, kind, each=moments, seed=seed)
        # Feast keeps what was known at decisions, and these are none.
        X = assembled(Recall(contract, catalogue, threads), catalogue, early).X
        X[:, PLACES["content_window_days"]] = early["days"].to_numpy()
        quiet = quiet.and_also(
            Quiet(
                X=X,
                customer=_texts(early["customer_id"]),
                offer=_places(early["offer_id"], offers),
                bought=_flags(early["bought"]),
                silent=np.ones(len(early), dtype=np.bool_),
            )
        )
    return Experience(catalogue, contacts, quiet)


def _texts(column: pa.ChunkedArray) -> NDArray[np.generic]:
    return np.array(column.to_pylist(), dtype=np.str_)


def _flags(column: pa.ChunkedArray) -> Mask:
    found: Mask = column.to_numpy(zero_copy_only=False).astype(np.bool_)
    return found


def _places(column: pa.ChunkedArray, words: pa.Array) -> Index:
    found: Index = pc.index_in(column, value_set=words).to_numpy().astype(np.intp)
    return found
