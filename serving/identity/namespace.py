"""The kinds of names a customer may come under: how strong each is, and how many of it one person may have."""

from __future__ import annotations

import re
from dataclasses import dataclass

from features.errors import KairosError

CUSTOMER = "customer_id"
KAIROS = "kairos"
"""Names given here to customers who came under no customer_id."""
EMAIL = "email_sha256"
PHONE = "phone_sha256"
DEVICE = "device"
ANONYMOUS = "anonymous"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_ALIASES = {
    "customer": CUSTOMER,
    "user_id": CUSTOMER,
    "userid": CUSTOMER,
    "anonymous_id": ANONYMOUS,
    "anonymousid": ANONYMOUS,
    "device_id": DEVICE,
}


class IdentityError(KairosError):
    """A name that cannot be one."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """One kind of name."""

    name: str
    limit: int
    """How many names of this kind one customer may have before a join is refused."""
    meaning: str


NAMESPACES: tuple[Namespace, ...] = (
    Namespace(CUSTOMER, 1, "the customer number of the caller"),
    Namespace("crm", 1, "the number in the customer relationship system"),
    Namespace(PHONE, 10, "a telephone number, hashed"),
    Namespace(EMAIL, 10, "an e-mail address, hashed"),
    Namespace("card", 10, "a loyalty or payment card"),
    Namespace("app", 20, "an installation of the app"),
    Namespace(DEVICE, 20, "a device"),
    Namespace(ANONYMOUS, 100, "a browser or session before anyone signed in"),
    Namespace(KAIROS, 200, "a name given by Kairos"),
)
"""Strongest first: an event that carries several names belongs to the strongest of them."""
OTHER_LIMIT = 20
"""Names of any one other namespace per customer; others rank between ``card`` and ``app``."""
TOTAL_LIMIT = 500
"""Names of all namespaces together per customer."""

_BY_NAME = {namespace.name: namespace for namespace in NAMESPACES}
_RANK = {namespace.name: float(rank) for rank, namespace in enumerate(NAMESPACES)}
_OTHER_RANK = _RANK["card"] + 0.5


def namespace_of(text: str) -> str:
    """The namespace that a caller means; upper and lower case, and ``-`` and ``_``, are the same.

    >>> namespace_of(" CRM "), namespace_of("userId")
    ('crm', 'customer_id')

    Raises:
        IdentityError: Not a word of letters, digits and ``_`` of at most 32 characters.
    """
    name = text.strip().casefold().replace("-", "_")
    name = _ALIASES.get(name, name)
    if _NAME.fullmatch(name) is None:
        raise IdentityError(
            f"{text[:40]!r} is no namespace: use at most 32 letters, digits and _, beginning with a letter"
        )
    return name


def limit_of(name: str) -> int:
    """How many names of a namespace one customer may have."""
    return _BY_NAME[name].limit if name in _BY_NAME else OTHER_LIMIT


def rank_of(name: str) -> float:
    """Lower is stronger."""
    return _RANK.get(name, _OTHER_RANK)
