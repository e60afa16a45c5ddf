"""Wrong data: every rule has a case, every message says what to do, and no row is lost."""

import csv
import json
import random
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from features.contract import TABLES, table
from features.errors import ContractError
from features.instant import parse_instant
from features.rules import rule_names, rules_of
from training.import_data import Import, import_data, main
from training.manifest import Manifest

NOW = parse_instant("2024-06-01T12:00:00Z")
DAY = "2024-05-01T10:00:00Z"

CUSTOMER = {"customer_id": "ann", "zone": "Europe/Vienna", "age_years": "40", "known_at": "2024-01-01T00:00:00Z"}
IDENTITY = {"customer_id": "ann", "namespace": "CRM", "value": "7"}
CHANNEL = {"channel": "email", "direction": "outbound"}
OFFER = {
    "offer_id": "coffee",
    "kind": "reward",
    "category": "drinks",
    "name": "Coffee",
    "channels": "email|store",
    "margin_minor": "300",
}
EVENT = {
    "source": "till",
    "event_id": "e1",
    "customer_id": "ann",
    "kind": "purchased",
    "channel": "store",
    "occurred_at": DAY,
    "value_minor": "450",
}
DECISION = {
    "decision_id": "d1",
    "customer_id": "ann",
    "kind": "reward",
    "decided_at": "2024-04-30T10:00:00Z",
    "offer_id": "coffee",
    "channel": "email",
    "probability": "0.5",
}
GOOD = {
    "customers": [CUSTOMER, CUSTOMER | {"customer_id": "bob"}],
    "identities": [IDENTITY],
    "channels": [CHANNEL, CHANNEL | {"channel": "store", "direction": "inbound"}],
    "offers": [OFFER],
    "events": [EVENT],
    "decisions": [DECISION],
}
KEYS = {
    "customers": "customer_id",
    "identities": "value",
    "channels": "channel",
    "offers": "offer_id",
    "events": "event_id",
    "decisions": "decision_id",
}


