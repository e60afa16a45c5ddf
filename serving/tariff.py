"""What is scarce and what a unit of it costs in scores, as it was solved last: read by the service, never solved there.

A tariff holds for the policy it was solved for; under another policy nothing has a price until it is solved again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import msgspec

from features.domain import Instant

NAME = "prices"
"""Name under which every tariff is kept in the journal."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices with what they rest on."""

    at: Instant
    """As of when."""
    policy: str
    """Fingerprint of the policy."""
    prices: Mapping[str, float] = field(default_factory=dict)
    """Minor units per unit of each stock, capacity or budget, by its key; what there is enough of is left out."""
    asks_per_day: float = 0.0
    """How many are expected to ask."""
    sampled: int = 0
    """How many were looked at."""
    gap: float = 0.0
    """How far an allocation of the sample by these prices may be from the best one, as a share of the bound."""

    @property
    def text(self) -> str:
        """The document, canonical."""
        return _WRITE.encode(self).decode()

    @property
    def fingerprint(self) -> str:
        """Digest of the document."""
        return sha256(self.text.encode()).hexdigest()


_WRITE = msgspec.json.Encoder(order="sorted")
_READ = msgspec.json.Decoder(Tariff)
FREE: Mapping[str, float] = {}


class Tariffs:
    """Follows the file of a tariff; to be used from one thread at a time."""

    def __init__(self, file: Path | None = None) -> None:
        """None: nothing ever has a price."""
        self._file = file
        self._written: int | None = None
        self._tariff: Tariff | None = None

    def prices(self, policy: str) -> Mapping[str, float]:
        """The prices in force under a policy, by its fingerprint; the very same object while nothing has changed.

        What cannot be read costs nothing: prices better what is chosen, and nothing depends on them.
        """
        if self._file is None:
            return FREE
        try:
            written = self._file.stat().st_mtime_ns
            if written != self._written:
                self._tariff = _READ.decode(self._file.read_bytes())
                self._written = written
        except (OSError, msgspec.MsgspecError):
            return FREE
        return FREE if self._tariff is None or self._tariff.policy != policy else self._tariff.prices


def write_tariff(file: Path, tariff: Tariff) -> None:
    """Put it where the service looks; there as a whole or not at all."""
    growing = file.with_name(f".{file.name}.new")
    growing.write_text(tariff.text)
    growing.replace(file)
