"""What Feast knows: entities, views and services, derived from the stored columns.

Feast imports this module by its bare name, with this folder as its place, so it stands alone here. Where the data lie
comes from the environment, as for every other command.
"""

from __future__ import annotations

import os
from datetime import timedelta

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource
from feast.types import Array, FeastType, Float64, Int64, String
from feast.value_type import ValueType

from features.stored import ACTIVITY, EVIDENCE, PROFILE, Shape, Stored
from serving.settings import read_settings

_TYPES: dict[Shape, FeastType] = {
    Shape.FLOAT: Float64,
    Shape.INT: Int64,
    Shape.TEXT: String,
    Shape.FLOATS: Array(Float64),
    Shape.INTS: Array(Int64),
    Shape.TEXTS: Array(String),
}
_SETTINGS = read_settings(os.environ)
_TTL = timedelta(days=_SETTINGS.feature_ttl_days)
_FOR_EVER = timedelta(0)


def _view(stored: Stored, entity: Entity, ttl: timedelta, meaning: str) -> FeatureView:
    return FeatureView(
        name=stored.name,
        entities=[entity],
        ttl=ttl,
        schema=[Field(name=c.name, dtype=_TYPES[c.shape], description=c.meaning) for c in stored.columns],
        source=PushSource(
            name=f"{stored.name}_push",
            batch_source=FileSource(
                name=f"{stored.name}_history",
                path=str((_SETTINGS.feast_dir / f"{stored.name}.parquet").absolute()),
                timestamp_field="event_timestamp",
                created_timestamp_column="created_timestamp",
            ),
        ),
        online=True,
        description=meaning,
        tags={"schema": stored.fingerprint},
    )


customer = Entity(
    name="customer", join_keys=["customer_id"], value_type=ValueType.STRING, description="Who is decided for."
)
offer = Entity(
    name="offer", join_keys=["offer_id"], value_type=ValueType.STRING, description="What is proposed; * is the market."
)

activity = _view(ACTIVITY, customer, _TTL, "What a customer did, as decayed sums and instants.")
profile = _view(PROFILE, customer, _FOR_EVER, "What a customer told; it holds until told otherwise.")
offer_evidence = _view(EVIDENCE, offer, _TTL, "What all customers together showed of an offer.")

channel_response = FeatureService(
    name="channel_response",
    features=[activity, profile, offer_evidence],
    description="Will a contact on this channel be noticed?",
)
offer_response = FeatureService(
    name="offer_response",
    features=[activity, profile, offer_evidence],
    description="Will the offer be taken once it is noticed?",
)
organic = FeatureService(
    name="organic",
    features=[activity, profile, offer_evidence],
    description="Would it be bought anyway?",
)
