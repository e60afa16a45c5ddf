"""Offers and channels that were made by hand, as rows of the contract: what was decided about them is learnt from."""

from __future__ import annotations

import json
from collections.abc import Iterable

import duckdb
import pyarrow as pa
from sqlalchemy import Connection

from features.catalogue import Catalogue
from features.contract import CHANNELS, OFFERS
from features.domain import Channel, ChannelName, Offer, OfferId
from serving.archive import CATALOGUE
from serving.journal.documents import bodies
from serving.policy.document import Name

_OFFERS = pa.schema(
    [
        *((name, pa.string()) for name in ("offer_id", "kind", "category", "name", "buys", "response", "audience")),
        ("channels", pa.list_(pa.string())),
        *((name, pa.int64()) for name in ("margin_minor", "incentive_minor", "min_spend_minor")),
        ("window_days", pa.float64()),
        ("automatic", pa.bool_()),
        *((name, pa.timestamp("us", "UTC")) for name in ("valid_from", "valid_to")),
    ]
)
_CHANNELS = pa.schema(
    [
        *((name, pa.string()) for name in ("channel", "direction", "consent_purpose")),
        ("addressable", pa.bool_()),
        ("cost_minor", pa.float64()),
    ]
)


def add_own(con: duckdb.DuckDBPyConnection, connection: Connection) -> None:
    """Add to ``raw_offers`` and ``raw_channels`` what was ever in force and was not imported; what stands in the
    document of offers now replaces what was imported."""
    offers: dict[OfferId, Offer] = {}
    channels: dict[ChannelName, Channel] = {}
    for body in bodies(connection, CATALOGUE):
        catalogue = Catalogue.from_json(body)
        offers = {**catalogue.offer, **offers}
        channels = {**catalogue.channel, **channels}
    now = json.loads(next(iter(bodies(connection, Name.OFFERS)), "{}"))
    replaced = {each["offer_id"] for each in now.get("offers", ())}
    new = _names(con, "offers", "offer_id")
    _add(
        con,
        "offers",
        "offer_id",
        _OFFERS,
        [_offer(o) for key, o in offers.items() if key in replaced or key not in new],
    )
    replaced, new = {each["name"] for each in now.get("channels", ())}, _names(con, "channels", "channel")
    _add(
        con,
        "channels",
        "channel",
        _CHANNELS,
        [_channel(c) for key, c in channels.items() if key in replaced or key not in new],
    )


def _names(con: duckdb.DuckDBPyConnection, table: str, key: str) -> set[str]:
    return {name for (name,) in con.execute(f"SELECT {key} FROM raw_{table}").fetchall()}


def _add(
    con: duckdb.DuckDBPyConnection, table: str, key: str, schema: pa.Schema, rows: Iterable[dict[str, object]]
) -> None:
    found = list(rows)
    if not found:
        return
    con.register("own", pa.Table.from_pylist(found, schema=schema))
    con.execute(f"DELETE FROM raw_{table} WHERE {key} IN (SELECT {key} FROM own)")
    con.execute(f"INSERT INTO raw_{table} BY NAME SELECT * FROM own")
    con.unregister("own")


def _offer(offer: Offer) -> dict[str, object]:
    own = {column.name: getattr(offer, column.name) for column in OFFERS.columns}
    return {**own, "channels": list(offer.channels), "response": offer.response.value}


def _channel(channel: Channel) -> dict[str, object]:
    named = {"channel": channel.name, "direction": channel.direction.value}
    return {**{c.name: getattr(channel, c.name) for c in CHANNELS.columns if c.name not in named}, **named}
