"""What may be concluded, and when nothing may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from training.ope.overlap import Overlap
from training.resampling import Interval

LEAST_EFFECTIVE_SAMPLE = 200.0
LEAST_MATCHED_POSITIVES = 50.0
MOST_OFF = 4.0
"""Standard errors by which the mean weight may miss 1."""


class Answer(StrEnum):
    """The answer to: is it above the threshold?"""

    ABOVE = "above"
    BELOW = "below"
    UNDECIDED = "undecided"
    NO_VERDICT = "no verdict"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer with its reason."""

    answer: Answer
    reason: str
    interval: Interval | None
    """None with no verdict: a number that is not to be trusted is not shown."""


def verdict(interval: Interval | None, overlaps: tuple[Overlap, ...], threshold: float = 0.0) -> Verdict:
    """Whether the value is above the threshold.

    ``overlaps`` are those of every policy in the estimate: both, for a gain. Below an effective sample of 200 or 50
    matched positives, or where the weights say that the probabilities are wrong, there is no verdict.
    """
    for overlap in overlaps:
        if reason := _why_not(overlap):
            return Verdict(Answer.NO_VERDICT, reason, None)
    if interval is None:
        return Verdict(Answer.NO_VERDICT, "the estimate has no standard error: too few customers", None)
    if interval.low > threshold:
        return Verdict(Answer.ABOVE, f"{interval} lies above {threshold:g}", interval)
    if interval.high < threshold:
        return Verdict(Answer.BELOW, f"{interval} lies below {threshold:g}", interval)
    return Verdict(Answer.UNDECIDED, f"{interval} holds {threshold:g}", interval)


def _why_not(overlap: Overlap) -> str | None:
    if overlap.effective_sample < LEAST_EFFECTIVE_SAMPLE:
        return f"effective sample {overlap.effective_sample:.0f} is below {LEAST_EFFECTIVE_SAMPLE:g}"
    if overlap.matched_positives < LEAST_MATCHED_POSITIVES:
        return f"{overlap.matched_positives:.0f} matched positives are below {LEAST_MATCHED_POSITIVES:g}"
    off_by = overlap.off_by
    if off_by is None or abs(off_by) > MOST_OFF:
        return f"the mean weight {overlap.mean_weight:.3f} is not 1: probabilities are wrong, or actions unsupported"
    return None
