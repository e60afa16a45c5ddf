from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from sqlalchemy import insert, text

from features.catalogue import Catalogue
from features.domain import ChannelName, CustomerId, DecisionId, Event, Instant, OfferId
from features.fold import fold
from features.schema import EVIDENCE_SCHEMA
from features.state import empty
from serving import basis, findings
from serving.account import Account
from serving.circumstances import Circumstances
from serving.consent import Consent
from serving.decide import decide
from serving.decision import Ask, Decision
from serving.desk import Made
from serving.difference import differences
from serving.equipment import Equipment, pooled
from serving.journal import Journal, Record
from serving.journal.decisions import row_of
from serving.journal.record import seal
from serving.journal.schema import DECISIONS
from serving.ledger.contact import Contact, ContactId, Ledger, Standing
from serving.letter import Letter
from serving.pairs import NAMES, Known, stranger
from serving.policy.policy import DEFAULT, Cap, Exploration, Lever, Per, Policy
from serving.policy.selector import Selector
from serving.policy.window import Unit, Window
from serving.replay import Replay
from serving.rerun import equipment_of, rerun
from serving.score import Model
from serving.shortfall import Lack, Shortfall
from serving.snapshot import Snapshot
from serving.wire import answer

POLICIES = (
    DEFAULT,
    Policy(fingerprint="bold", exploration=Exploration(0.1, 0.2, 0.05, per_root=5.0), horizon_hours=0),
    Policy(
        fingerprint="strict",
        caps=(Cap("one a day", Per.ALL, 1, Window(calendar=Unit.DAY)),),
        levers=(Lever("autumn", Selector(category="milk"), 12.5, 2.0, "context.weather == 'rain'"),),
    ),
)


@dataclass(frozen=True)
class Kept:
    """What a journal and a registry would have kept."""

    shop: Catalogue
    models: dict[str, Model]
    snapshot: Snapshot

    def model(self, version: str) -> Model:
        return self.models[version]

    def catalogue(self, fingerprint: str) -> Catalogue:
        assert fingerprint == self.shop.fingerprint
        return self.shop

    def policy(self, fingerprint: str) -> Policy:
        return next(policy for policy in POLICIES if policy.fingerprint == fingerprint)

    def evidence(self, fingerprint: str) -> Snapshot:
        assert fingerprint == self.snapshot.fingerprint
        return Snapshot.unpacked(self.snapshot.packed)


@pytest.fixture
def kept(shop: Catalogue, model: Callable[..., Model], history: list[Event]) -> Kept:
    stocked = replace(shop, offers=tuple(replace(o, stock=3) if o.offer_id == "promo-tea" else o for o in shop.offers))
    states = {OfferId("promo-milk"): fold(empty(EVIDENCE_SCHEMA), history, EVIDENCE_SCHEMA)}
    chosen = model({"promo-tea": 0.6, "promo-milk": 0.55}, noticed=0.8)
    return Kept(stocked, {"fake-1": chosen}, Snapshot(states))


