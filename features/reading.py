"""How a raw value is read as what its column holds, in SQL."""

from __future__ import annotations

from features.column import SQL_TYPES, Column, ColumnType

_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}


def reading(column: Column, raw_type: str) -> str:
    """SQL that reads the raw value as the column's type, NULL where it cannot be."""
    raw, sql_type = f'"{column.name}"', SQL_TYPES[column.type]
    text = f"trim({raw}::VARCHAR)"
    if column.type is ColumnType.TEXT:
        read = f"nullif({text}, '')"
        return f"lower({read})" if column.name == "namespace" else read
    if column.type is ColumnType.LIST:
        if raw_type.endswith("[]"):
            return f"{raw}::VARCHAR[]"
        split = f"list_transform(string_split({text}, '|'), lambda each: trim(each))"
        json = f"""TRY_CAST(json_transform(TRY_CAST({text} AS JSON), '["VARCHAR"]') AS VARCHAR[])"""
        return f"CASE WHEN {text} = '' THEN NULL WHEN starts_with({text}, '[') THEN {json} ELSE {split} END"
    if column.type is ColumnType.INSTANT:
        return f"CASE WHEN isfinite(TRY_CAST({raw} AS {sql_type})) THEN TRY_CAST({raw} AS {sql_type}) END"
    if column.type is ColumnType.REAL:
        return f"CASE WHEN isfinite(TRY_CAST({raw} AS DOUBLE)) THEN TRY_CAST({raw} AS DOUBLE) END"
    if column.type in (ColumnType.INTEGER, ColumnType.SHORT) and raw_type not in _WHOLE:
        # A plain cast would round 12.5 to a whole number of minor units.
        whole = f"TRY_CAST({raw} AS DOUBLE) = floor(TRY_CAST({raw} AS DOUBLE))"
        return f"CASE WHEN {whole} THEN TRY_CAST(TRY_CAST({raw} AS DOUBLE) AS {sql_type}) END"
    return f"TRY_CAST({raw} AS {sql_type})"
