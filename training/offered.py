"""The catalogue of a source: its offers and channels, and what must be said of the data behind an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import duckdb

from features.catalogue import Catalogue
from features.domain import Category, Channel, ChannelName, Direction, Instant, Offer, OfferId, Response
from features.errors import ContractError
from features.instant import parse_instant
from serving.policy.cabinet import Cabinet
from serving.policy.document import Name, offers_of
from serving.policy.held import in_force
from serving.settings import Settings

STARTS_AT = {"complete_journey": "2017-12-01T17:00:00Z"}
"""Where history ends when no setting says otherwise; other sources are known up to their last event."""
WITHOUT_CONSENTS = frozenset({"complete_journey", "starbucks"})
"""Sources that tell of contacts and of no consents: their customers count as having agreed to the channels used."""
ASSUMED = ("margin_share", "attention_minor", "attention_slope_minor")
"""Settings that stand for facts which no source tells."""


def build_catalogue(settings: Settings) -> Catalogue:
    """The catalogue of the imported tables.

    Raises:
        ContractError: The data have not been imported.
    """
    manifest = _manifest(settings)
    channels = tuple(_channel(row) for row in _rows(settings, "channels", "*", "channel"))
    assumed = _consents_assumed(settings.origin, channels)
    return Catalogue(
        source=settings.source,
        currency=settings.currency,
        now=_now(settings),
        fingerprint=manifest["fingerprint"],
        offers=tuple(
            _offer(row)
            for row in _rows(
                settings,
                "offers",
                "* REPLACE (epoch_us(valid_from) AS valid_from, epoch_us(valid_to) AS valid_to)",
                "offer_id",
            )
        ),
        channels=channels,
        assumptions={
            **{name: _told(getattr(settings, name)) for name in ASSUMED},
            **{f"data_{i}": sentence for i, sentence in enumerate(manifest["assumptions"], 1)},
        },
        limits=(*manifest["limits"], *(_consent_sentence(purpose) for purpose in assumed)),
        consents_assumed=assumed,
        counted=_counted(settings),
    )


def _told(value: float | None) -> str:
    return "as the model has learnt it, else by default" if value is None else f"{value:g}"


def _counted(settings: Settings) -> tuple[str, ...]:
    """Categories of offers that were made by hand: histories are computed with them, so that live events fit in."""
    held = in_force(Cabinet(settings.origin_dir), Name.OFFERS, offers_of, lambda _: None)
    if held.document is None:
        raise ContractError(f"{held.note} Mend the file first.")
    offers = held.document.value.offers
    return tuple(sorted({str(name) for offer in offers for name in (offer.category, offer.buys) if name is not None}))


def _consents_assumed(source: str, channels: Iterable[Channel]) -> tuple[str, ...]:
    if source not in WITHOUT_CONSENTS:
        return ()
    return tuple(sorted({channel.consent_purpose for channel in channels if channel.consent_purpose is not None}))


def _consent_sentence(purpose: str) -> str:
    return f"No consents are recorded: customers count as having agreed to {purpose} until they say otherwise."


def _manifest(settings: Settings) -> dict[str, Any]:
    file = settings.contract_dir / "manifest.json"
    if not file.exists():
        raise ContractError(f"{file} is missing: run `make data SOURCE={settings.source}` first")
    manifest: dict[str, Any] = json.loads(file.read_text())
    return manifest


def _now(settings: Settings) -> Instant:
    if settings.as_of is not None:
        return settings.as_of
    if settings.source in STARTS_AT:
        return parse_instant(STARTS_AT[settings.source])
    (events,) = _rows(settings, "events", "epoch_us(max(received_at)) AS last_us", "1")
    if events["last_us"] is not None:
        return Instant(events["last_us"])
    (decisions,) = _rows(settings, "decisions", "epoch_us(max(coalesce(outcome_at, decided_at))) AS last_us", "1")
    if decisions["last_us"] is None:
        raise ContractError(f"{settings.contract_dir} holds neither events nor decisions: there is no history")
    return Instant(decisions["last_us"])


def _rows(settings: Settings, table: str, columns: str, order: str) -> list[dict[str, Any]]:
    file = settings.contract_dir / f"{table}.parquet"
    rows: list[dict[str, Any]] = (
        duckdb.sql(f"SELECT {columns} FROM '{file}' ORDER BY {order}").to_arrow_table().to_pylist()
    )
    return rows


def _offer(row: dict[str, Any]) -> Offer:
    return Offer(
        offer_id=OfferId(row["offer_id"]),
        kind=row["kind"],
        category=Category(row["category"]),
        name=row["name"],
        channels=tuple(ChannelName(name) for name in row["channels"]),
        margin_minor=row["margin_minor"],
        incentive_minor=row["incentive_minor"],
        buys=row["buys"],
        response=Response(row["response"]),
        min_spend_minor=row["min_spend_minor"],
        window_days=row["window_days"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        automatic=row["automatic"],
        audience=row["audience"],
    )


def _channel(row: dict[str, Any]) -> Channel:
    return Channel(
        name=ChannelName(row["channel"]),
        direction=Direction(row["direction"]),
        addressable=row["addressable"],
        cost_minor=row["cost_minor"],
        consent_purpose=row["consent_purpose"],
    )