def made_for(number: int, kept: Kept, history: list[Event], now: Instant) -> Made:
    """Decisions of every sort: known or not, objecting or not, with a ledger, drawn again, without a model."""
    policy, model = POLICIES[number % 3], None if number % 7 == 0 else kept.models["fake-1"]
    equipment = Equipment(
        kept.shop,
        pooled(kept.shop, kept.snapshot.states, now),
        now,
        basis.Attention(1.0, 0.5, (("direct_mail", 1.6),) if number % 2 else ()),
        model,
        (Shortfall(Lack.MODEL_MISSING, "There is none."),) if model is None else (),
        policy=policy,
        prices={"stock:promo-tea": 3.25} if number % 4 == 0 else {},
        snapshot=kept.snapshot,
    )
    known: Known = replace(stranger(now), zone="Europe/Berlin")
    if number % 5:
        known = replace(known, activity=fold(empty(), history))
    if number % 11 == 0:
        known = replace(known, consents={("profiling", ""): Consent("profiling", False, now, "form")})
    contact = Contact(
        ContactId("c"), ChannelName("direct_mail"), now, (OfferId("promo-rum"),), (), ("marketing",), 0, True,
        Standing.CONFIRMED, now, DecisionId("before"),
    )  # fmt: skip
    stands = Circumstances(
        Ledger((contact,) if number % 2 else (), number, {"stock:promo-tea": 1.0}),
        Account(now // 86_400_000_000, 900.0, 3.0, number, 50.0),
        number % 2,
        frozenset({"stock:promo-tea"} if number % 6 == 0 else ()),
    )
    channels = frozenset(ChannelName(name) for name in ("direct_mail", "mailer", "app"))
    ask = Ask(
        DecisionId(f"d{number}"), CustomerId(f"c{number}"), now, "promotion", channels, 3,
        context={"weather": "rain", "degrees": 7.5, "open": True},
    )  # fmt: skip
    return Made(decide(ask, known, equipment, (), circumstances=stands), equipment, None)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    yield opened
    opened.close()


def record_of(made: Made) -> Record:
    decision = made.decision
    return Record(
        decision.ask.decision_id,
        decision.ask.customer_id,
        decision.ask.at,
        "{}",
        Letter.of(answer(decision, made.equipment, "none", {}, True)).text.decode(),
        {"model": decision.versions.model},
        (),
        (),
        np.zeros((0, 0), dtype=np.float32),
        basis.to_bytes(decision, made.equipment),
        findings.to_bytes(decision),
        basis.state_of(decision),
    )


def test_a_recorded_decision_made_again_is_the_same(
    kept: Kept, history: list[Event], now: Instant, journal: Journal
) -> None:
    groups, offered = set(), 0
    for number in range(120):
        made = made_for(number, kept, history, now)
        journal.record(record_of(made))
        found = journal.decision(made.decision.ask.decision_id)
        assert found is not None
        assert found.intact
        told_of = basis.from_bytes(found.basis)
        again = rerun(told_of, found.state, equipment_of(told_of, kept))
        told = findings.from_bytes(found.findings, found.answer)
        assert differences(told, findings.findings_of(again.decision)) == ()
        assert again.decision.grant == made.decision.grant
        groups.add(told.group)
        offered += len(told.items)
    assert groups == {"control", "random", "learnt"}
    assert offered > 100


def plainly_answered(record: Record) -> dict[str, object]:
    """A row of before the answer was compressed: it stood beside what was packed, as did versions, pairs and state."""
    _, *packed = msgspec.msgpack.decode(row_of(record)["packed"])
    told = {
        "answer": record.answer,
        "versions": json.dumps(dict(record.versions)),
        "names": "",
        "pairs": json.dumps(record.pairs),
        "basis": "",
        "findings": "",
        "state": record.state,
        "packed": msgspec.msgpack.encode(packed),
    }
    return sealed({**row_of(record), **told})


def with_full_findings(record: Record, decision: Decision) -> dict[str, object]:
    """A row of before the answer was read with the findings: what it tells stood in these again, the basis beside."""
    plain = plainly_answered(record)
    *packed, _, _ = msgspec.msgpack.decode(plain["packed"])
    told = {
        "packed": msgspec.msgpack.encode((*packed, msgspec.msgpack.encode(findings.findings_of(decision)))),
        "basis": msgspec.json.encode(basis.from_bytes(record.basis)).decode(),
    }
    return sealed({**plain, **told})


def sealed(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "digest": seal(row)}


@pytest.mark.parametrize("as_kept", [lambda record, _: plainly_answered(record), with_full_findings])
def test_what_builds_before_kept_is_intact_and_can_be_made_again(
    kept: Kept,
    history: list[Event],
    now: Instant,
    journal: Journal,
    as_kept: Callable[[Record, Decision], dict[str, object]],
) -> None:
    for number in range(1, 40):
        made = made_for(number, kept, history, now)
        matrix = made.decision.vectors.matrix
        record = replace(record_of(made), matrix=matrix, names=NAMES)
        row = as_kept(record, made.decision)
        journal.write(lambda transaction, row=row: transaction.connection.execute(insert(DECISIONS), row))
        found = journal.decision(made.decision.ask.decision_id)
        assert found is not None
        assert found.intact
        assert found.matrix.tobytes() == matrix.tobytes()
        assert (found.answer, found.pairs, found.state) == (record.answer, record.pairs, record.state)
        verdict = Replay(kept).replay(found)
        assert verdict.identical, verdict.differences
        changed = replace(found, kept={**found.kept, "basis": found.kept["basis"] + " "})
        assert not changed.intact


def test_what_is_kept_and_what_the_answer_tells_are_the_findings(
    kept: Kept, history: list[Event], now: Instant
) -> None:
    for number in range(60):
        made = made_for(number, kept, history, now)
        found = record_of(made)
        assert findings.from_bytes(found.findings, found.answer) == findings.findings_of(made.decision)
        with pytest.raises(ValueError, match="truncated"):
            findings.from_bytes(found.findings, found.answer[:-40])


def test_a_record_of_before_channels_were_told_apart_charges_them_alike(
    kept: Kept, history: list[Event], now: Instant
) -> None:
    made = made_for(2, kept, history, now)
    told = msgspec.to_builtins(basis.from_bytes(basis.to_bytes(made.decision, made.equipment)))
    del told["attention"]["channels"]
    assert basis.from_bytes(json.dumps(told).encode()).attention == basis.Attention(1.0, 0.5)


def test_another_model_is_found_out(
    kept: Kept, history: list[Event], now: Instant, model: Callable[..., Model]
) -> None:
    made = made_for(1, kept, history, now)
    other = replace(kept, models={"fake-1": model({"promo-tea": 0.6, "promo-milk": 0.55 + 1e-6}, noticed=0.8)})
    rested = basis.from_bytes(basis.to_bytes(made.decision, made.equipment))
    again = rerun(rested, basis.state_of(made.decision), equipment_of(rested, other))
    told = differences(findings.findings_of(made.decision), findings.findings_of(again.decision))
    assert any("score" in line for line in told)


@pytest.mark.parametrize("column", ["answer", "basis", "findings", "versions"])
def test_a_record_that_was_tampered_with_is_not_intact(
    kept: Kept, history: list[Event], now: Instant, journal: Journal, column: str
) -> None:
    made = made_for(2, kept, history, now)
    journal.record(record_of(made))
    for change in (
        f"UPDATE decisions SET {column} = replace({column}, '}}', ' }}')",
        'UPDATE decisions SET versions = \'{"model": "x"}\'',
    ):
        journal.write(lambda transaction, change=change: transaction.connection.execute(text(change)))
    found = journal.decision(made.decision.ask.decision_id)
    assert found is not None
    assert not found.intact
