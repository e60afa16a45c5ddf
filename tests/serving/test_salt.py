"""What exploration keeps from one process to the next: the salt of its draws, and what it has cost."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serving import basis
from serving.account import Account
from serving.journal import Journal
from serving.journal.decisions import latest_bases
from serving.parts import parts_of
from serving.score import Model
from serving.settings import Settings, read_settings

BOLD = {"exploration": {"random": 0.3, "floor": 0.01, "per_root": 1.0, "share": 0.5}}


def salt_of(settings: Settings) -> str:
    parts = parts_of(settings)
    parts.watch.refresh()
    with closing(parts.journal):
        return parts.watch.current.salt


def test_the_salt_is_drawn_once_for_a_journal(tmp_path: Path) -> None:
    here, there = ({"KAIROS_DATA_DIR": str(tmp_path / name)} for name in ("here", "there"))
    first = salt_of(read_settings(here))
    assert len(first) >= 16
    assert salt_of(read_settings(here)) == first
    assert salt_of(read_settings(there)) != first
    assert salt_of(read_settings(there | {"KAIROS_SALT": first})) == first


@pytest.fixture
def accounts(place: Path) -> Iterator[Callable[[], list[Account]]]:
    """The account that each recorded decision began with."""
    with closing(Journal(f"sqlite:///{place / 'journal.db'}")) as journal:

        def read() -> list[Account]:
            with journal.reading() as connection:
                told = latest_bases(connection, 1_000)
                found = [basis.from_bytes(each).circumstances.account for each in told]
                return sorted(found, key=lambda account: account.decisions)

        yield read


def test_another_process_goes_on_with_the_account_of_the_day(
    client: Callable[..., TestClient],
    model: Callable[..., Model],
    place: Path,
    accounts: Callable[[], list[Account]],
) -> None:
    (place / "policy.json").write_text(json.dumps(BOLD))
    learnt = model({"promo-tea": 0.6, "promo-milk": 0.5, "promo-rum": 0.4}, organic=0.1)
    ask = {"customer_id": "ann", "kind": "promotion", "channels": ["app"]}
    with client(load=lambda _: learnt) as first:
        for _ in range(4):
            assert first.post("/v1/decisions", json=ask).json()["recorded"]
    second = client(load=lambda _: learnt)
    assert second.post("/v1/decisions", json=ask).json()["recorded"]
    found = accounts()
    assert [account.decisions for account in found] == [0, 1, 2, 3, 3]
    assert found[3].given_up > 0
    assert found[4] == found[3]
    assert len({account.day for account in found[1:]}) == 1
