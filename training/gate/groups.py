"""Protected attributes of customers, as far as they were told: what fairness is judged by, and models may not need."""

from __future__ import annotations

from pathlib import Path

import duckdb

AGES = ((30.0, "under 30"), (60.0, "30 to 59"))
OLDEST = "60 and over"


def groups(contract: Path) -> dict[str, dict[str, str]]:
    """The group of every customer who told it, by attribute; empty where there is no table of customers."""
    file = contract / "customers.parquet"
    if not file.exists():
        return {}
    rows = duckdb.sql(f"SELECT customer_id, gender, age_years FROM '{file}'").fetchall()
    return {
        "gender": {customer: gender for customer, gender, _ in rows if gender is not None},
        "age": {customer: _age(float(age)) for customer, _, age in rows if age is not None},
    }


def _age(years: float) -> str:
    return next((name for below, name in AGES if years < below), OLDEST)
