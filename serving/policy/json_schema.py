"""The JSON Schema (draft 2020-12) of documents, from the very classes that read them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from itertools import pairwise
from textwrap import dedent
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin

from features.domain import MAX_ID_LENGTH, Instant
from serving.policy.bounds import MOST_DIGITS, Bounds, bounds_of
from serving.policy.form import MISSING, fields_of, required_of, write

Schema = dict[str, Any]
_TYPES: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


def json_schema(owner: type) -> Schema:
    """The schema of a document of this class."""
    parts: dict[str, Schema] = {}
    whole = _object(owner, parts)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": owner.__name__, **whole, "$defs": parts}


def _object(owner: type, parts: dict[str, Schema]) -> Schema:
    told = _sentences(owner)
    defaults = {field.name: field.default for field in dataclasses.fields(owner) if field.default is not MISSING}
    properties = {}
    for name, hint in fields_of(owner).items():
        found = _value(hint, bounds_of(owner, name), parts)
        about = {"description": told[name]} if name in told else {}
        default = {"default": write(defaults[name], hint)} if defaults.get(name) is not None else {}
        properties[name] = {**found, **about, **default}
    needed = required_of(owner)
    return {
        "type": "object",
        "description": inspect.getdoc(owner) or "",
        "properties": properties,
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def _value(hint: Any, bounds: Bounds, parts: dict[str, Schema]) -> Schema:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        (inner,) = (each for each in get_args(hint) if each is not NoneType)
        return {"anyOf": [_value(inner, bounds, parts), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _value(get_args(hint)[0], bounds, parts)}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _value(get_args(hint)[1], bounds, parts)}
    if hint is Instant:
        return {"type": "string", "format": "date-time"}
    if isinstance(hint, NewType):
        return {"type": "string", "minLength": 1, "maxLength": MAX_ID_LENGTH}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in parts:
            parts[hint.__name__] = {}
            parts[hint.__name__] = _object(hint, parts)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if issubclass(hint, StrEnum):
        return {"type": "string", "enum": [str(word) for word in hint]}
    return {"type": _TYPES[hint], **(_numbers(bounds) if hint in (int, float) else {})}


def _numbers(bounds: Bounds) -> Schema:
    least = {"minimum": -MOST_DIGITS if bounds.least is None else bounds.least} if bounds.above is None else {}
    above = {} if bounds.above is None else {"exclusiveMinimum": bounds.above}
    return {**least, **above, "maximum": MOST_DIGITS if bounds.most is None else bounds.most}


@cache
def _sentences(owner: type) -> dict[str, str]:
    """The docstrings that stand below the fields of a class."""
    body = ast.parse(dedent(inspect.getsource(owner))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, told in pairwise(body.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(told, ast.Expr):
            constant = told.value
            if isinstance(constant, ast.Constant) and isinstance(constant.value, str):
                found[field.target.id] = inspect.cleandoc(constant.value)
    return found
