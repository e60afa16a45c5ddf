"""A recorded decision made again, from what was kept of it: nothing is looked up, measured or drawn anew."""

from __future__ import annotations

from typing import Protocol

from features.catalogue import Catalogue
from serving.basis import Basis, known_of
from serving.decide import decide
from serving.desk import Made
from serving.equipment import Equipment, pooled
from serving.policy.policy import Policy
from serving.score import Model
from serving.snapshot import Snapshot


class Artefacts(Protocol):
    """The kept versions. Each method raises KeyError for a version that was not kept."""

    def model(self, version: str) -> Model:
        """The model registered under this version."""
        ...

    def catalogue(self, fingerprint: str) -> Catalogue:
        """The catalogue that was in force."""
        ...

    def policy(self, fingerprint: str) -> Policy:
        """The policy that was in force; of an empty fingerprint the one that holds without a document."""
        ...

    def evidence(self, fingerprint: str) -> Snapshot:
        """What all customers had shown."""
        ...


def rerun(basis: Basis, state: bytes | None, equipment: Equipment) -> Made:
    """The decision, made again with what was in force, see ``equipment_of``.

    Raises:
        SchemaMismatchError: It was made by a build with other features.
    """
    decision = decide(
        basis.ask, known_of(basis.told, state), equipment, basis.lacking, circumstances=basis.circumstances
    )
    return Made(decision, equipment, None)


def equipment_of(basis: Basis, artefacts: Artefacts) -> Equipment:
    """What was in force; the same for all decisions with the same versions, evidence, prices and settings.

    Raises:
        KeyError: One of the versions was not kept.
    """
    versions, snapshot = basis.versions, artefacts.evidence(basis.evidence)
    catalogue = artefacts.catalogue(versions.catalogue)
    return Equipment(
        catalogue,
        pooled(catalogue, snapshot.states, basis.evidence_at),
        basis.evidence_at,
        basis.attention,
        None if versions.model is None else artefacts.model(versions.model),
        basis.missing,
        policy=artefacts.policy(versions.policy),
        prices=basis.prices,
        salt=basis.salt,
        snapshot=snapshot,
    )
