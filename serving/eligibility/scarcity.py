"""What all customers share: the stock of offers, and budgets that are spent once and for all."""

from __future__ import annotations

import numpy as np

from serving.eligibility.objection import Objection, about
from serving.eligibility.shelf import Shelf
from serving.eligibility.situation import Situation
from serving.ledger.shared import window_key


def out_of_stock(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs of offers of which nothing is left."""
    gone = [stock for stock in shelf.stocks if situation.used_up(stock.key, 1, stock.most)]
    if not gone:
        return None
    pairs = np.logical_or.reduce([stock.about for stock in gone])

    def why(place: int) -> str:
        stock = next(stock for stock in gone if stock.about[place])
        return f"{situation.ledger.taken.get(stock.key, 0.0):g} of {stock.most} granted"

    return about(pairs, why)


def out_of_budget(shelf: Shelf, situation: Situation) -> Objection | None:
    """Pairs that cost more than is left of a budget without a stretch of time."""
    taken, found = situation.ledger.taken, []
    for budget, selected in shelf.budgets:
        if budget.window is not None:
            continue
        key = window_key("budget", budget.name, None, situation.at)
        left = budget.most_minor - taken.get(key, 0.0)
        found.append((budget, selected & (shelf.spend_minor > left), left))
    if not found:
        return None
    pairs = np.logical_or.reduce([over for _, over, _ in found])

    def why(place: int) -> str:
        budget, _, left = next(each for each in found if each[1][place])
        return f"{budget.name}: {shelf.spend_minor[place]:g} asked for, {left:g} of {budget.most_minor:g} left"

    return about(pairs, why)
