"""Packed values on Redis: one key per entity and view, ``kairos:<source>:<view>:<id>``, newer never replaced by older.

Shared by Feast's plug-in and the bulk writer, which write it, and by the service, which reads it. One server: what is
written or read of many keys at once is one command, which a cluster would refuse.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any, TypeVar, cast

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.connection import AbstractConnection
from redis.retry import Retry

from features.stored import EVIDENCE
from serving.packed_file import Both

T = TypeVar("T")
UNREACHABLE = RedisError
"""What every call raises while the server does not answer."""
AT_ONCE = 500
"""Values in one command."""
TIMEOUT_S = 2.0
"""Seconds after which a server that does not answer counts as unreachable."""
_LISTED = frozenset({EVIDENCE.name})
"""Views that are read as a whole: their ids stand in a set, for a search goes through every key of the server."""

# A value begins with a header (features/codec.py): 4 bytes mark, 16 of schema, then three signed integers of 8 bytes,
# lowest byte first: event instant, creation instant, position. Lua's numbers are floats, so they are compared by byte.
_PUT = """
local function compare(new, old, at)
  for place = at + 7, at, -1 do
    local a, b = new:byte(place), old:byte(place)
    if place == at + 7 then a, b = (a + 128) % 256, (b + 128) % 256 end
    if a ~= b then return a - b end
  end
  return 0
end
for number, key in ipairs(KEYS) do
  local new, old = ARGV[number], redis.call('GETRANGE', key, 0, 43)
  local difference = 0
  if #old == 44 then
    for _, at in ipairs({37, 21, 29}) do
      if difference == 0 then difference = compare(new, old, at) end
    end
  end
  if difference >= 0 then redis.call('SET', key, new) end
