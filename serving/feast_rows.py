"""Rows as Feast hands them over to be written, as the packed store keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from feast import FeatureView
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value as ProtoValue

from features.domain import Instant
from features.errors import KairosError
from features.stored import VIEWS, Column, Shape, Stored, Value

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


def stored(table: FeatureView) -> Stored:
    """What is kept of a view. Raises WriteError for one that this store does not know."""
    if table.name not in _STORED:
        raise WriteError(f"no view is called {table.name!r}: the packed store holds {', '.join(_STORED)}")
    return _STORED[table.name]


def key(view: Stored, entity_key: EntityKey) -> str:
    """Whose values they are. Raises WriteError where the view is kept by something else."""
    names = list(entity_key.join_keys)
    if names != [view.entity]:
        raise WriteError(f"{view.name} is kept by {view.entity}, not by {', '.join(names) or 'nothing'}")
    return str(entity_key.entity_values[0].string_val)


def instant(moment: datetime) -> Instant:
    """Microseconds UTC; Feast means UTC where there is no zone."""
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Instant((known - _EPOCH) // _MICROSECOND)


def row(view: Stored, features: Mapping[str, ProtoValue]) -> dict[str, Value]:
    """Every feature of the view. Raises WriteError where one is missing, or is of another type."""
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
