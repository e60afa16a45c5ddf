from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from features.domain import CustomerId, OfferId
from serving.parts import Parts
from serving.policy.policy import Capacity, Policy
from serving.rehearsal import Rehearsal, ask
from serving.staff import staff_of
from tests.serving.conftest import APP, FLYER, MAIL, NOW

CUSTOMERS = [CustomerId(f"c{number}") for number in range(6)]


def made(parts: Parts, policy: Policy) -> list[str | None]:
    rehearsal = Rehearsal(parts, staff_of(parts).projection, replace(parts.watch.current, policy=policy))
    everywhere = frozenset({APP, FLYER, MAIL})
    asked = [replace(ask(each, NOW, "promotion", 7), channels=everywhere) for each in CUSTOMERS]
    decisions = [rehearsal.decide(each) for each in asked]
    return [d.items[0].scored.pair.channel.name if d.items else None for d in decisions]


def test_what_one_takes_is_gone_for_the_next_and_nothing_is_written(parts: Callable[..., Parts]) -> None:
    service = parts()
    before = service.journal.position()
    free = made(service, Policy())
    channel = free[0]
    assert channel is not None
    assert free == [channel] * len(CUSTOMERS)
    tight = made(service, Policy(capacities=(Capacity("few", channel, 2),)))
    assert tight.count(channel) == 2
    assert tight[:2] == [channel] * 2
    again = made(service, Policy(capacities=(Capacity("few", channel, 2),)))
    assert again == tight
    assert service.journal.position() == before
    with service.journal.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM decisions").scalar_one() == 0
        assert connection.exec_driver_sql("SELECT count(*) FROM counters").scalar_one() == 0


def test_the_same_customer_draws_the_same_numbers_in_two_rehearsals() -> None:
    first, second = (ask(CustomerId("ann"), NOW, None, 7) for _ in range(2))
    assert first == second
    assert ask(CustomerId("ann"), NOW, None, 8).decision_id != first.decision_id
    assert OfferId(first.decision_id)
