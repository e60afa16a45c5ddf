"""E-mail addresses in one form."""

from __future__ import annotations

import re

from serving.identity.namespace import IdentityError

_ADDRESS = re.compile(r"[^@\s<>\",;]+@[^@\s<>\",;]+")


def normal_email(text: str) -> str:
    """The address without surrounding blanks, in lower case (the local part too, as every large provider reads it).

    >>> normal_email(" Ann.Lee@Example.ORG ")
    'ann.lee@example.org'

    Raises:
        IdentityError: Not one address. The message does not repeat it: errors end up in logs.
    """
    address = text.strip().lower()
    if _ADDRESS.fullmatch(address) is None:
        raise IdentityError("that is no e-mail address: send one address such as name@example.org, without a name")
    return address
