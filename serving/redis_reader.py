"""What the service knows of a customer and of the offers, on Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from features.stored import Stored
from serving.packed_file import Both
from serving.packed_redis import UNREACHABLE, PackedRedis, connect, shown
from serving.store import PackedReader, StoreUnavailableError

T = TypeVar("T")


class RedisReader(PackedReader):
    """Reads packed values of one source; many customers take one round trip."""

    def __init__(self, address: str, ttl_days: float, project: str, source: str) -> None:
        super().__init__(ttl_days)
        self._address = address
        self._packed = PackedRedis(connect(address), project, source)

    def stamp(self) -> object:
        """Something that differs whenever evidence may differ; None while nothing can be read."""
        try:
            return self._packed.revision()
        except UNREACHABLE:
            return None

    def _get(self, view: Stored, key: str) -> bytes | None:
        return self._asked(lambda: self._packed.get(view.name, key), lambda value: value is None)

    def _get_both(self, views: tuple[Stored, Stored], key: str) -> Both:
        names = views[0].name, views[1].name
        return self._asked(lambda: self._packed.get_both(names, key), lambda values: values == (None, None))

    def _get_several(self, views: tuple[Stored, Stored], keys: Sequence[str]) -> list[Both]:
        names = views[0].name, views[1].name
        return self._asked(lambda: self._packed.get_several(names, keys), lambda found: not any(map(any, found)))

    def _get_many(self, view: Stored, keys: Sequence[str]) -> list[bytes | None]:
        return self._asked(lambda: self._packed.get_many(view.name, keys), lambda values: not any(values))

    def _get_all(self, view: Stored) -> Iterable[tuple[str, bytes]]:
        return self._asked(lambda: self._packed.get_all(view.name), lambda values: not values)

    def _keys(self, view: Stored) -> Iterable[str]:
        return self._asked(lambda: self._packed.keys(view.name), lambda keys: not keys)

    def _asked(self, ask: Callable[[], T], nothing: Callable[[T], bool]) -> T:
        """An answer; where nothing is known it must be told apart from a source that was never filled, or was lost."""
        try:
            answer = ask()
            filled = not nothing(answer) or self._packed.revision() is not None
        except UNREACHABLE as error:
            raise _unavailable(self._address, str(error)) from error
        if not filled:
            raise _unavailable(self._address, f"it holds nothing of {self._packed.source}")
        return answer


def _unavailable(address: str, reason: str) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"the online store {shown(address)} cannot be read ({reason}): start it, or run `make features` to fill it"
    )
