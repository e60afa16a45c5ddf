"""Feast's online store on packed values: every Feast call works on what the service reads without Feast.

Loaded by Feast only, by the name in its configuration; the process that serves never imports this module.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any, Literal

import apsw
from feast import Entity, FeatureService, FeatureView, RepoConfig
from feast.infra.online_stores.online_store import OnlineStore
from feast.online_response import OnlineResponse
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value as ProtoValue
from feast.repo_config import FeastConfigBaseModel

from features.codec import Packed, pack
from features.domain import Instant
from features.errors import KairosError
from features.stored import VIEWS, Column, Shape, Stored, Value
from serving.feast_answer import asked_of
from serving.feast_values import Fields
from serving.packed_file import create, drop, get, open_to_write, put, table_name, unmade

Values = list[tuple[str, bytes]]
TYPE = "serving.packed_online_store.PackedOnlineStore"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_STORED = {view.name: view for view in VIEWS}
_FIELDS = {
    Shape.FLOAT: "double_val",
    Shape.INT: "int64_val",
    Shape.TEXT: "string_val",
    Shape.FLOATS: "double_list_val",
    Shape.INTS: "int64_list_val",
    Shape.TEXTS: "string_list_val",
}
_LISTS = (Shape.FLOATS, Shape.INTS, Shape.TEXTS)


class WriteError(KairosError):
    """A row that cannot be written: a view, feature or key this store does not know, or a value that is missing."""


class PackedOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """The ``online_store`` section of Feast's configuration."""

    type: Literal["serving.packed_online_store.PackedOnlineStore"] = TYPE  # type: ignore[assignment]
    path: str
    """The SQLite file, absolute or relative to the feature repository."""


class PackedStore(OnlineStore, ABC):  # type: ignore[misc]
    """One packed value per entity and view, wherever they are kept."""

    @abstractmethod
    def _put(self, config: RepoConfig, view: str, values: Values, progress: Callable[[int], Any]) -> None:
        """Write values, each unless one is there that supersedes it; ``progress`` hears of every one."""

    @abstractmethod
    def _get(self, config: RepoConfig, view: str, keys: list[str]) -> list[bytes | None]:
        """The value of each key."""

    @abstractmethod
    def _create(self, config: RepoConfig, views: list[str]) -> None:
        """Make room for the values of these views."""

    @abstractmethod
    def _drop(self, config: RepoConfig, views: list[str]) -> None:
        """Remove every value of these views."""

    def online_write_batch(
        self,
        config: RepoConfig,
        table: FeatureView,
        data: list[tuple[EntityKey, dict[str, ProtoValue], datetime, datetime | None]],
        progress: Callable[[int], Any] | None,
    ) -> None:
        """Write rows; a stored value of a later instant stays as it is.

        Raises:
            WriteError: A feature of the view is missing, or a value that must be known is null.
        """
        view = _stored(table)
        values = [
            (
                _key(view, entity_key),
                pack(view, Packed(_instant(event_at), _instant(created_at or event_at), 0, _row(view, features))),
            )
            for entity_key, features, event_at, created_at in data
        ]
        self._put(config, view.name, values, progress or (lambda _: None))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[tuple[datetime | None, dict[str, ProtoValue] | None]]:
        """The event instant and features of each entity, in the order asked; (None, None) where nothing is stored.

        A time-to-live needs the instant of the question, which Feast does not pass here: readers enforce it.
        """
        view = _stored(table)
        found = self._get(config, view.name, [_key(view, entity_key) for entity_key in entity_keys])
        fields = Fields.of(view, None if requested_features is None else tuple(requested_features))
        return [(None, None) if value is None else fields.messages(value) for value in found]

    def get_online_features(
        self,
        config: RepoConfig,
        features: list[str] | FeatureService,
        entity_rows: Any,
        registry: Any,
        project: str,
        full_feature_names: bool = False,
        include_feature_view_version_metadata: bool = False,
    ) -> OnlineResponse:
        """See OnlineStore. The usual questions are answered without a message for every value."""
        if isinstance(entity_rows, list) and not include_feature_view_version_metadata:
            asked = asked_of(registry, project, features, full_feature_names)
            ids = None if asked is None else asked.ids(entity_rows)
            if asked is not None and ids is not None:
                return asked.answer(ids, lambda view, keys: self._get(config, view.name, keys))
        return super().get_online_features(
            config,
            features,
            entity_rows,
            registry,
            project,
            full_feature_names,
            include_feature_view_version_metadata,
        )

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],  # noqa: ARG002
        entities_to_keep: Sequence[Entity],  # noqa: ARG002
        partial: bool,  # noqa: ARG002
    ) -> None:
        """Make room for the views that are kept and remove the values of the deleted."""
        self._create(config, [view.name for view in tables_to_keep])
        self._drop(config, [view.name for view in tables_to_delete])

    def teardown(
        self,
        config: RepoConfig,
        tables: Sequence[FeatureView],
        entities: Sequence[Entity],  # noqa: ARG002
    ) -> None:
        """Remove the values of these views. Other projects may have some in the same place."""
        self._drop(config, [view.name for view in tables])


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


def _stored(table: FeatureView) -> Stored:
    if table.name not in _STORED:
        raise WriteError(f"no view is called {table.name!r}: the packed store holds {', '.join(_STORED)}")
    return _STORED[table.name]


def _key(view: Stored, entity_key: EntityKey) -> str:
    names = list(entity_key.join_keys)
    if names != [view.entity]:
        raise WriteError(f"{view.name} is kept by {view.entity}, not by {', '.join(names) or 'nothing'}")
    return str(entity_key.entity_values[0].string_val)


def _instant(moment: datetime) -> Instant:
    """Microseconds UTC; Feast means UTC where there is no zone."""
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Instant((known - _EPOCH) // _MICROSECOND)


def _row(view: Stored, features: Mapping[str, ProtoValue]) -> dict[str, Value]:
    if missing := [c.name for c in view.columns if c.name not in features]:
        raise WriteError(f"{view.name} lacks {', '.join(missing)}: a value is written whole, give every feature")
    return {c.name: _from_proto(view, c, features[c.name]) for c in view.columns}


def _from_proto(view: Stored, column: Column, value: ProtoValue) -> Value:
    """A null number is NaN, a null list is empty; a null integer or text has no meaning here."""
    field = value.WhichOneof("val")
    if field is None and column.shape is Shape.FLOAT:
        return float("nan")
    if field is None and column.shape in _LISTS:
        return []
    if field != _FIELDS[column.shape]:
        raise WriteError(f"{view.name}.{column.name} must be a {column.shape}, not {field or 'null'}")
    held = getattr(value, field)
    return list(held.val) if column.shape in _LISTS else held
