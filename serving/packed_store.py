"""Feast's calls answered from packed values, wherever these are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from feast import Entity, FeatureService, FeatureView, RepoConfig
from feast.infra.online_stores.online_store import OnlineStore
from feast.online_response import OnlineResponse
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value as ProtoValue

from features.codec import Packed, pack
from serving.feast_answer import asked_of
from serving.feast_rows import instant, key, row, stored
from serving.feast_values import Fields

Values = list[tuple[str, bytes]]


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
        view = stored(table)
        values = [
            (
                key(view, entity_key),
                pack(view, Packed(instant(event_at), instant(created_at or event_at), 0, row(view, features))),
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
        view = stored(table)
        found = self._get(config, view.name, [key(view, entity_key) for entity_key in entity_keys])
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
