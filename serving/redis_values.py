"""Packed values of customers' activity on Redis, as the live projection reads and writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from features.domain import CustomerId
from features.stored import ACTIVITY, PROFILE
from serving.packed_redis import UNREACHABLE, PackedRedis, connect, shown
from serving.store import StoreUnavailableError


class RedisValues:
    """Values of one source. Threads, processes and machines may share them: the server compares before it writes.

    Every method raises StoreUnavailableError while the server does not answer.
    """

    def __init__(self, address: str, project: str, source: str) -> None:
        self._address = address
        self._packed = PackedRedis(connect(address), project, source)

    def get(self, customer_id: CustomerId) -> bytes | None:
        """See Values."""
        with self._reached():
            return self._packed.get(ACTIVITY.name, customer_id)

    def get_many(self, customer_ids: Sequence[CustomerId]) -> dict[CustomerId, bytes | None]:
        """See Values. One round trip."""
        with self._reached():
            return dict(zip(customer_ids, self._packed.get_many(ACTIVITY.name, customer_ids), strict=True))

    def put(self, values: Sequence[tuple[CustomerId, bytes]]) -> None:
        """See Values."""
        with self._reached():
            self._packed.put(ACTIVITY.name, values)

    def remove(self, customer_ids: Iterable[CustomerId]) -> None:
        """See Values."""
        with self._reached():
            self._packed.remove(ACTIVITY.name, customer_ids)

    def forget(self, customer_ids: Iterable[CustomerId]) -> None:
        """See Values."""
        keys = list(customer_ids)
        with self._reached():
            for view in (ACTIVITY, PROFILE):
                self._packed.remove(view.name, keys)

    def compact(self) -> None:
        """See Values. Files that the server itself writes hold the bytes until it writes them anew."""

    def close(self) -> None:
        """See Values. The connections belong to the process."""

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except UNREACHABLE as error:
            raise StoreUnavailableError(
                f"the online store {shown(self._address)} does not answer ({error}): start it"
            ) from error
