"""Feast's online store on packed values in SQLite: every Feast call works on what the service reads without Feast.

Loaded by Feast only, by the name in its configuration; the process that serves never imports this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Literal

import apsw
from feast import Entity, FeatureView, RepoConfig
from feast.repo_config import FeastConfigBaseModel

from serving.packed_file import create, drop, get, open_to_write, put, table_name, unmade
from serving.packed_store import PackedStore, Values

TYPE = "serving.packed_online_store.PackedOnlineStore"


class PackedOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """The ``online_store`` section of Feast's configuration."""

    type: Literal["serving.packed_online_store.PackedOnlineStore"] = TYPE  # type: ignore[assignment]
    path: str
    """The SQLite file, absolute or relative to the feature repository."""


class PackedOnlineStore(PackedStore):
    """Packed values in SQLite. May be shared between threads, which take turns."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._connections: dict[str, apsw.Connection] = {}

    def _put(self, config: RepoConfig, view: str, values: Values, progress: Callable[[int], Any]) -> None:
        name = table_name(config.project, view)
        with self._lock:
            con = self._connection(config)
            create(con, name)
            put(con, name, values)
        progress(len(values))

    def _get(self, config: RepoConfig, view: str, keys: list[str]) -> list[bytes | None]:
        name = table_name(config.project, view)
        with self._lock:
            asking = self._connection(config).cursor()
            try:
                return [get(asking, name, key) for key in keys]
            except apsw.Error as error:
                if not unmade(error):
                    raise
                return [None] * len(keys)

    def _create(self, config: RepoConfig, views: list[str]) -> None:
        with self._briefly(config) as con:
            for view in views:
                create(con, table_name(config.project, view))

    def _drop(self, config: RepoConfig, views: list[str]) -> None:
        with self._briefly(config) as con:
            for view in views:
                drop(con, table_name(config.project, view))

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """See PackedStore. The file stays."""
        super().teardown(config, tables, entities)
        with self._lock:
            held = self._connections.pop(config.online_store.path, None)
            if held is not None:
                held.close()

    @contextmanager
    def _briefly(self, config: RepoConfig) -> Iterator[apsw.Connection]:
        """Who only makes or removes tables does not hold the file open, which somebody else may be about to fill."""
        with self._lock:
            held = self._connections.get(config.online_store.path)
            if held is not None:
                yield held
                return
            with closing(_opened(config)) as con:
                yield con

    def _connection(self, config: RepoConfig) -> apsw.Connection:
        told = config.online_store.path
        if told not in self._connections:
            self._connections[told] = _opened(config)
        return self._connections[told]


def _opened(config: RepoConfig) -> apsw.Connection:
    return open_to_write(Path(config.repo_path or ".", config.online_store.path))
