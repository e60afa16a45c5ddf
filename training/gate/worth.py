"""Whether what would be served earns more: the gain on logged decisions, doubly robust, or why nothing can be said."""

from __future__ import annotations

from dataclasses import replace

from training.gate.finding import Finding, Mark
from training.gate.served import Served, in_common
from training.ope.controlled import controlled
from training.ope.log import Log
from training.ope.overlap import Overlap
from training.ope.ratios import Ratios
from training.ope.verdict import Answer, verdict
from training.ope.wald import wald

CHECK = "value"
CONSTANT = "the best constant"
UNJUDGED = "Too few decisions with probabilities are old enough to be judged"
ONE_SIDED = 0.1
"""Two-sided error of the interval whose lower bound lies 1.645 standard errors below the gain."""


def unmeasurable() -> Finding:
    """Where nothing was drawn, nothing can be said: the model is judged by all else."""
    return Finding(
        CHECK,
        Mark.UNKNOWN,
        "No probabilities were logged, or too few to tell actions apart: the value of the personal choice is unproven.",
    )


def worth(challenger: Served | None, champion: Served | None) -> Finding:
    """The gain over the champion.

    A champion that was not judged on the same decisions leaves the value not measurable.
    """
    if challenger is None:
        return Finding(CHECK, Mark.NO_VERDICT, f"{UNJUDGED}; the champion stays.")
    if champion is None:
        return Finding(CHECK, Mark.UNKNOWN, "The champion's value was not measured on these decisions.")
    mine, theirs = in_common(challenger, champion)
    if not len(mine.reward):
        return Finding(CHECK, Mark.UNKNOWN, "Challenger and champion were judged on different decisions.")
    # What a decision earned is told by each with a p₀ of its own; two measures would not be a comparison.
    measured = replace(theirs, reward=mine.reward, positive=mine.positive)
    return _against(mine.log(), measured.log(), "the champion")


def worth_beside_constant(challenger: Served | None) -> Finding:
    """The gain over the best single action, which is served unless personal choice is proven to earn more."""
    if challenger is None:
        return Finding(CHECK, Mark.NO_VERDICT, f"{UNJUDGED}; the best constant is served.")
    return _against(challenger.log(), challenger.log_of_constant(), CONSTANT)


def _against(log: Log, other: Log, words: str) -> Finding:
    overlaps = Overlap.of(log), Overlap.of(other)
    found = verdict(wald(Ratios.of(controlled(log, other)), ONE_SIDED), overlaps)
    numbers = {"effective_sample": overlaps[0].effective_sample, "matched_positives": overlaps[0].matched_positives}
    if found.answer is Answer.NO_VERDICT or found.interval is None:
        what = "the best constant is served" if words == CONSTANT else "the champion stays"
        return Finding(CHECK, Mark.NO_VERDICT, f"No verdict on the value: {found.reason}; {what}.", numbers)
    shown = f"{found.interval.value:+.3f} [{found.interval.low:+.3f}, {found.interval.high:+.3f}] (90 %)"
    numbers |= {"gain": found.interval.value, "gain_low": found.interval.low, "gain_high": found.interval.high}
    reason = f"Against {words} what would be served gains {shown} minor units per decision"
    if found.answer is Answer.ABOVE:
        return Finding(CHECK, Mark.GOOD, f"{reason}: more by 1.645 standard errors.", numbers)
    return Finding(CHECK, Mark.REFUSED, f"{reason}: not more by 1.645 standard errors.", numbers)
