"""One name under which a customer comes, in the only form in which it is kept."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import field
from hashlib import sha256

from features.domain import MAX_ID_LENGTH
from features.quick import quick
from serving.identity.email import normal_email
from serving.identity.namespace import CUSTOMER, EMAIL, KAIROS, PHONE, IdentityError, namespace_of, rank_of
from serving.identity.phone import normal_phone

_DIGEST = re.compile(r"[0-9a-f]{64}")
_GIVEN = re.compile(r"k_[0-9a-f]{32}")
_EMAIL_NAMES = frozenset({"email", "e_mail", "mail"})
_PHONE_NAMES = frozenset({"phone", "phone_e164", "tel", "mobile"})


@quick(frozen=True, slots=True)
class Identity:
    """A namespace and a value in it; made by ``identity``. Two that are equal mean the same name."""

    namespace: str
    value: str
    raw: str | None = field(default=None, compare=False, repr=False)
    """The address or number itself, for where a setting lets it be kept."""

    @property
    def rank(self) -> tuple[float, str, str]:
        """Strongest first, ties broken the same way everywhere."""
        return rank_of(self.namespace), self.namespace, self.value


def identity(namespace: str, value: str) -> Identity:
    """The name that a caller means. E-mail addresses and telephone numbers are normalised and hashed (SHA-256).

    >>> identity("Card", " 4711 ")
    Identity(namespace='card', value='4711')
    >>> identity("email", "Ann@Example.org") == identity("EMAIL", "ann@example.org ")
    True

    Raises:
        IdentityError: The value is empty, longer than 128 characters, or not of the namespace's form.
    """
    if namespace == CUSTOMER and value.isascii() and value.isalnum() and len(value) <= MAX_ID_LENGTH:
        return Identity(CUSTOMER, value)  # nearly every request's, and nothing about it can be put in another form
    name, text = namespace_of(namespace), unicodedata.normalize("NFC", value).strip()
    if not text or len(text) > MAX_ID_LENGTH:
        raise IdentityError(f"an identity of namespace {name!r} has {len(text)} characters: use 1 to {MAX_ID_LENGTH}")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise IdentityError(f"an identity of namespace {name!r} holds a control character: leave it out")
    if name in _EMAIL_NAMES:
        address = normal_email(text)
        return Identity(EMAIL, hashed(address), address)
    if name in _PHONE_NAMES:
        number = normal_phone(text)
        return Identity(PHONE, hashed(number), number)
    if name in (EMAIL, PHONE):
        return Identity(name, _digest(name, text))
    if name == CUSTOMER and _GIVEN.fullmatch(text):
        return Identity(KAIROS, text)
    if name == KAIROS and not _GIVEN.fullmatch(text):
        raise IdentityError(f"{text!r} is no name that Kairos gave: use customer_id for your own numbers")
    return Identity(name, text)


def _digest(namespace: str, text: str) -> str:
    digest = text.lower()
    if _DIGEST.fullmatch(digest) is None:
        raise IdentityError(
            f"an identity of namespace {namespace!r} has to be 64 hexadecimal digits; "
            f"send the raw one as {namespace.removesuffix('_sha256')!r} and it is hashed on entry"
        )
    return digest


def hashed(text: str) -> str:
    """SHA-256 as 64 hexadecimal digits: what other systems send for the same address or number."""
    return sha256(text.encode()).hexdigest()


def distinct(identities: Iterable[Identity]) -> tuple[Identity, ...]:
    """Each name once, the strongest first."""
    return tuple(sorted(dict.fromkeys(identities), key=lambda each: each.rank))
