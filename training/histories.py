"""The three histories that Feast keeps: what customers did, what they told, and what was shown of every offer.

Each is one Arrow table with a row per entity and instant, in the columns of ``features.stored``. Nothing received after
a row's instant is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
from ibis.backends.duckdb import Backend
from numpy.typing import NDArray

from features.batch import batch, batch_of_parts
from features.catalogue import Catalogue
from features.domain import DAY, Kind
from features.evidence import MARKET
from features.rows import GENDERS
from features.schema import EVIDENCE_SCHEMA
from features.state import NEVER
from training.engine import connect

MOST_INSTANTS = 500
"""Distinct instants beyond which evidence is taken as of midnight."""
_ABOUT_OFFERS = (Kind.SENT, Kind.VIEWED, Kind.CLICKED, Kind.REDEEMED)


class Histories:
    """Computes the histories of one folder of contract tables on a DuckDB of its own."""

    def __init__(self, contract: Path, catalogue: Catalogue, threads: int) -> None:
        self._catalogue = catalogue
        self._threads = threads
        self._con: Backend = connect(threads)
        for name in ("customers", "offers", "decisions"):
            self._view(name, f"SELECT * FROM '{contract / name}.parquet'")
        self._view(
            "events",
            "SELECT customer_id AS subject, kind, channel, epoch_us(occurred_at) AS occurred_us, "
            "epoch_us(received_at) AS received_us, utc_offset_min, offer_id, category, value_minor, discount_minor "
            f"FROM '{contract / 'events.parquet'}'",
        )

    def _view(self, name: str, sql: str) -> None:
        self._con.raw_sql(f"CREATE OR REPLACE VIEW {name} AS {sql}")

    def _numbered(self, name: str, sql: str) -> ibis.Table:
        """A table of the rows asked for, numbered by subject and instant."""
        self._con.raw_sql(
            f"CREATE OR REPLACE TABLE {name} AS "
            "SELECT row_number() OVER (ORDER BY subject, at_us) - 1 AS row, subject, at_us "
            f"FROM (SELECT DISTINCT subject, at_us FROM ({sql}))"
        )
        return self._con.table(name)

    def activity(self) -> pa.Table:
        """A row for every customer at each of their decisions, and for all customers now."""
        return self._activity(
            "SELECT customer_id AS subject, epoch_us(decided_at) AS at_us FROM decisions "
            f"UNION ALL SELECT customer_id, {self._catalogue.now} FROM customers"
        )

    def activity_at(self, asked: pa.Table) -> pa.Table:
        """A row for every distinct customer and instant asked for; columns ``customer_id`` and ``at_us``."""
        self._con.con.register("asked_customers", asked)
        return self._activity("SELECT customer_id AS subject, at_us FROM asked_customers")

    def _activity(self, sql: str) -> pa.Table:
        asked = self._numbered("asked_activity", sql)
        return batch(self._con.table("events"), asked, categories=self._catalogue.categories, threads=self._threads)

    def profile(self) -> pa.Table:
        """A row for every customer at the instant at which the profile was learnt."""
        codes = " ".join(f"WHEN '{gender}' THEN {code}" for code, gender in enumerate(GENDERS))
        return self._con.con.sql(
            f"""
            SELECT customer_id, known_at AS event_timestamp, known_at AS created_timestamp,
                {_or_nan("age_years")}, {_or_nan("income_minor")}, {_or_nan("household_size")}, {_or_nan("children")},
                coalesce((CASE gender {codes} END)::DOUBLE, 'nan') AS gender,
                coalesce(home_owner::INT::DOUBLE, 'nan') AS home_owner,
                coalesce(epoch_us(member_since), {int(NEVER)}) AS member_since_us, zone
            FROM customers ORDER BY customer_id
            """
        ).to_arrow_table()

    def evidence(self) -> pa.Table:
        """A row for every offer and the market, at the instants of decisions (see ``evidence_instants``) and now."""
        (decided,) = self._con.con.sql("SELECT epoch_us(decided_at) AS at_us FROM decisions").to_arrow_table().columns
        return self.evidence_at(np.append(evidence_instants(decided.to_numpy()), self._catalogue.now))

    def evidence_at(self, instants: NDArray[np.int64]) -> pa.Table:
        """A row for every offer and the market, at each of these instants.

        An offer's evidence is what happened with it; the mailing that opened it to its audience counts as a contact
        with it, and what is redeemed of the offers behind a mailing counts for the mailing, once per customer; and all
        purchases of what it is for.
        """
        self._con.con.register("instants", pa.table({"at_us": np.unique(instants)}))
        self._con.raw_sql(f"CREATE OR REPLACE TABLE evidence_part AS {_PARTS}")
        self._view("evidence_events", _EVIDENCE_EVENTS)
        at_parts = self._numbered(
            "part_instants", "SELECT part AS subject, at_us FROM (SELECT DISTINCT part FROM evidence_part), instants"
        )
        asked = self._numbered(
            "asked_evidence", "SELECT DISTINCT offer_id AS subject, at_us FROM evidence_part, instants"
        )
        self._view(
            "parts_of_rows",
            "SELECT a.row AS row, i.row AS part FROM asked_evidence AS a "
            "JOIN evidence_part AS p ON p.offer_id = a.subject "
            "JOIN part_instants AS i ON i.subject = p.part AND i.at_us = a.at_us",
        )
        parts = self._con.table("parts_of_rows")
        return batch_of_parts(
            self._con.table("evidence_events"), at_parts, asked, parts, EVIDENCE_SCHEMA, "offer_id", self._threads
        )


def evidence_instants(decided: NDArray[np.int64]) -> NDArray[np.int64]:
    """The instant as of which evidence counts for each decision, ``[n]``: its own, or the midnight (UTC) before.

    The latter where the instants are many: what all customers together showed hardly changes within a day.
    """
    return decided if len(np.unique(decided)) <= MOST_INSTANTS else decided // DAY * DAY


def _or_nan(column: str) -> str:
    return f"coalesce({column}, 'nan'::DOUBLE) AS {column}"


def _listed(kinds: Sequence[Kind]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


# What makes up the evidence of each offer, as disjoint sets of events; an offer may be its own audience.
_PARTS = f"""
SELECT offer_id, 'offer ' || offer_id AS part FROM offers
UNION ALL SELECT offer_id, 'sent ' || audience FROM offers WHERE audience <> offer_id
UNION ALL SELECT DISTINCT audience, 'used ' || audience FROM offers WHERE audience <> offer_id
UNION ALL SELECT offer_id, coalesce('buys ' || buys, '{MARKET}') FROM offers
UNION ALL SELECT '{MARKET}', '{MARKET}'
"""
_COLUMNS = (
    "events.kind, channel, occurred_us, received_us, utc_offset_min, offer_id, events.category, "
    "value_minor, discount_minor"
)
# One mailing is taken once by a customer, however many of its coupons are used: only the first use known counts.
_FIRST = "row_number() OVER (PARTITION BY subject, {of} ORDER BY received_us, least(occurred_us, received_us)) = 1"
_EVIDENCE_EVENTS = f"""
SELECT 'offer ' || offer_id AS subject, {_COLUMNS} FROM events JOIN offers USING (offer_id)
    WHERE events.kind IN ({_listed(_ABOUT_OFFERS)})
        AND (events.kind <> '{Kind.REDEEMED}' OR coalesce(audience, offer_id) = offer_id)
UNION ALL SELECT 'offer ' || offer_id, {_COLUMNS} FROM events JOIN offers USING (offer_id)
    WHERE events.kind = '{Kind.REDEEMED}' AND audience <> offer_id QUALIFY {_FIRST.format(of="offer_id")}
UNION ALL SELECT 'sent ' || offer_id, {_COLUMNS} FROM events
    WHERE kind = '{Kind.SENT}' AND offer_id IN (SELECT audience FROM offers)
UNION ALL SELECT 'used ' || audience, {_COLUMNS} FROM events JOIN offers USING (offer_id)
    WHERE events.kind = '{Kind.REDEEMED}' AND audience <> offer_id QUALIFY {_FIRST.format(of="audience")}
UNION ALL SELECT 'buys ' || category, {_COLUMNS} FROM events
    WHERE kind = '{Kind.PURCHASED}' AND category IN (SELECT buys FROM offers)
UNION ALL SELECT '{MARKET}', {_COLUMNS} FROM events WHERE kind = '{Kind.PURCHASED}'
"""
