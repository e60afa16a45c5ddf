"""Entity tags: whoever changes something says which version was seen (RFC 9110, section 13)."""

from __future__ import annotations

from serving.problem import RefusalError

ANY = "*"


def etag(fingerprint: str) -> str:
    """The strong tag of a version."""
    return f'"{fingerprint}"'


def check_match(if_match: str | None, if_none_match: str | None, current: str | None) -> None:
    """Check that a change is meant for the version in force; ``current`` is its fingerprint, None where there is none.

    Raises:
        RefusalError: 428 where the caller names no version, 412 where it is another one.
    """
    if if_none_match is not None and if_none_match.strip() == ANY:
        if current is not None:
            raise RefusalError(412, "exists", "There is one already: read it, and send its ETag as If-Match.")
        return
    if if_match is None:
        detail = "Say which version this changes: send the ETag that reading it gave as If-Match"
        raise RefusalError(428, "if_match_missing", f"{detail}, or If-None-Match: * for a new one.")
    named = {tag.strip() for tag in if_match.split(",")}
    if current is None:
        raise RefusalError(412, "not_there", "There is none to change: send If-None-Match: * to make a new one.")
    if ANY not in named and etag(current) not in named:
        detail = f"It has changed since you read it and is now {etag(current)}: read it again."
        raise RefusalError(412, "changed_meanwhile", detail)
