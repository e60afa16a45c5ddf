"""The live log as raw tables of the contract, so that what the service has learnt can be trained on.

Profiles are those of the source that the journal belongs to; so are offers and channels, with those made by hand beside
them. Decisions are the source's own up to where its history ends, then those of the service.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing

import duckdb
import pyarrow as pa

from features.column import SQL_TYPES, Table
from features.contract import DECISIONS, EVENTS
from features.domain import CustomerId
from features.errors import ContractError
from features.importers.source import Source
from serving.batch_files import written_of
from serving.identity.namespace import KAIROS
from serving.journal.bulk import HISTORY
from serving.journal.export import Decided, export_decisions, export_events, export_names, numbers
from serving.journal.history import history_of
from serving.settings import Settings
from training.history import open_journal
from training.own_offers import add_own

_EVENTS = pa.schema(
    [
        (
            name,
            {"quantity": pa.float64()}.get(
                name, pa.int64() if name.endswith(("_us", "_min", "_minor")) else pa.string()
            ),
        )
        for name in HISTORY
    ]
)
_DECISIONS = pa.schema(
    [
        ("decision_id", pa.string()),
        ("customer_id", pa.string()),
        ("kind", pa.string()),
        ("decided_us", pa.int64()),
        ("offer_id", pa.string()),
        ("channel", pa.string()),
        ("probability", pa.float64()),
    ]
)
_LIMITS = ("Offers were chosen by the service itself: probabilities stand where they were logged, and nowhere else.",)


def load_journal(con: duckdb.DuckDBPyConnection, settings: Settings) -> Source:
    """Fill ``raw_*`` from the journal.

    Raises:
        ContractError: The source of the journal has not been imported.
        JournalUnavailableError: The journal cannot be read.
    """
    contract = settings.origin_dir / "contract"
    manifest = contract / "manifest.json"
    if not manifest.exists():
        raise ContractError(
            f"{manifest} is missing: run `make data SOURCE={settings.origin}` first, or say with KAIROS_JOURNAL_OF "
            "whose journal is meant"
        )
    for name in ("offers", "channels"):
        con.execute(f"CREATE TABLE raw_{name} AS SELECT * FROM read_parquet(?)", [str(contract / f"{name}.parquet")])
    with closing(open_journal(settings)) as journal, journal.reading() as connection:
        add_own(con, connection)
        history = history_of(connection)
        names = export_names(connection)
        owners = numbers(names)
        _names(con, names, owners, str(contract / "customers.parquet"))
        _create(con, EVENTS)
        for rows in export_events(connection):
            _insert(con, "events", pa.table([*map(pa.array, zip(*rows, strict=True))], schema=_EVENTS))
        _create(con, DECISIONS)
        if history is not None:
            _decisions_before(con, str(contract / "decisions.parquet"), history.until)
        made = [row for decided in export_decisions(connection, owners) for row in _rows(decided)]
        if made:
            _insert(con, "decisions", pa.table([*map(list, zip(*made, strict=True))], schema=_DECISIONS))
    told = json.loads(manifest.read_text())
    return Source(written_of(settings), tuple(told["assumptions"]), (*told["limits"], *_LIMITS))


def _names(
    con: duckdb.DuckDBPyConnection,
    names: list[tuple[CustomerId, str, str]],
    owners: dict[str, CustomerId],
    customers: str,
) -> None:
    """Tables of customers and identities, and ``owner``: who is meant now by what a customer was called."""
    own, namespaces, values = (list(column) for column in zip(*names, strict=True)) if names else ([], [], [])
    con.register("named", pa.table({"customer_id": own, "namespace": namespaces, "value": values}))
    con.register("owner", pa.table({"was": list(owners), "customer_id": list(owners.values())}))
    con.execute(f"CREATE TABLE raw_identities AS SELECT * FROM named WHERE namespace <> '{KAIROS}'")
    con.execute(
        "CREATE TABLE raw_customers AS SELECT * FROM (SELECT DISTINCT customer_id FROM named) "
        "LEFT JOIN read_parquet(?) USING (customer_id)",
        [customers],
    )


def _create(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    con.execute(f"CREATE TABLE raw_{table.name} ({', '.join(f'{c.name} {SQL_TYPES[c.type]}' for c in table.columns)})")


def _insert(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Columns ``*_us`` are microseconds, and instants in the table."""
    con.register("fresh", rows)
    columns = [
        f"make_timestamptz({column}) AS {column.removesuffix('_us')}_at" if column.endswith("_us") else column
        for column in rows.column_names
    ]
    con.execute(f"INSERT INTO raw_{name} BY NAME SELECT {', '.join(columns)} FROM fresh")
    con.unregister("fresh")


def _decisions_before(con: duckdb.DuckDBPyConnection, file: str, until: int) -> None:
    """Later decisions were not made yet when the service began."""
    con.execute(
        "INSERT INTO raw_decisions BY NAME SELECT d.* REPLACE (owner.customer_id AS customer_id) "
        f"FROM read_parquet(?) AS d JOIN owner ON owner.was = d.customer_id WHERE epoch_us(decided_at) <= {until}",
        [file],
    )


def _rows(decided: Decided) -> Iterator[tuple[object, ...]]:
    """A row per offer that was made, or one where nothing was; the first has the decision's own id."""
    answer = json.loads(decided.answer)
    if answer["kind"] is None:
        return  # there was nothing to choose from
    made = [(item["offer_id"], item["channel"], item.get("probability")) for item in answer["items"]]
    for place, (offer_id, channel, probability) in enumerate(made or [(None, None, answer.get("probability"))]):
        own = decided.decision_id if place == 0 else f"{decided.decision_id}#{place + 1}"
        yield own, decided.customer_id, answer["kind"], int(decided.at), offer_id, channel, probability