def write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def write_folder(folder: Path, **tables: list[dict[str, str]]) -> Path:
    """The good tables as CSV, those given in their place."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (GOOD | tables).items():
        write_csv(folder / f"{name}.csv", rows)
    return folder


def run(folder: Path, home: Path, max_share: float = 1.0) -> Manifest:
    request = Import("files", home, NOW, folder, 0.3, max_share, threads=1, progress=False)
    return import_data(request)


def rows_of(home: Path, name: str) -> list[dict[str, object]]:
    relation = duckdb.sql(f"SELECT * FROM '{home / 'files' / 'contract' / name}.parquet'")
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def quarantine(home: Path) -> list[dict[str, object]]:
    text = (home / "files" / "contract" / "quarantine.ndjson").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


WRONG_VALUES = {
    "missing": " ",
    "unreadable": "soon",
    "too_long": "x" * 129,
    "unknown": "nobody-knows",
    "negative": "-1",
    "too_small": "-2000",
    "too_large": "2000",
    "not_above": "0",
    "before_1990": "1970-01-01T00:00:00Z",
    "in_the_future": "2099-01-01T00:00:00Z",
}
SPECIAL = {
    "unreadable_channels": {"channels": "[email, store"},
    "validity_reversed": {"valid_from": "2024-05-02T00:00:00Z", "valid_to": "2024-05-01T00:00:00Z"},
    "channel_without_offer": {"offer_id": ""},
    "duplicate_customer": {"customer_id": "ann"},
    "duplicate_identity": {"value": "7"},
    "duplicate_channel": {"channel": "email"},
    "duplicate_offer": {"offer_id": "coffee"},
    "duplicate_event": {"event_id": "e1", "occurred_at": "2024-05-03T10:00:00Z"},
    "duplicate_decision": {"decision_id": "d1", "decided_at": "2024-05-03T10:00:00Z"},
}


def wrong_value(rule: str) -> str:
    return next(value for prefix, value in WRONG_VALUES.items() if rule.startswith(prefix))


def broken_row(name: str, rule: str, column: str, number: int) -> dict[str, str]:
    row = GOOD[name][0] | {KEYS[name]: f"{name}-{number}"}
    return row | SPECIAL.get(rule, {} if rule in SPECIAL else {column: wrong_value(rule)})


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[tuple[str, dict[str, str]]]]:
    """For every table, each of its rules with a row that breaks it and no rule before it."""
    cases: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for each in TABLES:
        columns = {rule.name: rule.column for rule in rules_of(each)}
        cases[each.name] = [
            (rule, broken_row(each.name, rule, columns.get(rule, each.key[-1]), number))
            for number, rule in enumerate(rule_names(each))
        ]
    return cases


def test_every_rule_sets_aside_the_row_that_breaks_it_and_says_where_and_why(tmp_path, corpus):
    tables = {name: GOOD[name] + [row for _, row in cases] for name, cases in corpus.items()}
    manifest = run(write_folder(tmp_path / "in", **tables), tmp_path / "out")
    for name, cases in corpus.items():
        assert manifest.quarantined[name] == {rule: 1 for rule, _ in cases}
        assert manifest.rows[name] == len(GOOD[name])
    found = {(item["table"], item["rule"]): item for item in quarantine(tmp_path / "out")}
    for name, cases in corpus.items():
        for rule, row in cases:
            item = found[name, rule]
            kept = {key: value for key, value in item["row"].items() if value is not None}
            assert kept == {key: value for key, value in row.items() if value != ""}
            assert item["value"] == (row.get(item["column"]) or None)


def test_good_rows_are_kept_whole_with_the_defaults_of_the_contract(tmp_path):
    run(write_folder(tmp_path / "in"), tmp_path / "out", max_share=0.0)
    (event,) = rows_of(tmp_path / "out", "events")
    assert event["received_at"] == event["occurred_at"]
    assert event["value_minor"] == 450
    assert event["discount_minor"] is None
    assert event["utc_offset_min"] == 120
    (offer,) = rows_of(tmp_path / "out", "offers")
    assert offer["channels"] == ["email", "store"]
    assert (offer["incentive_minor"], offer["window_days"], offer["response"]) == (0, 7.0, "purchase")
    (identity,) = rows_of(tmp_path / "out", "identities")
    assert identity["namespace"] == "crm"
    (decision,) = rows_of(tmp_path / "out", "decisions")
    assert (decision["weight"], decision["taken"]) == (1.0, None)


def test_files_have_every_column_of_the_contract_in_order_and_instants_in_utc(tmp_path):
    run(write_folder(tmp_path / "in"), tmp_path / "out")
    for each in TABLES:
        relation = duckdb.sql(f"SELECT * FROM '{tmp_path}/out/files/contract/{each.name}.parquet'")
        assert relation.columns == [column.name for column in each.columns]
    types = dict(
        duckdb.sql(
            f"SELECT name, logical_type FROM parquet_schema('{tmp_path}/out/files/contract/events.parquet')"
        ).fetchall()
    )
    assert "isAdjustedToUTC=1" in types["occurred_at"]
    assert "MICROS" in types["occurred_at"]


def test_the_offset_follows_the_zone_through_the_change_of_the_clocks(tmp_path):
    instants = {"2024-03-31T00:59:59Z": 60, "2024-03-31T01:00:00Z": 120}
    events = [EVENT | {"event_id": at, "occurred_at": at} for at in instants]
    run(write_folder(tmp_path / "in", events=events), tmp_path / "out")
    assert [row["utc_offset_min"] for row in rows_of(tmp_path / "out", "events")] == list(instants.values())


def test_an_event_without_a_category_has_that_of_its_offer(tmp_path):
    events = [EVENT | {"offer_id": "coffee"}, EVENT | {"event_id": "e2", "offer_id": "coffee", "category": "beans"}]
    run(write_folder(tmp_path / "in", events=events), tmp_path / "out")
    assert [row["category"] for row in rows_of(tmp_path / "out", "events")] == ["drinks", "beans"]


def test_a_profile_without_an_instant_is_known_since_joining_else_since_the_first_event_or_decision(tmp_path):
    customers = [
        {"customer_id": "ann", "member_since": "2023-03-01T00:00:00Z"},
        {"customer_id": "bob", "member_since": ""},
    ]
    run(write_folder(tmp_path / "in", customers=customers), tmp_path / "out")
    known = {row["customer_id"]: row["known_at"].isoformat() for row in rows_of(tmp_path / "out", "customers")}
    assert known == {"ann": "2023-03-01T00:00:00+00:00", "bob": "2024-04-30T10:00:00+00:00"}


def test_of_duplicates_the_one_received_first_is_kept_in_whatever_order_they_stand(tmp_path):
    events = [EVENT | {"received_at": f"2024-05-0{day}T12:00:00Z", "value_minor": str(day)} for day in (3, 2, 4)]
    for number, order in enumerate((events, events[::-1])):
        home = tmp_path / str(number)
        run(write_folder(home / "in", events=order), home)
        assert [row["value_minor"] for row in rows_of(home, "events")] == [2]
        assert sorted(item["row"]["value_minor"] for item in quarantine(home)) == ["3", "4"]


def test_the_same_event_id_from_two_sources_is_two_events(tmp_path):
    manifest = run(write_folder(tmp_path / "in", events=[EVENT, EVENT | {"source": "web"}]), tmp_path / "out")
    assert manifest.rows["events"] == 2


def test_a_fraction_of_a_minor_unit_is_set_aside_not_rounded(tmp_path):
    events = [
        EVENT,
        EVENT | {"event_id": "e2", "value_minor": "12.5"},
        EVENT | {"event_id": "e3", "value_minor": "12.0"},
    ]
    manifest = run(write_folder(tmp_path / "in", events=events), tmp_path / "out")
    assert manifest.quarantined["events"] == {"unreadable_value_minor": 1}


def test_a_broken_row_takes_along_the_rows_that_refer_to_it(tmp_path):
    tables = {
        "customers": [CUSTOMER | {"customer_id": "bob"}, CUSTOMER | {"age_years": "-3"}],
        "offers": [
            OFFER | {"margin_minor": "-1"},
            OFFER | {"offer_id": "b", "audience": "coffee"},
            OFFER | {"offer_id": "c", "audience": "b"},
            OFFER | {"offer_id": "self", "audience": "self"},
        ],
    }
    manifest = run(write_folder(tmp_path / "in", **tables), tmp_path / "out")
    assert manifest.rows == {"customers": 1, "identities": 0, "channels": 2, "offers": 1, "events": 0, "decisions": 0}
    assert manifest.quarantined["offers"] == {"negative_margin_minor": 1, "unknown_offer": 2}
    assert manifest.quarantined["events"] == {"unknown_customer": 1}


def test_tomorrow_is_not_the_future_and_the_day_after_is(tmp_path):
    instants = ("2024-06-02T12:00:00Z", "2024-06-02T12:00:01Z")
    events = [EVENT | {"event_id": at, "occurred_at": at} for at in instants]
    run(write_folder(tmp_path / "in", events=events), tmp_path / "out")
    (item,) = quarantine(tmp_path / "out")
    assert (item["rule"], item["value"]) == ("in_the_future_occurred_at", "2024-06-02T12:00:01Z")


def test_an_offer_may_end_in_the_future(tmp_path):
    manifest = run(write_folder(tmp_path / "in", offers=[OFFER | {"valid_to": "2099-01-01T00:00:00Z"}]), tmp_path / "o")
    assert not manifest.quarantined


def test_no_row_is_lost_whatever_is_wrong_with_the_values(tmp_path):
    rng = random.Random(5)
    words = [
        "",
        " ",
        "-7",
        "0",
        "1e400",
        "nan",
        "null",
        "ann",
        "e1",
        "email",
        "2099-01-01",
        "1970-01-01",
        "'; --",
        '"',
        "🙂",
    ]
    tables = {}
    for name, rows in GOOD.items():
        columns = [column.name for column in table(name).columns]
        tables[name] = rows + [
            GOOD[name][0] | {rng.choice(columns): rng.choice(words) for _ in range(rng.randint(0, 3))}
            for _ in range(150)
        ]
    manifest = run(write_folder(tmp_path / "in", **tables), tmp_path / "out")
    aside = Counter(item["table"] for item in quarantine(tmp_path / "out"))
    for name, rows in tables.items():
        assert manifest.rows[name] + aside[name] == len(rows)
        assert sum(manifest.quarantined.get(name, {}).values()) == aside[name]
        assert len(rows_of(tmp_path / "out", name)) == manifest.rows[name]


def test_csv_ndjson_and_parquet_give_the_same_tables(tmp_path):
    prints = {}
    for suffix in ("csv", "ndjson", "parquet"):
        folder = write_folder(tmp_path / suffix)
        for path in list(folder.glob("*.csv")):
            target = path.with_suffix(f".{suffix}")
            if suffix == "parquet":
                duckdb.sql(f"COPY (FROM read_csv('{path}')) TO '{target}' (FORMAT parquet)")
            elif suffix == "ndjson":
                with path.open(encoding="utf-8") as file:
                    rows = [
                        {k: v.split("|") if k == "channels" else v for k, v in row.items()}
                        for row in csv.DictReader(file)
                    ]
                target.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
            if target != path:
                path.unlink()
        prints[suffix] = run(folder, tmp_path / f"{suffix}-out", max_share=0.0).fingerprint
    assert len(set(prints.values())) == 1


def test_without_a_table_of_channels_the_default_channels_hold_and_are_told(tmp_path):
    folder = write_folder(tmp_path / "in", events=[EVENT, EVENT | {"event_id": "e2", "channel": "pigeon"}])
    (folder / "channels.csv").unlink()
    manifest = run(folder, tmp_path / "out")
    assert manifest.rows["channels"] > 10
    assert manifest.quarantined["events"] == {"unknown_channel": 1}
    assert any("Cost of one contact" in sentence for sentence in manifest.assumptions)


def test_without_a_table_of_decisions_there_are_none(tmp_path):
    folder = write_folder(tmp_path / "in")
    (folder / "decisions.csv").unlink()
    assert run(folder, tmp_path / "out").rows["decisions"] == 0


def test_a_column_the_contract_does_not_know_is_named_not_dropped_in_silence(tmp_path):
    manifest = run(write_folder(tmp_path / "in", events=[EVENT | {"colour": "red"}]), tmp_path / "out")
    assert "events.csv: columns colour are not in the contract and were not used." in manifest.assumptions


def test_a_column_is_found_whatever_its_place(tmp_path):
    manifest = run(write_folder(tmp_path / "in", events=[dict(reversed(EVENT.items()))]), tmp_path / "out")
    assert manifest.rows["events"] == 1


def test_a_missing_file_is_named_with_what_belongs_in_it(tmp_path):
    folder = write_folder(tmp_path / "in")
    (folder / "offers.csv").unlink()
    with pytest.raises(ContractError, match=r"offers\.parquet \(\.csv, \.ndjson\) is missing: What can be"):
        run(folder, tmp_path / "out")


def test_a_missing_column_is_named_with_its_meaning_and_what_was_found(tmp_path):
    events = [{key: value for key, value in EVENT.items() if key != "occurred_at"}]
    folder = write_folder(tmp_path / "in", events=events)
    with pytest.raises(
        ContractError, match=r"in/events\.csv has no column occurred_at \(When it happened\.\): add it; found"
    ):
        run(folder, tmp_path / "out")


def test_an_empty_file_and_one_with_a_header_only_are_named(tmp_path):
    folder = write_folder(tmp_path / "in")
    (folder / "customers.csv").write_text("")
    with pytest.raises(ContractError, match=r"customers\.csv is empty: write a header"):
        run(folder, tmp_path / "out")
    (folder / "customers.csv").write_text("customer_id\n")
    with pytest.raises(ContractError, match=r"customers\.csv holds no rows"):
        run(folder, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("events.parquet", b"not parquet"),
        ("events.ndjson", b'{"source": "till"\n{{{'),
        ("events.csv", b"source,event_id\na,b\nc,d,e,f\n"),
        ("events.csv", b"source,event_id\na,\xff\xfe\n"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path, name, content):
    folder = write_folder(tmp_path / "in")
    (folder / "events.csv").unlink()
    (folder / name).write_bytes(content)
    with pytest.raises(ContractError, match=rf"{name} cannot be read as .*: mend or replace it"):
        run(folder, tmp_path / "out")


def test_the_same_table_in_two_files_is_refused(tmp_path):
    folder = write_folder(tmp_path / "in")
    (folder / "events.ndjson").write_text(json.dumps(EVENT))
    with pytest.raises(ContractError, match="both hold events: leave one"):
        run(folder, tmp_path / "out")


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ContractError, match="nowhere is not a folder"):
        run(tmp_path / "nowhere", tmp_path / "out")


def test_too_many_broken_rows_stop_the_run_name_the_rule_and_leave_what_was_there(tmp_path):
    good = run(write_folder(tmp_path / "good"), tmp_path / "out")
    events = [EVENT | {"event_id": str(number), "value_minor": str(number - 2)} for number in range(10)]
    folder = write_folder(tmp_path / "bad", events=events)
    with pytest.raises(
        ContractError, match=r"events: 2 of 10 rows .* share of 0\.1 \(negative_value_minor 2×, such as '-1'\)"
    ):
        run(folder, tmp_path / "out", max_share=0.1)
    rejected = tmp_path / "out" / "files" / "rejected.ndjson"
    assert len(rejected.read_text().splitlines()) == 2
    assert json.loads((tmp_path / "out/files/contract/manifest.json").read_text())["fingerprint"] == good.fingerprint
    run(folder, tmp_path / "out", max_share=0.2)
    assert not rejected.exists()


def test_a_run_leaves_nothing_but_the_finished_folder(tmp_path):
    for _ in range(2):
        run(write_folder(tmp_path / "in"), tmp_path / "out")
    assert [path.name for path in (tmp_path / "out" / "files").iterdir()] == ["contract"]


def test_the_command_prints_rows_rules_and_assumptions_and_fails_with_a_message(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", events=[EVENT, EVENT])
    command = ["--source", "files", "--data", str(folder), "--data-dir", str(tmp_path / "out")]
    assert main(command, {"KAIROS_MAX_QUARANTINE_SHARE": "0.5"}, NOW) == 0
    shown = capsys.readouterr().out
    assert "set aside: duplicate_event 1" in shown
    assert main(command, {}, NOW) == 1
    assert "raise max_quarantine_share" in capsys.readouterr().err
