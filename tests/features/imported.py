"""Data that an importer has read, open for questions."""

from pathlib import Path

import duckdb

from features.contract import TABLES
from training.import_data import Import, import_data
from training.manifest import Manifest

COSTS = {"direct_mail": 50.0, "mailer": 2.0, "in_store_display": 1.0}


class Imported:
    """A finished folder with one view per table, and the raw tables beside it."""

    def __init__(self, request: Import, raw: Path) -> None:
        self.request = request
        self.manifest: Manifest = import_data(request)
        self.con = duckdb.connect(config={"threads": 2})
        self.con.execute("SET TimeZone = 'UTC'")
        self.folder = request.data_dir / request.source / "contract"
        for table in TABLES:
            self.con.execute(f"CREATE VIEW {table.name} AS SELECT * FROM '{self.folder / table.name}.parquet'")
        for path in raw.glob("*.parquet"):
            self.con.execute(f"CREATE VIEW raw_{path.stem} AS SELECT * FROM '{path}'")

    def one(self, sql: str) -> tuple:
        rows = self.rows(sql)
        assert len(rows) == 1
        return rows[0]

    def rows(self, sql: str) -> list[tuple]:
        return self.con.execute(sql).fetchall()
