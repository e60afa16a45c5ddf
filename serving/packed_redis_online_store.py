"""Feast's online store on packed values that are kept on Redis.

Loaded by Feast only, by the name in its configuration; the process that serves never imports this module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from feast import RepoConfig
from feast.repo_config import FeastConfigBaseModel

from serving.packed_redis import PackedRedis, connect
from serving.packed_store import PackedStore, Values


class PackedRedisOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """The ``online_store`` section of Feast's configuration."""

    type: Literal["serving.packed_redis_online_store.PackedRedisOnlineStore"] = (
        "serving.packed_redis_online_store.PackedRedisOnlineStore"
    )
    address: str
    """The server and its database, as redis://host:6379/0."""
    source: str
    """Whose customers they are; part of every key."""


class PackedRedisOnlineStore(PackedStore):
    """One packed value per entity and view on Redis. May be shared between threads."""

    def _put(self, config: RepoConfig, view: str, values: Values, progress: Callable[[int], Any]) -> None:
        _packed(config).put(view, values, progress)

    def _get(self, config: RepoConfig, view: str, keys: list[str]) -> list[bytes | None]:
        return _packed(config).get_many(view, keys)

    def _create(self, config: RepoConfig, views: list[str]) -> None:
        if views:
            _packed(config).create()

    def _drop(self, config: RepoConfig, views: list[str]) -> None:
        for view in views:
            _packed(config).drop(view)


def _packed(config: RepoConfig) -> PackedRedis:
    store = config.online_store
    return PackedRedis(connect(store.address), config.project, store.source)
