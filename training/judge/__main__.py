"""``make evaluate SOURCE=world``: everybody learns from the same random log; the market's truth judges."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from typing import Any

from features.errors import KairosError
from serving.settings import Settings, read_settings
from training.judge.contenders import KAIROS
from training.judge.ground import Size
from training.judge.market import market
from training.judge.patience import attention_table, every_kind
from training.judge.picture import picture
from training.judge.scorecard import Card, table, verdict
from training.world.parameters import Inside

NAME = "evaluate_world"


def evaluate(settings: Settings) -> list[Card]:
    """Judge as many markets of each inside as the settings say, side by side; leaves a report and a picture."""
    size = Size(customers=settings.world_customers, contacts=settings.world_contacts)
    settings.reports_dir.mkdir(parents=True, exist_ok=True)
    markets = [(inside, seed) for seed in range(1, settings.world_seeds + 1) for inside in Inside]
    cards: list[Card] = []
    # A process each, one thread in each: threads of one fit wait for each other where cores are shared. A new process
    # for every market: what one leaves behind in memory (several GiB at 20,000 contacts) is given back.
    workers = min(settings.threads, len(markets))
    with ProcessPoolExecutor(workers, get_context("spawn"), max_tasks_per_child=1) as pool:
        found = {pool.submit(market, settings, inside, seed, size): (inside, seed) for inside, seed in markets}
        for done in as_completed(found):
            cards = sorted([*cards, done.result()], key=lambda card: (card.inside != Inside.LOGISTIC, card.seed))
            print(_line(done.result()), flush=True)
            _report(settings, size, cards)
    patience = every_kind(size.contacts, settings.seed)
    print(f"\n{table(cards)}\n\n{verdict(cards)}\n\n{attention_table(patience)}")
    _report(settings, size, cards, {name: asdict(each) for name, each in patience.items()})
    picture(cards).savefig(settings.reports_dir / f"{NAME}.png", dpi=110)
    print(f"{settings.reports_dir / NAME}.json, .png")
    return cards


def _line(card: Card) -> str:
    return (
        f"{card.inside} {card.seed}: Kairos {card.shares[KAIROS]}, best other {card.runner_up} "
        f"{card.shares[card.runner_up]}, lead {card.lead}"
    )


def _report(settings: Settings, size: Size, cards: list[Card], attention: Mapping[str, Any] | None = None) -> None:
    document = {
        "customers": size.customers,
        "contacts": size.contacts,
        "seed": settings.seed,
        "verdict": verdict(cards),
        "attention": attention,
        "markets": [card.to_dict() for card in cards],
    }
    (settings.reports_dir / f"{NAME}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    """Evaluate on markets with known truth. Exits with a message where that cannot be done."""
    try:
        evaluate(read_settings(os.environ))
    except KairosError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
