"""What was seen of the journal, on Redis beside the values: workers without a disk of their own share it."""

from __future__ import annotations

from typing import cast

from serving.packed_redis import UNREACHABLE, connect, shown
from serving.store import StoreUnavailableError
from serving.witness import Seen


class RedisWitness:
    """Remembers under one key per source."""

    def __init__(self, address: str, project: str, source: str) -> None:
        self._address = address
        self._key = f"{project}:{source}:journal"

    def seen(self) -> Seen | None:
        """See Witness."""
        try:
            found = cast("bytes | None", connect(self._address).get(self._key))
        except UNREACHABLE as error:
            raise self._unavailable(error) from error
        if found is None:
            return None
        name, _, position = found.decode().partition(" ")
        return Seen(name, int(position))

    def see(self, seen: Seen) -> None:
        """See Witness."""
        try:
            connect(self._address).set(self._key, f"{seen.name} {seen.position}")
        except UNREACHABLE as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailableError:
        return StoreUnavailableError(f"the online store {shown(self._address)} does not answer ({error}): start it")
