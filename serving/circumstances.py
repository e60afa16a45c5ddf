"""What a decision depends on beside what is asked, what is known of the customer, and the versions in force."""

from __future__ import annotations

from dataclasses import field

from features.quick import quick
from serving.account import Account
from serving.ledger.contact import Ledger


@quick(frozen=True, slots=True)
class Circumstances:
    """What stands when a decision is made."""

    ledger: Ledger = field(default_factory=Ledger)
    """What was said to the customer, and what all customers together have used up."""
    account: Account = field(default_factory=Account)
    """What exploration has cost so far."""
    attempt: int = 0
    """How often this decision was drawn before: what it chose could not be reserved."""
    exhausted: frozenset[str] = frozenset()
    """Keys of the stocks, capacities and budgets that turned out to be used up since the first draw."""
