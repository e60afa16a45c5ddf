"""The versions that decisions were made with, brought back from where they are kept."""

from __future__ import annotations

from base64 import b85decode
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from features.catalogue import Catalogue
from serving.journal import Journal
from serving.journal.documents import version_of
from serving.policy.document import Name, fingerprint, parse, policy_of
from serving.policy.policy import DEFAULT, Policy
from serving.registry import Load
from serving.score import Model
from serving.snapshot import Snapshot

MOST_KEPT = 8
"""Versions of each kind that stay in memory."""


class Vault:
    """Finds versions by name. What is found stays in memory for a while; may be shared between threads."""

    def __init__(self, journal: Journal, models_dir: Path, load: Load) -> None:
        self._journal = journal
        self._models_dir = models_dir
        self._load = load
        remember = lru_cache(MOST_KEPT)
        self._model: Callable[[str], Model] = remember(self._read_model)
        self._catalogue: Callable[[str], Catalogue] = remember(lambda name: Catalogue.from_json(self._body(name)))
        self._evidence: Callable[[str], Snapshot] = remember(
            lambda name: Snapshot.unpacked(b85decode(self._body(name)))
        )

    def model(self, version: str) -> Model:
        """See Artefacts. Raises ModelError for a bundle that cannot be read any more."""
        return self._model(version)

    def catalogue(self, fingerprint: str) -> Catalogue:
        """See Artefacts."""
        return self._catalogue(fingerprint)

    def policy(self, fingerprint: str) -> Policy:
        """See Artefacts."""
        if fingerprint in ("", _EMPTY):
            return _DEFAULTS[fingerprint]
        return policy_of(parse(Name.POLICY, self._body(fingerprint))).value

    def evidence(self, fingerprint: str) -> Snapshot:
        """See Artefacts."""
        return self._evidence(fingerprint)

    def _read_model(self, version: str) -> Model:
        folder = self._models_dir / version
        if Path(version).name != version or not folder.is_dir():
            raise KeyError(version)
        return self._load(folder)

    def _body(self, fingerprint: str) -> str:
        with self._journal.reading() as connection:
            found = version_of(connection, fingerprint)
        if found is None:
            raise KeyError(fingerprint)
        return found.body


_EMPTY = fingerprint({})
_DEFAULTS = {"": DEFAULT, _EMPTY: policy_of({}).value}
