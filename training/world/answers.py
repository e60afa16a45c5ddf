"""What every pair is really worth on the last day, as a table for whoever keeps the score."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from training.world.contract import customer_ids, offer_ids
from training.world.market import Market
from training.world.parameters import MEDIA

HOURS = (9.0, 14.0, 19.0)
"""Local hours that are asked about."""


def answers(market: Market, customers: int) -> pa.Table:
    """One row per customer, offer, channel and hour that is allowed, of the first customers.

    Columns: customer_id, offer_id, channel, hour (local), noticed (v), bought (q), organic (p₀), value_minor.
    """
    who, parts = market.present()[:customers], []
    for hour in HOURS:
        known = market.truth(who, np.full(len(who), hour))
        row, offer, channel = np.nonzero(known.allowed)
        parts.append(
            pa.table(
                {
                    "customer_id": customer_ids(who[row]),
                    "offer_id": offer_ids(offer),
                    "channel": pa.array(np.array([medium.name for medium in MEDIA])[channel].tolist()),
                    "hour": pa.array(np.full(len(row), hour)),
                    "noticed": pa.array(known.noticed[row, offer, channel]),
                    "bought": pa.array(known.bought[row, offer, channel]),
                    "organic": pa.array(known.organic[row, offer]),
                    "value_minor": pa.array(known.value[row, offer, channel]),
                }
            )
        )
    return pa.concat_tables(parts)
