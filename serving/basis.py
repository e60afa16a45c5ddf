"""Everything that a decision rests on beside the versions in force, as it is kept with the decision.

Together with the model, the catalogue, the policy and the evidence of the versions named, it is enough to decide again,
see ``rerun``: nothing is measured anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan

import msgspec
import numpy as np

from features.domain import Event, Instant
from features.intent import Intent
from features.packed_state import PackedState, pack_state, unpack_state
from features.rows import Profile
from features.stored import ACTIVITY
from serving.attention import Attention
from serving.circumstances import Circumstances
from serving.consent import Consent
from serving.decision import Ask, Decision, Versions
from serving.equipment import Equipment
from serving.latest import Latest
from serving.pairs import Known
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


class _Kept(msgspec.Struct, array_like=True, gc=False):
    """As it is kept. The order of its fields is that in which they stand."""

    ask: Ask
    at: Instant
    zone: str
    profile: bytes
    """float64, little-endian; NaN where a value is unknown."""
    member_since: int
    consents: tuple[Consent, ...]
    intents: tuple[Intent, ...]
    events: tuple[Event, ...] | None
    circumstances: Circumstances
    lacking: tuple[Shortfall, ...]
    versions: Versions
    stays: msgspec.Raw


def _stays(equipment: Equipment) -> msgspec.Raw:
    """The last fields of a basis, which are the same for all decisions with the same equipment."""
    return msgspec.Raw(
        _WRITE.encode(
            (
                equipment.shortfalls,
                equipment.attention,
                equipment.salt,
                dict(equipment.prices),
                equipment.snapshot.fingerprint,
                equipment.evidence_at,
            )
        )
    )


def to_bytes(decision: Decision, equipment: Equipment) -> bytes:
    """What this decision rests on, as it is kept; ``from_bytes`` reads it."""
    known = decision.known
    kept = (
        decision.ask,
        known.at,
        known.zone,
        known.profile.values.astype("<f8", copy=False).tobytes(),
        int(known.profile.member_since),
        tuple(known.consents.values()),
        known.intents,
        known.events,
        decision.circumstances,
        decision.lacking,
        decision.versions,
        _STAYS.of(equipment),
    )
    return _WRITE.encode(kept)


def from_bytes(kept: bytes) -> Basis:
    """What ``to_bytes`` wrote, or an older build, which wrote JSON.

    Raises:
        ValueError: It is no basis.
    """
    if kept.startswith(b"{"):
        return _READ_OLDER.decode(kept)
    found = _READ.decode(kept)
    profile = np.frombuffer(found.profile, dtype="<f8").tolist()
    values = tuple(None if isnan(value) else value for value in profile)
    told = Told(found.at, found.zone, values, found.member_since, found.consents, found.intents, found.events)
    return Basis(
        found.ask,
        told,
        found.circumstances,
        found.lacking,
        found.versions,
        *_READ_STAYS.decode(found.stays),
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


_WRITE = msgspec.msgpack.Encoder()
_READ = msgspec.msgpack.Decoder(_Kept)
_READ_STAYS = msgspec.msgpack.Decoder(tuple[tuple[Shortfall, ...], Attention, str, dict[str, float], str, Instant])
"""From ``missing`` on."""
_READ_OLDER = msgspec.json.Decoder(Basis)
_STAYS = Latest(_stays)
