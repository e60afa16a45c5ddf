"""What a job works with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.domain import CustomerId, DecisionId
from serving.equipment import Equipment
from serving.jobs.audience import Told
from serving.jobs.order import Format
from serving.jobs.results import Write
from serving.jobs.scarcity import Worth


@dataclass(frozen=True)
class Means:
    """Everything outside the job's folder, so that a job can be run on anything that decides."""

    equipment: Equipment
    """In force; the job keeps to it."""
    files: Path
    """The folder that files of audiences lie in."""
    table: Callable[[Path], Told]
    """Reads a Parquet file."""
    everybody: Callable[[], Iterable[CustomerId]]
    """All customers who are known."""
    whose: Callable[[CustomerId], CustomerId | None]
    """Who a customer is now; None for a name that cannot be one."""
    wanted: Callable[[CustomerId], bool]
    """False for those whom the audience's condition leaves out."""
    taken: Callable[[Collection[str]], Mapping[str, float]]
    """What is used up of each shared stock, capacity and budget."""
    rehearse: Callable[[CustomerId, Equipment], Sequence[Worth]]
    """What may be offered to a customer, with what it is worth; changes nothing."""
    erasures: Callable[[], int]
    """How many customers were erased so far."""
    decide: Callable[[CustomerId, DecisionId, Equipment, int], None]
    """Decides for real, under this id, once: reserved and recorded in the journal. Where more customers than so many
    were erased it raises ErasedMeanwhileError instead: the customer may be one of them."""
    follow: Callable[[], Iterable[DecisionId]]
    """Decides the reminders that are due, and yields the decisions."""
    answers: Callable[[Sequence[DecisionId]], Mapping[DecisionId, str]]
    """The recorded answers, JSON, to those of these decisions that were made."""
    write: Mapping[Format, Write]
