"""What answers are made of: values that are built and written in a few microseconds, and that describe themselves.

What goes out is not checked while it is built; tests hold every answer against its description.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Rfc3339 = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Minor = Annotated[float, Meta(description="minor units of `currency`")]
Probability = Annotated[float, Meta(ge=0, le=1)]
PLACE = "#/components/schemas/{name}"
"""Where OpenAPI keeps descriptions."""


class Wire(Struct, forbid_unknown_fields=True, gc=False):
    """What stands in an answer."""


written: Callable[[object], bytes] = msgspec.json.Encoder().encode
"""The value as JSON; a number that is none is null."""


def described(shape: Any) -> dict[str, Any]:
    """The JSON schema of a shape, by reference to ``descriptions``."""
    return dict(_described(shape))


@cache
def _described(shape: Any) -> dict[str, Any]:
    (found,), _ = msgspec.json.schema_components([shape], ref_template=PLACE)
    return found


def descriptions(shapes: Sequence[Any]) -> dict[str, Any]:
    """The JSON schemas of some shapes and all that they are made of, by name."""
    return msgspec.json.schema_components(shapes, ref_template=PLACE)[1]
