"""What a folder's table of customers says beyond the contract: usable where the folder itself is judged.

The service knows the contract's columns alone. Numbers and flags are taken as they are, words that are common become a
column each; what differs for everybody is a name and is left out.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import CUSTOMERS
from training.policy_value.context import Context
from training.value.trial import Floats

MOST_WORDS = 12
_READERS = {".parquet": "read_parquet", ".csv": "read_csv_auto", ".ndjson": "read_json_auto"}


def own_columns(folder: Path | None, asked: pa.Table) -> Context:
    """The columns for the customers asked, in their order; none where there is no folder."""
    files = [folder / f"customers{suffix}" for suffix in _READERS] if folder else []
    file = next((each for each in files if each.is_file()), None)
    if file is None:
        return Context((), np.zeros((len(asked), 0), dtype=np.float32))
    known = {column.name for column in CUSTOMERS.columns}
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("asked", asked)
        con.execute(
            f"CREATE TABLE own AS SELECT * FROM {_READERS[file.suffix]}(?) "
            "QUALIFY row_number() OVER (PARTITION BY trim(customer_id::VARCHAR)) = 1",
            [str(file)],
        )
        extra = [str(row[0]) for row in con.execute("DESCRIBE own").fetchall() if row[0] not in known]
        if not extra:
            return Context((), np.zeros((len(asked), 0), dtype=np.float32))
        listed = ", ".join(f'o."{name}"' for name in extra)
        rows = con.sql(
            f"SELECT {listed} FROM (SELECT *, row_number() OVER () AS nr FROM asked) AS a "
            "LEFT JOIN own AS o ON trim(o.customer_id::VARCHAR) = a.customer_id ORDER BY a.nr"
        ).to_arrow_table()
    columns: dict[str, Floats] = {}
    for name in extra:
        columns |= _numbers(name, rows[name])
    X = np.column_stack(list(columns.values())) if columns else np.zeros((len(asked), 0))
    return Context(tuple(columns), X.astype(np.float32))


def _numbers(name: str, column: pa.ChunkedArray) -> dict[str, Floats]:
    kind = column.type
    if (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    ):
        return {name: pc.fill_null(column.cast(pa.float64()), np.nan).to_numpy()}
    if not pa.types.is_string(kind):
        return {}
    counts = sorted(column.value_counts().to_pylist(), key=lambda c: (-c["counts"], str(c["values"])))
    words = [c["values"] for c in counts if c["values"] is not None and c["counts"] > 1][:MOST_WORDS]
    if len(counts) > 0.5 * len(column):
        return {}
    return {
        f"{name}: {word}": pc.fill_null(pc.equal(column, word), False).to_numpy().astype(np.float64) for word in words
    }
