"""Who may come in: bearer tokens with scopes, or anybody while the service listens on this machine only."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from features.errors import SettingsError
from serving.journal import Journal, JournalUnavailableError
from serving.journal.keys import Scope, key_of
from serving.problem import RefusalError

ANYBODY = "local"
"""Who is said to have done what is done without a key."""


@dataclass(frozen=True)
class Door:
    """Lets requests in, or says why not."""

    journal: Journal
    open: bool

    def admit(self, authorization: str | None, scope: Scope) -> str:
        """The name of the caller.

        Raises:
            RefusalError: 401 without a valid key, 403 with one that lacks the scope, 503 where keys cannot be read.
        """
        if self.open:
            return ANYBODY
        kind, _, token = (authorization or "").partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise RefusalError(401, "key_missing", "Send a key: Authorization: Bearer kairos_…; make key makes one.")
        try:
            with self.journal.reading() as connection:
                key = key_of(connection, token.strip())
        except JournalUnavailableError as error:
            raise RefusalError(503, "journal_unavailable", f"{error}.".capitalize()) from error
        if key is None:
            raise RefusalError(401, "key_invalid", "This key is unknown or was revoked.")
        if scope not in key.scopes:
            held = ", ".join(sorted(key.scopes))
            raise RefusalError(403, "scope_missing", f"This call needs scope {scope}; the key has {held}.")
        return key.name


def is_local(host: str) -> bool:
    """True for an address that only this machine can reach."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_open(open_access: bool, host: str) -> None:
    """Refuse to be open to others.

    Raises:
        SettingsError: Open on an address that other machines can reach.
    """
    if open_access and not is_local(host):
        raise SettingsError(
            f"KAIROS_ACCESS=open lets anybody in, and {host} can be reached from elsewhere: "
            "use KAIROS_ACCESS=keys, or KAIROS_HOST=127.0.0.1"
        )
