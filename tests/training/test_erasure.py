"""Erasure down to the bytes: journal, values, batch files; what is searched for is found before."""

import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, inspect, text

from features.domain import CustomerId
from features.instant import format_instant
from serving.app import create_app
from serving.batch_files import BatchFiles, FilesLeftError
from serving.identity.identity import Identity, identity
from serving.journal.erasure import Known
from serving.settings import Settings
from training.erasure import Erased, erase_files
from training.materialise import materialise
from training.offered import build_catalogue


def rename(contract: Path, was: str, secret: dict[str, str]) -> None:
    """Give a customer of the small world names that nothing else holds."""
    for file in contract.glob("*.parquet"):
        table = pq.read_table(file)
        if "customer_id" not in table.column_names:
            continue
        hers = pc.equal(table["customer_id"], was)
        swapped = {"customer_id": "customer", "value": "card"}
        if file.stem in ("events", "decisions"):
            swapped["event_id" if file.stem == "events" else "decision_id"] = file.stem
        for column, name in swapped.items():
            if column in table.column_names:
                other: object = secret[name]
                if name in ("events", "decisions"):
                    other = pc.binary_join_element_wise(secret[name], table[column], "-")
                place = table.column_names.index(column)
                table = table.set_column(place, column, pc.if_else(hers, other, table[column]))
        pq.write_table(table, file, compression="zstd")
    row = {"customer_id": secret["customer"], "event_id": secret["broken"], "occurred_at": None}
    line = {"table": "events", "rule": "missing_occurred_at", "column": "occurred_at", "value": None, "row": row}
    (contract / "quarantine.ndjson").write_text(json.dumps(line) + "\n")


@pytest.fixture
def secret() -> dict[str, str]:
    names = ("customer", "card", "events", "decisions", "broken", "cookie", "live", "alone")
    return {name: secrets.token_hex(12) for name in names}


@pytest.fixture
def world(small_world: Settings, tmp_path: Path, secret: dict[str, str]) -> Settings:
    settings = replace(small_world, data_dir=tmp_path / "data")
    shutil.copytree(small_world.contract_dir, settings.contract_dir)
    rename(settings.contract_dir, "c001", secret)
    return settings


def search(folder: Path, words: dict[str, str], tables: str | None = None) -> set[str]:
    """Which of the words stand anywhere: in the bytes of a file, in decoded Parquet, in a table of a database."""
    texts = []
    for file in folder.rglob("*"):
        if file.is_file():
            texts.append(file.read_bytes())
        if file.suffix == ".parquet":
            texts.append(repr(pq.read_table(file).to_pylist()).encode())
    if tables is not None:
        engine = create_engine(tables.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection:
            for table in inspect(connection).get_table_names():
                texts += [repr(row).encode() for row in connection.execute(text(f'SELECT * FROM "{table}"'))]
        engine.dispose()
    return {name for name, word in words.items() if any(word.encode() in each for each in texts)}


def test_every_row_of_the_erased_leaves_the_files_and_no_other(world: Settings, secret: dict[str, str]) -> None:
    files = {name: world.contract_dir / f"{name}.parquet" for name in ("customers", "identities", "events")}
    before = {name: pq.read_table(file) for name, file in files.items()}
    erased = Erased(frozenset({CustomerId(secret["customer"])}), frozenset({identity("crm", "c005")}))
    assert erase_files(world.source_dir, erased) > 3
    for name, file in files.items():
        others = pc.not_equal(before[name]["customer_id"], secret["customer"])
        expected = before[name].filter(others)
        if name == "identities":
            expected = expected.filter(pc.not_equal(expected["value"], "c005"))
        assert pq.read_table(file).equals(expected)
    assert search(world.data_dir, secret) == set()
    assert erase_files(world.source_dir, erased) == 0


def test_a_raw_address_in_the_files_is_found_by_its_digest(world: Settings) -> None:
    file = world.contract_dir / "identities.parquet"
    table = pq.read_table(file)
    row = table.slice(0, 1).to_pylist()[0] | {"namespace": "email", "value": "Ann@Example.org"}
    pq.write_table(pq.read_table(file).from_pylist([*table.to_pylist(), row], schema=table.schema), file)
    hashed = identity("email", "ann@example.org")
    assert (
        erase_files(world.source_dir, Erased(frozenset(), frozenset({Identity(hashed.namespace, hashed.value)}))) == 1
    )
    assert "Ann@Example.org" not in repr(pq.read_table(file).to_pylist())


@pytest.mark.slow
def test_copies_of_what_was_predicted_are_reached_too_and_those_of_other_sources_are_not(
    world: Settings, secret: dict[str, str]
) -> None:
    rows = pa.table({"customer_id": [secret["customer"], "c002"], "p": [0.1, 0.2]})
    for source in ("files", "starbucks"):
        folder = world.mlflow_artifacts_dir / source / "artifacts"
        folder.mkdir(parents=True)
        (folder / "bundle.json").write_text(json.dumps({"source": source}))
        pq.write_table(rows, folder / "predictions.parquet")
    BatchFiles(world).forget(Known(frozenset({CustomerId(secret["customer"])}), frozenset()))
    left = {file.parent.parent.name: pq.read_table(file) for file in world.mlflow_artifacts_dir.rglob("*.parquet")}
    assert {source: table.num_rows for source, table in left.items()} == {"files": 1, "starbucks": 2}
    assert search(world.source_dir, secret) == set()


@pytest.mark.slow
def test_files_that_cannot_be_rewritten_are_told_of(world: Settings) -> None:
    (world.contract_dir / "events.parquet").write_bytes(b"no table")
    with pytest.raises(FilesLeftError, match="could not be rewritten"):
        BatchFiles(world).forget(Known(frozenset({CustomerId("c002")}), frozenset()))


@pytest.fixture
def served(world: Settings, request: pytest.FixtureRequest) -> Iterator[Callable[[str], tuple[TestClient, str | None]]]:
    """The world after ``make features``, served on a journal of either kind."""
    running = []

    def on(database: str) -> tuple[TestClient, str | None]:
        uri = request.getfixturevalue("postgres_uri") if database == "postgresql" else None
        settings = replace(world, journal=uri)
        materialise(settings, progress=False)
        running.append(TestClient(create_app(settings)))
        return running[-1].__enter__(), uri

    yield on
    for client in running:
        client.__exit__(None, None, None)


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_after_erasure_nothing_is_found_anywhere_that_was_found_before(
    world: Settings, secret: dict[str, str], database: str, served: Callable[[str], tuple[TestClient, str | None]]
) -> None:
    client, uri = served(database)
    at = format_instant(build_catalogue(world).now)
    names = [
        {"namespace": "customer_id", "value": secret["customer"]},
        {"namespace": "cookie", "value": secret["cookie"]},
    ]
    live = {"source": "test", "kind": "visited", "channel": "app", "occurred_at": at}
    told = [live | {"event_id": secret["live"], "identities": names}, live | {"event_id": "bob", "customer_id": "c002"}]
    assert client.post("/v1/events", json=told).json()["accepted"] == 2
    decided = client.post("/v1/decisions", json={"customer_id": secret["customer"], "kind": "reward"}).json()
    words = {name: word for name, word in secret.items() if name != "alone"} | {"decision": decided["decision_id"]}
    assert search(world.data_dir, words, uri) == set(words)
    answer = client.delete(f"/v1/customers/{secret['customer']}")
    assert answer.status_code == 200, answer.text
    assert search(world.data_dir, words, uri) == set()
    assert client.get("/v1/customers/c002").status_code == 200
    assert client.get(f"/v1/customers/{secret['customer']}").status_code == 404
