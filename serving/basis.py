"""Everything that a decision rests on beside the versions in force, as it is kept with the decision.

Together with the model, the catalogue, the policy and the evidence of the versions named, it is enough to decide again,
see ``rerun``: nothing is measured anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np

from features.codec import PackedState, pack_state, unpack_state
from features.domain import Event, Instant
from features.intent import Intent
from features.rows import Profile
from features.stored import ACTIVITY
from serving.circumstances import Circumstances
from serving.consent import Consent
from serving.decision import Ask, Decision, Versions
from serving.equipment import Equipment
from serving.pairs import Known
from serving.score import Attention
from serving.shortfall import Shortfall


@dataclass(frozen=True, slots=True)
class Told:
    """What was known of the customer, without the state, which is kept as bytes."""

    at: Instant
    zone: str
    profile: tuple[float | None, ...]
    member_since: int
    consents: tuple[Consent, ...]
    intents: tuple[Intent, ...]
    events: tuple[Event, ...] | None


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision rests on; instants are microseconds UTC, amounts minor units."""

    ask: Ask
    told: Told
    circumstances: Circumstances
    lacking: tuple[Shortfall, ...]
    versions: Versions
    missing: tuple[Shortfall, ...]
    """What the service had to do without."""
    attention: Attention
    salt: str
    prices: dict[str, float]
    evidence: str
    """Fingerprint of the snapshot of what all customers showed."""
    evidence_at: Instant


def basis_of(decision: Decision, equipment: Equipment) -> Basis:
    """What this decision rests on."""
    known = decision.known
    values = [None if np.isnan(value) else value for value in known.profile.values.tolist()]
    told = Told(
        known.at,
        known.zone,
        tuple(values),
        int(known.profile.member_since),
        tuple(known.consents.values()),
        known.intents,
        known.events,
    )
    return Basis(
        decision.ask,
        told,
        decision.circumstances,
        decision.lacking,
        decision.versions,
        equipment.shortfalls,
        equipment.attention,
        equipment.salt,
        dict(equipment.prices),
        equipment.snapshot.fingerprint,
        equipment.evidence_at,
    )


def state_of(decision: Decision) -> bytes | None:
    """The customer's state in bytes; None where nothing was known."""
    known, at = decision.known, decision.ask.at
    if known.activity is None or known.packed is not None:
        return None if known.activity is None else known.packed
    return pack_state(ACTIVITY, PackedState(at, at, 0, known.activity))


def known_of(told: Told, state: bytes | None) -> Known:
    """What was known of the customer.

    Raises:
        SchemaMismatchError: The state is of a build with other features.
    """
    values = np.array([np.nan if value is None else value for value in told.profile], dtype=np.float64)
    return Known(
        told.at,
        None if state is None else unpack_state(ACTIVITY, state).state,
        Profile(values, np.array(told.member_since, dtype=np.int64)),
        told.zone,
        {(consent.purpose, consent.channel): consent for consent in told.consents},
        told.intents,
        told.events,
    )


def to_json(basis: Basis) -> str:
    """The basis as text; ``from_json`` reads it back unchanged."""
    return _WRITE.encode(basis).decode()


def from_json(text: str) -> Basis:
    """What ``to_json`` wrote.

    Raises:
        ValueError: It is no basis.
    """
    return _READ.decode(text)


_WRITE = msgspec.json.Encoder()
_READ = msgspec.json.Decoder(Basis)
