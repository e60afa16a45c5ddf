"""What is read of a customer for a decision."""

from __future__ import annotations

from collections.abc import Mapping

from features.domain import CustomerId, Instant
from features.quick import quick
from serving.circumstances import Circumstances
from serving.consent import Consent, Topic
from serving.pairs import Known
from serving.shortfall import Shortfall


@quick(frozen=True, slots=True)
class Background:
    """What was read of a customer up to some moment, all of it no older than the revision of the ledger."""

    customer_id: CustomerId
    at: Instant
    """As of when it is decided."""
    consents: Mapping[Topic, Consent]
    stands: Circumstances
    """What was said to the customer."""
    erasures: int | None
    """As many customers were erased at least before anything was read; None where nothing could be."""
    known: Known | None = None
    """Everything that there is to know; None while some of that is still to be read."""
    lacking: tuple[Shortfall, ...] = ()
    """What could not be told."""
