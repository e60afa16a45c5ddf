"""Telephone numbers in one form: E.164."""

from __future__ import annotations

import re

from serving.identity.namespace import IdentityError

_FILLING = re.compile(r"[\s\-./()\u00a0\u2010-\u2015]")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def normal_phone(text: str) -> str:
    """The number as ``+``, country code and digits.

    >>> normal_phone("0049 (0)171 / 123-4567"), normal_phone("+49 171 1234567")
    ('+491711234567', '+491711234567')

    Raises:
        IdentityError: No international number. The message does not repeat it: errors end up in logs.
    """
    number = _FILLING.sub("", text.replace("(0)", "").removeprefix("tel:"))
    if number.startswith("00"):
        number = "+" + number[2:]
    if _E164.fullmatch(number) is None:
        raise IdentityError(
            "that is no international telephone number: send it with its country code, as +491711234567"
        )
    return number
