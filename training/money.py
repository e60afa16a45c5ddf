"""Amounts of money as people write them."""

from __future__ import annotations

_WHOLE = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"}
    | {"XAF", "XOF", "XPF"}
)
_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
"""Currencies (ISO 4217) whose minor unit is the whole one, or a thousandth of it; elsewhere it is a hundredth."""


def money(minor: float, currency: str) -> str:
    """The amount in whole units with its sign, always shown, and its currency.

    Amounts under ten minor units, as a mean over many decisions often is, get two decimals more.

    >>> money(-150, "USD"), money(150, "JPY")
    ('-1.50 USD', '+150 JPY')
    """
    minor_digits = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    shown = minor_digits + 2 if 0 < abs(minor) < 10 else minor_digits
    return f"{minor / 10**minor_digits:+.{shown}f} {currency}"
