"""The DuckDB that batch work runs on."""

from __future__ import annotations

import warnings

import ibis
from ibis.backends.duckdb import Backend


def connect(threads: int) -> Backend:
    """A DuckDB in memory whose session lives in UTC: instants compared as local time would be compared as UTC."""
    # Ibis still calls a method that this DuckDB renamed; nobody here can do anything about it.
    warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)
    con = ibis.duckdb.connect(threads=threads)
    con.raw_sql("SET TimeZone = 'UTC'")
    return con
