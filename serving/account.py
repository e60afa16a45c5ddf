"""What exploration has cost one process so far: it says how sharply the next choice has to be made."""

from __future__ import annotations

from dataclasses import replace

from features.domain import DAY, Instant
from features.quick import quick
from serving.allowance import Allowance
from serving.policy.policy import Exploration


@quick(frozen=True, slots=True)
class Account:
    """Sums over the recorded decisions; the amounts are those of one UTC day, minor units."""

    day: int = 0
    """Days since 1970-01-01."""
    best: float = 0.0
    """Modelled value of the best choices of the day."""
    given_up: float = 0.0
    """What the distributions gave up of it."""
    decisions: int = 0
    """Decisions so far, of every day."""
    spread: float = 0.0
    """Sum over these of what the scores differed by."""

    def at(self, at: Instant) -> Account:
        """The account as of an instant: a new day begins with nothing given up."""
        day = at // DAY
        return self if day == self.day else replace(self, day=day, best=0.0, given_up=0.0)

    def allowed(self, exploration: Exploration, best: float) -> float:
        """What a decision whose best choice is worth ``best`` may give up, minor units."""
        return Allowance(exploration.share, self.best, self.given_up).left(best)

    def scale(self, spread: float) -> float:
        """What scores typically differ by, this decision's included; 1 where they never did."""
        return (self.spread + spread) / (self.decisions + 1) or 1.0

    def after(self, best: float, given_up: float, spread: float) -> Account:
        """The account after one more decision."""
        return Account(
            self.day,
            self.best + max(best, 0.0),
            self.given_up + given_up,
            self.decisions + 1,
            self.spread + spread,
        )
