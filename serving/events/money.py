"""Amounts as other systems write them, in minor units."""

from __future__ import annotations

import math
from decimal import Decimal

from serving.events.arrival import RefusedError
from serving.events.field import MOST_MINOR, Json

WITHOUT_MINOR = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "XAF", "XOF"}
)
THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})


def minor_digits(currency: str) -> int:
    """Decimal digits of the minor unit of a currency (ISO 4217)."""
    return 0 if currency in WITHOUT_MINOR else 3 if currency in THOUSANDTHS else 2


def minor(item: Json, name: str, currency: str) -> int | None:
    """An amount in major units as whole minor units; None where absent or null.

    >>> minor({"total": 12.34}, "total", "USD"), minor({"total": "1200"}, "total", "JPY")
    (1234, 1200)

    Raises:
        RefusedError: Not a number, negative, too large, or in another currency than ``currency``.
    """
    value = item.get(name)
    if value is None:
        return None
    told = item.get("currency")
    if told is not None and str(told).upper() != currency:
        raise RefusedError("wrong_currency", f"currency is {str(told)[:10]!r}: amounts are taken in {currency}")
    try:
        amount = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        amount = math.nan
    if not math.isfinite(amount) or not 0 <= amount <= MOST_MINOR / 1_000:
        raise RefusedError("out_of_range", f"{name} is {value!r:.40}: use a number from 0")
    return int((Decimal(str(amount)) * 10 ** minor_digits(currency)).to_integral_value())
