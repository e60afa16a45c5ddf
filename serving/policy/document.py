"""A document: its text, its fingerprint, and the value that it stands for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any, Generic, TypeVar

from serving.policy.coherence import flaws_of_overlay, flaws_of_personas, flaws_of_policy
from serving.policy.flaw import DocumentError, Flaw
from serving.policy.form import read
from serving.policy.overlay import Overlay
from serving.policy.persona import Personas
from serving.policy.policy import Policy

T = TypeVar("T")
Body = dict[str, Any]


class Name(StrEnum):
    """What documents there are; each lies in a file of this name."""

    POLICY = "policy"
    OFFERS = "offers"
    PERSONAS = "personas"


CLASSES: dict[Name, type] = {Name.POLICY: Policy, Name.OFFERS: Overlay, Name.PERSONAS: Personas}
EDITORS_OWN = "$schema"
"""A key at the top that tells editors where the schema is."""


@dataclass(frozen=True, slots=True)
class Document(Generic[T]):
    """A document that was understood."""

    body: Body
    """As it was given."""
    value: T

    @property
    def text(self) -> str:
        """The body in its one canonical form."""
        return canonical(self.body)

    @property
    def fingerprint(self) -> str:
        """Digest of the body; spaces and the order of keys do not matter."""
        return fingerprint(self.body)


def policy_of(body: Body) -> Document[Policy]:
    """The policy of a body. Raises DocumentError."""
    found = _read(Name.POLICY, body, flaws_of_policy)
    return Document(body, replace(found, fingerprint=fingerprint(body)))


def offers_of(body: Body) -> Document[Overlay]:
    """The overlay of a body. Raises DocumentError."""
    return Document(body, _read(Name.OFFERS, body, flaws_of_overlay))


def personas_of(body: Body) -> Document[Personas]:
    """The personas of a body. Raises DocumentError."""
    return Document(body, _read(Name.PERSONAS, body, flaws_of_personas))


def _read(name: Name, body: Body, further: Callable[[Any], Iterable[Flaw]]) -> Any:
    value, flaws = read(CLASSES[name], {key: each for key, each in body.items() if key != EDITORS_OWN})
    flaws = flaws or list(further(value))
    if flaws:
        raise DocumentError(name, flaws)
    return value


def parse(name: str, text: str | bytes) -> Body:
    """The JSON object of a text.

    Raises:
        DocumentError: It is no JSON, names a key twice or holds something else than an object.
    """
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
        canonical(found).encode()  # Half a character (a lone surrogate) can be kept nowhere.
    except (ValueError, RecursionError) as error:
        raise DocumentError(name, [Flaw("", f"it is not JSON ({error}): check quotes, commas and brackets")]) from None
    if not isinstance(found, dict):
        raise DocumentError(name, [Flaw("", "it must be an object: begin it with {")])
    return found


def canonical(body: object) -> str:
    """JSON without spaces, keys in their order."""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def fingerprint(body: object) -> str:
    """SHA-256 of the canonical form, hexadecimal."""
    return sha256(canonical(body).encode(errors="surrogatepass")).hexdigest()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        double = next(key for place, (key, _) in enumerate(pairs) if key in {k for k, _ in pairs[:place]})
        raise ValueError(f"the key {double!r} stands there twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")
