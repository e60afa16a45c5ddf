"""How the service gets by when the online store fails it: the customer counts as unknown, and the answer says so."""

from __future__ import annotations

import struct

from features.codec import SchemaMismatchError
from serving.shortfall import Lack, Shortfall
from serving.store import StoreUnavailableError

UNREADABLE = (StoreUnavailableError, SchemaMismatchError, struct.error, ValueError, KeyError)
"""What a store raises that is not there, was written by another build, or holds broken values."""


def without_store(error: Exception) -> Shortfall:
    """The shortfall of an answer that had to do without the store."""
    lack = Lack.STORE_SCHEMA if isinstance(error, SchemaMismatchError) else Lack.STORE_UNAVAILABLE
    return Shortfall(lack, f"What is known of the customer could not be read, so nothing is assumed: {error}.")
