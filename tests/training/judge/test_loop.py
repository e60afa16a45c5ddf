"""The closed loop, small: the service decides, the market answers, what it teaches is learnt."""

import json
import socket
from pathlib import Path

import pytest

from features.instant import parse_instant
from serving.settings import read_settings
from training.judge.loop.__main__ import loop
from training.judge.loop.course import Plan
from training.judge.loop.news import News
from training.judge.loop.rivals import CONSTANT, SILENCE, opened, rivals
from training.world.contract import BEGIN
from training.world.parameters import Inside, Parameters
from training.world.randomised import asks, randomised

SMALL = Plan(Inside.LOGISTIC, 3, customers=200, decisions=60, days=4, retrained=(3,))
DAY_US = 86_400_000_000


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@pytest.mark.slow
def test_the_service_decides_for_the_market_and_retrains_on_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = {"DATA_DIR": str(tmp_path), "PORT": str(_free_port()), "SOURCE": "files", "FILES": str(tmp_path)}
    report = loop(read_settings({f"KAIROS_{name}": value for name, value in chosen.items()}), SMALL)
    written = json.loads((tmp_path / "reports" / "loop.json").read_text())
    assert (tmp_path / "reports" / "loop.png").exists()
    assert written["plan"] == json.loads(json.dumps(report["plan"]))
    assert len(written["days"]) == SMALL.days
    assert all(day["decisions"] == SMALL.decisions for day in written["days"])
    assert sum(day["contacts"] for day in written["days"]) > 0
    # Nothing went to a channel that was left, or above the weekly cap.
    assert sum(day["refused"] for day in written["days"]) == 0
    assert [gate["day"] for gate in written["gates"]] == list(SMALL.retrained)
    assert CONSTANT in capsys.readouterr().out


def test_nothing_is_told_before_it_is_learnt_and_nothing_twice() -> None:
    market = opened(Parameters(Inside.LOGISTIC, customers=300, days=20), 5, 6)
    market.morning()
    market.act(randomised(market, *asks(market, 200), silence=0.1))
    news, told = News(market), []
    for day in range(12):
        until = BEGIN + day * DAY_US
        found = news.due(until)
        assert all(parse_instant(event["occurred_at"]) <= until for event in found)
        told += [event["event_id"] for event in found]
    assert len(told) == len(set(told)) > 0
    kinds = [str(page["kind"][0]) for page in market.diary.events if len(page["kind"])]
    assert {"purchased", "sent"} <= set(kinds)


def test_rivals_play_the_same_market() -> None:
    found = rivals(Parameters(Inside.CROOKED, customers=300, days=20), 5, 6, 4, 100)
    assert [day.decisions for day in found[SILENCE]] == [day.decisions for day in found[CONSTANT]]
    assert all(day.value == day.contacts == 0 for day in found[SILENCE])
    assert sum(day.contacts for day in found[CONSTANT]) > 0
    # Nobody was contacted before the first day, so the best that can be done then is the same.
    assert found[SILENCE][0].oracle == found[CONSTANT][0].oracle
