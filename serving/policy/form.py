"""The JSON form of documents: frozen values from JSON with every flaw found at once, and back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from features.domain import MAX_ID_LENGTH, Instant
from features.errors import InstantError
from features.instant import format_instant, parse_instant
from serving.policy.bounds import ANY, MOST_DIGITS, Bounds, bounds_of
from serving.policy.flaw import Flaw, Path

MISSING = dataclasses.MISSING
_WORDS: dict[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


@cache
def fields_of(owner: type) -> dict[str, Any]:
    """The fields of a document's class that stand in its JSON, with their types."""
    hints = get_type_hints(owner)
    named = (field for field in dataclasses.fields(owner) if field.metadata.get("written", True))
    return {field.name: hints[field.name] for field in named}


def required_of(owner: type) -> list[str]:
    """Those of its fields that have no default."""
    return [
        field.name
        for field in dataclasses.fields(owner)
        if field.default is MISSING and field.default_factory is MISSING
    ]


def read(owner: type, raw: object) -> tuple[Any, list[Flaw]]:
    """The value that a JSON object stands for, None where anything is wrong, with all that is."""
    reader = _Reader([])
    value = reader.value(owner, raw, (), ANY)
    return (None if reader.flaws else value), reader.flaws


@dataclasses.dataclass(slots=True)
class _Reader:
    """Reads one document and collects its flaws; what it returns beside a flaw means nothing."""

    flaws: list[Flaw]

    def flaw(self, path: Path, sentence: str) -> None:
        self.flaws.append(Flaw.at(path, sentence))

    def value(self, hint: Any, raw: object, path: Path, bounds: Bounds) -> Any:
        origin = get_origin(hint)
        if origin in (Union, UnionType):
            (inner,) = (each for each in get_args(hint) if each is not NoneType)
            return None if raw is None else self.value(inner, raw, path, bounds)
        if origin is tuple:
            return self._list(get_args(hint)[0], raw, path, bounds)
        if origin is not None and issubclass(origin, Mapping):
            return self._map(get_args(hint)[1], raw, path, bounds)
        if isinstance(hint, NewType):
            return self._instant(raw, path) if hint is Instant else self._identifier(raw, path)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self._object(hint, raw, path)
        return self._word(hint, raw, path) if issubclass(hint, StrEnum) else self._plain(hint, raw, path, bounds)

    def _object(self, owner: type, raw: object, path: Path) -> Any:
        if not isinstance(raw, dict):
            return self.flaw(path, f"{_shown(raw)} must be an object")
        known = fields_of(owner)
        for name in raw.keys() - known.keys():
            self.flaw((*path, name), _unknown(name, list(known)))
        for name in required_of(owner):
            if name not in raw:
                self.flaw((*path, name), "is missing: it has no default")
        found = {
            name: self.value(hint, raw[name], (*path, name), bounds_of(owner, name))
            for name, hint in known.items()
            if name in raw
        }
        return None if self.flaws else owner(**found)

    def _list(self, hint: Any, raw: object, path: Path, bounds: Bounds) -> Any:
        if not isinstance(raw, list):
            return self.flaw(path, f"{_shown(raw)} must be a list")
        return tuple(self.value(hint, each, (*path, place), bounds) for place, each in enumerate(raw))

    def _map(self, hint: Any, raw: object, path: Path, bounds: Bounds) -> Any:
        if not isinstance(raw, dict):
            return self.flaw(path, f"{_shown(raw)} must be an object")
        return {name: self.value(hint, each, (*path, name), bounds) for name, each in raw.items()}

    def _instant(self, raw: object, path: Path) -> Any:
        try:
            return parse_instant(raw if isinstance(raw, str) else _shown(raw))
        except InstantError as error:
            return self.flaw(path, str(error))

    def _identifier(self, raw: object, path: Path) -> Any:
        if not isinstance(raw, str) or not 0 < len(raw) <= MAX_ID_LENGTH:
            return self.flaw(path, f"{_shown(raw)} must be a text of 1 to {MAX_ID_LENGTH} characters")
        return raw

    def _word(self, hint: type[StrEnum], raw: object, path: Path) -> Any:
        words = list(hint)
        if not isinstance(raw, str) or raw not in words:
            return self.flaw(path, f"{_shown(raw)} must be one of {', '.join(words)}{_close(raw, words)}")
        return hint(raw)

    def _plain(self, hint: type, raw: object, path: Path, bounds: Bounds) -> Any:
        if hint is float and type(raw) is int and abs(raw) <= MOST_DIGITS:
            raw = float(raw)
        if hint is int and type(raw) is float and raw.is_integer():
            raw = int(raw)
        if type(raw) is not hint:
            return self.flaw(path, f"{_shown(raw)} must be {_WORDS[hint]}")
        if isinstance(raw, (int, float)) and hint is not bool:
            if not math.isfinite(raw) or abs(raw) > MOST_DIGITS:
                return self.flaw(path, f"{raw} must be a number up to {MOST_DIGITS}")
            if not bounds.holds(raw):
                return self.flaw(path, f"{raw:g} must be {bounds}")
        return raw


def write(value: object, hint: Any = None) -> Any:
    """The JSON form of a value, every field named; ``read`` reads it back unchanged."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, tuple):
        return [write(each) for each in value]
    if isinstance(value, Mapping):
        return {name: write(each) for name, each in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: write(getattr(value, name), each) for name, each in fields_of(type(value)).items()}
    return format_instant(Instant(value)) if isinstance(value, int) and _is_instant(hint) else value


def _is_instant(hint: Any) -> bool:
    return hint is Instant or Instant in get_args(hint)


def _shown(raw: object) -> str:
    text = {True: "true", False: "false", None: "null"}.get(raw) if isinstance(raw, bool | NoneType) else repr(raw)
    shown = text or repr(raw)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"


def _unknown(name: str, known: list[str]) -> str:
    return f"there is no such field{_close(name, known) or ': it may have ' + ', '.join(known)}"


def _close(raw: object, words: list[Any]) -> str:
    close = get_close_matches(str(raw), [str(word) for word in words], n=1)
    return f": did you mean {close[0]!r}?" if close else ""
