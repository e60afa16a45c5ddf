"""Feast's answer to ``get_online_features``, made of whole packed values instead of a message for each of their parts.

Equal to what Feast itself makes of ``online_read``; what is asked for in an unusual way is left to Feast.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from feast import FeatureService, utils
from feast.infra.online_stores.online_store import OnlineStore
from feast.metrics import track_feature_statuses
from feast.online_response import OnlineResponse
from feast.protos.feast.serving.ServingService_pb2 import (
    FieldStatus,
    GetOnlineFeaturesResponse,
    GetOnlineFeaturesResponseMetadata,
)
from feast.value_type import ValueType

from features.codec import Raw, raw
from features.stored import VIEWS, Stored
from serving.feast_values import NULL, Fields, element, length, timestamp

Read = Callable[[Stored, list[str]], Sequence[bytes | None]]
_STORED = {view.name: view for view in VIEWS}
_UNKNOWN_SINCE = b"\x1a\x00"
"""An instant that is not known, as one of ``event_timestamps``."""
_PRESENT, _NOT_FOUND = bytes((FieldStatus.PRESENT,)), bytes((FieldStatus.NOT_FOUND,))
_MOST = 200
"""Ways of asking that are remembered."""


@dataclass(frozen=True)
class Asked:
    """What a list of features or a feature service means: it is the same from call to call."""

    views: tuple[tuple[Stored, Fields, tuple[int, ...]], ...]
    """Each view with its wanted fields, and where each of these stands among the answer's features of the view."""
    keys: frozenset[str]
    names: tuple[str, ...]
    """As the answer calls the features."""
    types: Mapping[str, ValueType]

    def ids(self, entity_rows: list[dict[str, Any]]) -> dict[str, list[str]] | None:
        """The ids asked for by join key; None where they are not the plain texts that one would expect."""
        found: dict[str, list[str]] = {key: [] for key in entity_rows[0]} if entity_rows else {}
        for row in entity_rows:
            for key, value in row.items():
                if type(value) is not str or key not in found:
                    return None
                found[key].append(value)
        as_expected = found.keys() == self.keys and all(len(each) == len(entity_rows) for each in found.values())
        return found if as_expected else None

    def answer(self, ids: Mapping[str, list[str]], read: Read) -> PackedAnswer:
        """The features of these ids, by join key; ``read`` gives the values of a view by their keys."""
        found = []
        for view, _, places in self.views:
            values = [None if value is None else raw(view, value) for value in read(view, ids[view.entity])]
            known = sum(value is not None for value in values) * len(places)
            track_feature_statuses(view.name, known, len(values) * len(places) - known)
            found.append(values)
        return PackedAnswer(self, ids, found)


class PackedAnswer(OnlineResponse):  # type: ignore[misc]
    """Feast's answer; the message that it stands for is made when somebody looks at it."""

    def __init__(self, asked: Asked, ids: Mapping[str, list[str]], found: Sequence[Sequence[Raw | None]]) -> None:
        self._asked = asked
        self._ids = ids
        self._found = found
        self._feature_types = asked.types

    @cached_property
    def proto(self) -> GetOnlineFeaturesResponse:
        """The message as Feast's server sends it."""
        metadata = GetOnlineFeaturesResponseMetadata()
        metadata.feature_names.val.extend([*self._ids, *self._asked.names])
        parts = [element(metadata.SerializeToString())]
        for texts in self._ids.values():
            known = [element(b"\x12" + length(len(text)) + text) for each in texts for text in (each.encode(),)]
            parts.append(_vector(known, _tail([_UNKNOWN_SINCE] * len(texts), _PRESENT * len(texts))))
        for (_, fields, places), values in zip(self._asked.views, self._found, strict=True):
            parts += _vectors(fields, places, values)
        response: GetOnlineFeaturesResponse = GetOnlineFeaturesResponse.FromString(b"".join(parts))
        return response

    def to_dict(self, include_event_timestamps: bool = False) -> dict[str, Any]:
        """See OnlineResponse."""
        if include_event_timestamps:
            return dict(super().to_dict(include_event_timestamps))
        said: list[list[Any]] = []
        for (_, fields, places), values in zip(self._asked.views, self._found, strict=True):
            rows = [None if value is None else fields.plain(value) for value in values]
            said += [[None if row is None else row[place] for row in rows] for place in places]
        return {**self._ids, **dict(zip(self._asked.names, said, strict=True))}


def _vectors(fields: Fields, places: tuple[int, ...], values: Sequence[Raw | None]) -> list[bytes]:
    """A ``FeatureVector`` for each wanted field, with the value of every row, as elements of ``results``."""
    rows = [[NULL] * len(places) if value is None else fields.encoded(value) for value in values]
    statuses = b"".join([_NOT_FOUND if value is None else _PRESENT for value in values])
    tail = _tail([_UNKNOWN_SINCE if value is None else timestamp(value) for value in values], statuses)
    return [_vector([row[place] for row in rows], tail) for place in places]


def _tail(instants: list[bytes], statuses: bytes) -> bytes:
    return b"\x12" + length(len(statuses)) + statuses + b"".join(instants)


def _vector(values: list[bytes], tail: bytes) -> bytes:
    said = b"".join(values)
    return b"\x12" + length(len(said) + len(tail)) + said + tail


_asked: dict[int, tuple[object, Asked | None]] = {}


def asked_of(registry: Any, project: str, features: list[str] | FeatureService, full_names: bool) -> Asked | None:
    """What is asked for; None where it is more than stored columns of our views."""
    if getattr(features, "precompute_online", False):
        return None
    context = utils._get_cached_request_context(registry, project, features, full_names)
    known = _asked.get(id(context))
    if known is None or known[0] is not context:
        if len(_asked) >= _MOST:
            _asked.clear()
        known = _asked[id(context)] = (context, _understood(context, full_names))
    return known[1]


def _understood(context: tuple[Any, ...], full_names: bool) -> Asked | None:
    _, on_demand, _, _, _, grouped, _, request_data, without_entity = context
    plain = all(
        table.name in _STORED
        and not table.projection.join_key_map
        and getattr(table.projection, "version_tag", None) is None
        for table, _ in grouped
    )
    if on_demand or request_data or without_entity or not grouped or not plain:
        return None
    views, names = [], []
    for table, wanted in grouped:
        fields = Fields.of(_STORED[table.name], tuple(wanted))
        if set(fields.names) != set(wanted):
            return None
        views.append((_STORED[table.name], fields, tuple(fields.names.index(name) for name in wanted)))
        called = table.projection.name_to_use()
        names += [f"{called}__{name}" if full_names else name for name in wanted]
    keys = frozenset(view.entity for view, _, _ in views)
    return Asked(tuple(views), keys, tuple(names), OnlineStore._build_feature_types(grouped))
