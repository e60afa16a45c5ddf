"""Keys of the API: made once and shown once; what is kept is a digest."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Connection, func, insert, select, update

from features.domain import Instant
from features.errors import KairosError
from serving.journal.audit import Cause, write_line
from serving.journal.schema import KEYS

PREFIX = "kairos_"
MOST_VALID = 2
"""Keys of one name that may be valid at once: the old one and the one that takes its place."""


class Scope(StrEnum):
    """What a key may be used for. No scope includes another."""

    DECIDE = "decide"
    EVENTS = "events"
    READ = "read"
    ADMIN = "admin"


class KeyRefusedError(KairosError):
    """A key that cannot be made or revoked."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key."""

    key_id: str
    name: str
    scopes: frozenset[Scope]
    made_at: Instant
    revoked_at: Instant | None = None


def scopes_of(words: Iterable[str]) -> frozenset[Scope]:
    """The scopes that these words mean.

    Raises:
        KeyRefusedError: A word that is no scope, or none at all.
    """
    try:
        found = frozenset(Scope(word.strip().lower()) for word in words if word.strip())
    except ValueError as error:
        raise KeyRefusedError(f"{error}: the scopes are {', '.join(Scope)}") from None
    if not found:
        raise KeyRefusedError(f"a key without a scope opens nothing: name some of {', '.join(Scope)}")
    return found


def make_key(connection: Connection, name: str, scopes: frozenset[Scope], cause: Cause) -> tuple[Key, str]:
    """A new key and its token, which is not kept anywhere.

    Raises:
        KeyRefusedError: Two keys of the name are valid already.
    """
    valid = select(func.count()).select_from(KEYS).where(KEYS.c.name == name, KEYS.c.revoked_us.is_(None))
    if connection.execute(valid).scalar_one() >= MOST_VALID:
        raise KeyRefusedError(f"{name!r} has {MOST_VALID} valid keys: revoke one of them first")
    token = PREFIX + secrets.token_urlsafe(32)
    key = Key(secrets.token_hex(6), name, scopes, cause.at)
    row = {
        "key_id": key.key_id,
        "name": name,
        "digest": _digest(token),
        "scopes": " ".join(sorted(scopes)),
        "made_us": cause.at,
        "revoked_us": None,
    }
    connection.execute(insert(KEYS), row)
    write_line(connection, cause, "key made", None, key_id=key.key_id, name=name, scopes=sorted(scopes))
    return key, token


def revoke_key(connection: Connection, key_id: str, cause: Cause) -> None:
    """Make a key invalid from now on.

    Raises:
        KeyRefusedError: There is no such valid key.
    """
    rows = update(KEYS).where(KEYS.c.key_id == key_id, KEYS.c.revoked_us.is_(None)).values(revoked_us=cause.at)
    if connection.execute(rows).rowcount != 1:
        raise KeyRefusedError(f"there is no valid key {key_id!r}: list the keys first")
    write_line(connection, cause, "key revoked", None, key_id=key_id)


def key_of(connection: Connection, token: str) -> Key | None:
    """The valid key with this token; None for an unknown or a revoked one."""
    rows = select(KEYS).where(KEYS.c.digest == _digest(token), KEYS.c.revoked_us.is_(None))
    row = connection.execute(rows).first()
    return None if row is None else Key(row.key_id, row.name, scopes_of(row.scopes.split()), Instant(row.made_us))


def all_keys(connection: Connection) -> list[Key]:
    """Every key that was ever made, oldest first."""
    rows = connection.execute(select(KEYS).order_by(KEYS.c.made_us, KEYS.c.key_id))
    return [
        Key(row.key_id, row.name, scopes_of(row.scopes.split()), Instant(row.made_us), row.revoked_us) for row in rows
    ]


def _digest(token: str) -> str:
    return sha256(token.encode(errors="surrogateescape")).hexdigest()
