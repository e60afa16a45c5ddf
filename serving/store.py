"""What the service knows of a customer and of the offers, in packed values: read by key, without Feast."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import apsw

from features.codec import Packed, event_instant, pack, parts, raw
from features.domain import DAY, CustomerId, Instant, OfferId
from features.errors import KairosError
from features.packed_state import PackedState, unpack_state
from features.rows import Profile
from features.schema import EVIDENCE_SCHEMA, SCHEMA, Section
from features.state import State
from features.stored import ACTIVITY, EVIDENCE, PROFILE, Stored
from serving.feature_reader import KnownProfile, Stood
from serving.packed_connection import PackedConnection
from serving.packed_file import PROJECT, Both, get, get_all, get_both, get_several, keys, table_name
from serving.pairs import UNKNOWN_ZONE

LATEST = 1_000
"""Values that stay unpacked: customers come back before anything changes, and nobody can change what is in a value."""


class StoreUnavailableError(KairosError):
    """The online store cannot be read now; a decision goes on without it, flagged."""


@lru_cache(maxsize=LATEST)
def unpack_profile(value: bytes) -> KnownProfile:
    """The profile in a packed value: its columns are those of ``Profile``, in that order."""
    found = raw(PROFILE, value)
    (zone,) = parts(found.texts)
    return KnownProfile(Profile(found.floats, found.integers[0]), zone.decode())


class _Latest:
    """Unpacked values that were read before, found by how they begin: to hash a whole one takes longer than to read it.

    All of a value is compared before it counts as the same.
    """

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[bytes, PackedState]] = {}

    def of(self, value: bytes) -> PackedState:
        """What the value holds."""
        begins = value[:_BEGINS]
        known = self._held.get(begins)
        if known is not None and known[0] == value:
            return known[1]
        if len(self._held) >= LATEST:
            self._held.clear()
        found = unpack_state(ACTIVITY, value)
        self._held[begins] = value, found
        return found


_BEGINS = 256
"""Bytes in which values differ: instants, position, numbers of keys, and the first sums."""
_latest = _Latest()


_OF_CUSTOMER = ACTIVITY, PROFILE


class PackedReader(ABC):
    """Reads packed values, wherever they are kept."""

    def __init__(self, ttl_days: float) -> None:
        self._ttl_us = round(ttl_days * DAY)
        """A value is known for as long after the instant that it describes, as in Feast's join."""

    @abstractmethod
    def _get(self, view: Stored, key: str) -> bytes | None: ...

    def _get_many(self, view: Stored, keys: Sequence[str]) -> list[bytes | None]:
        return [self._get(view, key) for key in keys]

    @abstractmethod
    def _get_all(self, view: Stored) -> Iterable[tuple[str, bytes]]: ...

    @abstractmethod
    def _keys(self, view: Stored) -> Iterable[str]: ...

    def _get_both(self, views: tuple[Stored, Stored], key: str) -> Both:
        return self._get(views[0], key), self._get(views[1], key)

    def _get_several(self, views: tuple[Stored, Stored], keys: Sequence[str]) -> list[Both]:
        return [self._get_both(views, key) for key in keys]

    def customer(self, customer_id: CustomerId) -> Stood:
        """See FeatureReader."""
        did, told = self._get_both(_OF_CUSTOMER, customer_id)
        return did, None if told is None else unpack_profile(told)

    def several(self, customer_ids: Sequence[CustomerId]) -> list[Stood]:
        """See FeatureReader."""
        found = self._get_several(_OF_CUSTOMER, customer_ids)
        return [(did, None if told is None else unpack_profile(told)) for did, told in found]

    def customers(self) -> list[CustomerId]:
        """See FeatureReader."""
        return sorted(CustomerId(key) for key in {*self._keys(ACTIVITY), *self._keys(PROFILE)})

    def activity(self, customer_id: CustomerId, at: Instant) -> State | None:
        """See FeatureReader."""
        value = self._get(ACTIVITY, customer_id)
        return None if value is None else self.state(value, at)

    def state(self, value: bytes, at: Instant) -> State | None:
        """See FeatureReader."""
        found = _latest.of(value)
        return found.state if at - found.event_at <= self._ttl_us else None

    def profile(self, customer_id: CustomerId) -> KnownProfile | None:
        """See FeatureReader."""
        value = self._get(PROFILE, customer_id)
        return None if value is None else unpack_profile(value)

    def zone(self, customer_id: CustomerId) -> str:
        """See FeatureReader."""
        told = self.profile(customer_id)
        return UNKNOWN_ZONE if told is None else told.zone

    def activities(self, customer_ids: Sequence[CustomerId], at: Instant) -> dict[CustomerId, State]:
        """What customers did, of everybody of whom something is known."""
        found = zip(customer_ids, self._get_many(ACTIVITY, customer_ids), strict=True)
        states = {who: self._state(ACTIVITY, value, at, SCHEMA) for who, value in found if value is not None}
        return {who: state for who, state in states.items() if state is not None}

    def evidence(self, at: Instant) -> Mapping[OfferId, State]:
        """See FeatureReader."""
        states = {key: self._state(EVIDENCE, value, at, EVIDENCE_SCHEMA) for key, value in self._get_all(EVIDENCE)}
        return {OfferId(key): state for key, state in states.items() if state is not None}

    def _state(self, view: Stored, value: bytes, at: Instant, schema: tuple[Section, ...]) -> State | None:
        found = unpack_state(view, value, schema)
        return found.state if at - found.event_at <= self._ttl_us else None


