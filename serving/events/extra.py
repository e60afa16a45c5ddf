"""Fields that Kairos does not know: kept, within limits, and without addresses or numbers of people in the clear."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from serving.events.arrival import RefusedError
from serving.identity.email import normal_email
from serving.identity.identity import hashed
from serving.identity.namespace import IdentityError
from serving.identity.phone import normal_phone

MOST_DEPTH = 8
MOST_BYTES = 16_384
_EMAIL_NAMES = frozenset({"email", "e_mail", "mail", "emailaddress", "email_address", "recipient"})
_PHONE_NAMES = frozenset({"phone", "phone_e164", "tel", "telephone", "mobile", "phonenumber", "phone_number", "msisdn"})
_ADDRESS = re.compile(r"[^@\s<>\",;:]+@[^@\s<>\",;]+\.[^@\s<>\",;]+")


def kept(fields: Mapping[str, object], raw: bool = False) -> dict[str, object]:
    """The fields as they are kept.

    Args:
        fields: What is left of an item after the known fields are taken.
        raw: True keeps e-mail addresses and telephone numbers; otherwise they are hashed, wherever they stand.

    Raises:
        RefusedError: Nested deeper than 8 levels, longer than 16 KiB, or holding a number that JSON does not have.
    """
    _check_depth(fields)
    result = dict(fields) if raw else {name: _hidden(name, value) for name, value in fields.items()}
    try:
        length = len(json.dumps(result, allow_nan=False, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        raise RefusedError("wrong_text", "a field holds half a character: send whole ones") from None
    except ValueError:
        raise RefusedError("not_a_number", "a field is NaN or infinite: JSON has no such number") from None
    if length > MOST_BYTES:
        raise RefusedError("too_large", f"the item's own fields take {length} bytes: at most {MOST_BYTES} are kept")
    if "\\u0000" in json.dumps(result):
        raise RefusedError("wrong_text", "a field holds the character NUL: leave it out")
    return result


def _check_depth(fields: Mapping[str, object]) -> None:
    layer: list[object] = [fields]
    for _ in range(MOST_DEPTH + 1):
        layer = [inner for value in layer for inner in _inside(value)]
        if not layer:
            return
    raise RefusedError("too_deep", f"the item is nested deeper than {MOST_DEPTH} levels")


def _inside(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _hidden(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return {inner: _hidden(inner, each) for inner, each in value.items()}
    if isinstance(value, list):
        return [_hidden(name, each) for each in value]
    plain = name.lower().replace("-", "_")
    if plain in _PHONE_NAMES and isinstance(value, str | int):
        return _hashed_phone(str(value))
    if isinstance(value, str) and (plain in _EMAIL_NAMES or "@" in value):
        return _hashed_email(value)
    return value


def _hashed_phone(value: str) -> str:
    try:
        return "sha256:" + hashed(normal_phone(value))
    except IdentityError:
        return "sha256:" + hashed(value)


def _hashed_email(value: str) -> str:
    try:
        return "sha256:" + hashed(normal_email(value))
    except IdentityError:
        return _ADDRESS.sub(lambda found: "sha256:" + hashed(found[0].lower()), value)