end
"""


@cache
def connect(address: str) -> Redis:
    """The client of a server, with the one pool of connections that this process has for it."""
    retry = Retry(NoBackoff(), 1)  # the default waits seconds before it says that nobody is there
    return Redis.from_url(address, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=retry)


class _Own(threading.local):
    """The connections that one thread keeps, by client."""

    def __init__(self) -> None:
        self.lines: dict[Redis, AbstractConnection] = {}
        self.pid = os.getpid()


_own = _Own()


def _line(client: Redis) -> AbstractConnection:
    """A connection for this thread alone: taking one from the pool and giving it back takes longer than a read."""
    if _own.pid != os.getpid():  # a forked process must not share its parent's
        _own.__init__()  # type: ignore[misc]
    if client not in _own.lines:
        pool = client.connection_pool
        _own.lines[client] = pool.connection_class(**pool.connection_kwargs)
    return _own.lines[client]


def shown(address: str) -> str:
    """An address as a message may tell it: without user, password and options."""
    return re.sub(r"//[^/]*@", "//", address).partition("?")[0]


@dataclass(frozen=True)
class PackedRedis:
    """The packed values of one source. May be shared between threads."""

    client: Redis
    project: str
    source: str

    def create(self) -> None:
        """Mark the source as filled, however few values it has."""
        self.client.setnx(self._mark, 0)

    def revision(self) -> int | None:
        """A number that grows whenever values that are read as a whole may differ; None where nothing was filled."""
        found = cast("bytes | None", self.client.get(self._mark))
        return None if found is None else int(found)

    def get(self, view: str, key: str) -> bytes | None:
        """The value of a key."""
        return cast("bytes | None", self._told(b"GET", f"{self._mark}:{view}:{key}"))

    def get_both(self, views: tuple[str, str], key: str) -> Both:
        """The values of one key in two views, in one round trip."""
        one, other = cast("list[bytes | None]", self._told(b"MGET", *(f"{self._mark}:{view}:{key}" for view in views)))
        return one, other

    def get_several(self, views: tuple[str, str], keys: Sequence[str]) -> list[Both]:
        """The values of each key in two views, in one round trip; at least one key."""
        names = (f"{self._mark}:{view}:{key}" for key in keys for view in views)
        told = cast("list[bytes | None]", self._told(b"MGET", *names))
        return list(zip(told[::2], told[1::2], strict=True))

    def _told(self, command: bytes, *names: str) -> object:
        """What the server answers to a command, asked as shortly as it can be."""
        line = _line(self.client)
        try:
            words = [command, *(name.encode() for name in names)]
            asked = b"".join([b"*%d\r\n" % len(words), *(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)])
            line.send_packed_command([asked], check_health=False)  # type: ignore[no-untyped-call]
            return cast("object", line.read_response())
        except UNREACHABLE:
            line.disconnect()  # type: ignore[no-untyped-call]
            again: object = self.client.execute_command(command.decode(), *names)  # type: ignore[no-untyped-call]
            return again  # after another try, on a connection of its own
        except BaseException:  # what the server still says is no answer to the next question
            line.disconnect()  # type: ignore[no-untyped-call]
            raise

    def get_many(self, view: str, keys: Sequence[str]) -> list[bytes | None]:
        """The value of each key, in one round trip."""
        if not keys:
            return []
        with self.client.pipeline(transaction=False) as pipe:
            for some in _batches(keys):
                pipe.mget(self._names(view, some))
            return [value for batch in cast("list[list[bytes | None]]", pipe.execute()) for value in batch]

    def get_all(self, view: str) -> list[tuple[str, bytes]]:
        """Every key with its value, by key."""
        keys = self.keys(view)
        return [(key, value) for key, value in zip(keys, self.get_many(view, keys), strict=True) if value is not None]

    def keys(self, view: str) -> list[str]:
        """Every key that has a value, sorted. For a view that is not read as a whole it goes through all keys."""
        if view in _LISTED:
            return sorted(key.decode() for key in cast("set[bytes]", self.client.smembers(f"{self._mark}:{view}")))
        start = f"{self._mark}:{view}:"
        pattern = re.sub(r"([\\*?\[\]^])", r"\\\1", start) + "*"
        found = cast("Iterator[bytes]", self.client.scan_iter(match=pattern, count=AT_ONCE * 10))
        return sorted({name.decode()[len(start) :] for name in found})

    def put(
        self, view: str, values: Iterable[tuple[str, bytes]], progress: Callable[[int], Any] = lambda _: None
    ) -> None:
        """Write packed values; one already there stays when it supersedes the new one.

        Readers see them batch by batch; ``progress`` hears how many more were looked at.
        """
        script = self.client.register_script(_PUT)
        for some in _batches(values):
            self._list(view, [key for key, _ in some])
            script(keys=self._names(view, [key for key, _ in some]), args=[value for _, value in some])
            progress(len(some))
        self._changed(view)

    def remove(self, view: str, keys: Iterable[str]) -> None:
        """Delete the values of these keys."""
        for some in _batches(keys):
            with self.client.pipeline(transaction=False) as pipe:
                pipe.delete(*self._names(view, some))
                if view in _LISTED:
                    pipe.srem(f"{self._mark}:{view}", *some)
                pipe.execute()
        self._changed(view)

    def publish(
        self, view: str, values: Iterable[tuple[str, bytes]], progress: Callable[[int], Any] = lambda _: None
    ) -> None:
        """Leave exactly these values: unlike ``put`` also where others are newer, and no other key stays.

        Readers see old and new values side by side until it is done.
        """
        published = set()
        for some in _batches(values):
            keys = [key for key, _ in some]
            self._list(view, keys)
            self.client.mset(dict(zip(self._names(view, keys), (value for _, value in some), strict=True)))
            published.update(keys)
            progress(len(some))
        self.remove(view, [key for key in self.keys(view) if key not in published])
        self.create()

    def drop(self, view: str) -> None:
        """Delete every value of a view."""
        self.remove(view, self.keys(view))

    @property
    def _mark(self) -> str:
        return f"{self.project}:{self.source}"

    def _names(self, view: str, keys: Iterable[str]) -> list[str]:
        return [f"{self._mark}:{view}:{key}" for key in keys]

    def _list(self, view: str, keys: Sequence[str]) -> None:
        """Before the values are there: an id without a value says nothing, a value without its id is never found."""
        if view in _LISTED:
            self.client.sadd(f"{self._mark}:{view}", *keys)

    def _changed(self, view: str) -> None:
        if view in _LISTED:
            self.client.incr(self._mark)


def _batches(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, AT_ONCE)):
        yield some