class SqliteReader(PackedReader):
    """Reads the packed file; each thread has a connection of its own that cannot write."""

    def __init__(
        self, path: Path, ttl_days: float, project: str = PROJECT, reading: PackedConnection | None = None
    ) -> None:
        """``reading`` is to be given where others read the same file, too."""
        super().__init__(ttl_days)
        self._path = path
        self._project = project
        self._reading = reading or PackedConnection(path)

    def _get(self, view: Stored, key: str) -> bytes | None:
        try:
            return get(self._asking(), table_name(self._project, view.name), key)
        except apsw.Error as error:
            raise self._unavailable(error) from error

    def _get_both(self, views: tuple[Stored, Stored], key: str) -> Both:
        try:
            return get_both(self._asking(), self._project, (views[0].name, views[1].name), key)
        except apsw.Error as error:
            raise self._unavailable(error) from error

    def _get_several(self, views: tuple[Stored, Stored], keys: Sequence[str]) -> list[Both]:
        try:
            return get_several(self._asking(), self._project, (views[0].name, views[1].name), keys)
        except apsw.Error as error:
            raise self._unavailable(error) from error

    def _get_many(self, view: Stored, keys: Sequence[str]) -> list[bytes | None]:
        try:
            asking, table = self._asking(), table_name(self._project, view.name)
            return [get(asking, table, key) for key in keys]
        except apsw.Error as error:
            raise self._unavailable(error) from error

    def _get_all(self, view: Stored) -> Iterable[tuple[str, bytes]]:
        try:
            return get_all(self._asking(), table_name(self._project, view.name))
        except apsw.Error as error:
            raise self._unavailable(error) from error

    def _keys(self, view: Stored) -> Iterable[str]:
        try:
            return keys(self._asking(), table_name(self._project, view.name))
        except apsw.Error as error:
            raise self._unavailable(error) from error

    def _asking(self) -> apsw.Cursor:
        try:
            return self._reading.get()
        except OSError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> StoreUnavailableError:
        self._reading.drop()
        return StoreUnavailableError(f"the online store {self._path} cannot be read ({error}): run `make features`")


class MemoryReader(PackedReader):
    """Keeps packed values in memory: for trying things out, and where no file is wanted."""

    def __init__(self, ttl_days: float) -> None:
        super().__init__(ttl_days)
        self._values: dict[str, dict[str, bytes]] = {}

    def put(self, view: Stored, key: str, packed: Packed) -> None:
        """Keep a value unless one of a later instant is there."""
        values, value = self._values.setdefault(view.name, {}), pack(view, packed)
        if key not in values or event_instant(value) >= event_instant(values[key]):
            values[key] = value

    def _get(self, view: Stored, key: str) -> bytes | None:
        return self._values.get(view.name, {}).get(key)

    def _get_all(self, view: Stored) -> Iterable[tuple[str, bytes]]:
        return sorted(self._values.get(view.name, {}).items())

    def _keys(self, view: Stored) -> Iterable[str]:
        return list(self._values.get(view.name, {}))
