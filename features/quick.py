"""Frozen values that are made by the dozen in every decision.

To mypy they are frozen dataclasses, and ``dataclasses.fields`` and ``replace`` know them as such. At run time msgspec
makes them, without a step of Python's own: several times as fast.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from dataclasses import dataclass as quick
else:

    def quick(*, frozen: bool, eq: bool = True, slots: bool = False) -> Any:
        """As ``dataclasses.dataclass``; every field is told when a value is made."""

        def made(plain: type) -> type:
            own = {name: value for name, value in vars(plain).items() if name not in ("__dict__", "__weakref__")}
            told = dataclasses.dataclass(unsafe_hash=frozen and eq, eq=eq, slots=slots)(plain)
            fields = dataclasses.fields(told)
            if not all(field.compare and field.repr for field in fields):
                return told  # msgspec knows no field that does not count
            own |= {field.name: _default(field) for field in fields if field.name in own}
            kept = {"frozen": frozen, "eq": eq, "dict": not slots, "weakref": not slots}
            found = type(msgspec.Struct)(plain.__name__, (msgspec.Struct,), own, **kept)
            found.__dataclass_fields__ = told.__dataclass_fields__
            return found

        return made

    def _default(field: dataclasses.Field[Any]) -> Any:
        """As msgspec has it."""
        made = field.default_factory
        return field.default if made is dataclasses.MISSING else msgspec.field(default_factory=made)


__all__ = ["quick"]
