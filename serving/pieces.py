"""Pieces of text that are written again and again, side by side, where compiled code finds them by their key."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from threading import Lock
from typing import NamedTuple

import numpy as np

from serving.kernels.letter import Hoard, slot
from serving.trees.kernels.tables import Ints, addresses

_AT_FIRST, _BYTES = 64, 128
"""Room at first: keys, and bytes for each."""


class Tables(NamedTuple):
    """Where pieces are held; to be kept as long as the addresses are used."""

    hoard: Hoard
    addresses: Ints


class Pieces:
    """Those of some keys, equally many of each. Threads may share it: what is held stays where it is, or is copied."""

    def __init__(self, width: int) -> None:
        """``width``: how many each key has."""
        self._width, self._adding = width, Lock()
        self.count = 0
        """Keys that are held."""
        self.tables = self._empty(_AT_FIRST, _AT_FIRST * _BYTES)

    def of(self, key: int) -> list[bytes] | None:
        """Those of a key; None where they are not held."""
        keys, entry, stops, text = self.tables.hoard
        place = slot(keys, key)
        if keys[place] != key:
            return None
        first = int(entry[place]) * self._width
        return [text[begin:end].tobytes() for begin, end in pairwise(stops[first : first + self._width + 1].tolist())]

    def add(self, key: int, pieces: Sequence[bytes]) -> None:
        """Hold those of a key, a number from 0."""
        with self._adding:
            if self.of(key) is not None:
                return
            written = b"".join(pieces)
            keys, entry, stops, text = self._with_room(len(written)).hoard
            first = self.count * self._width
            ends = list(accumulate(map(len, pieces), initial=int(stops[first])))
            stops[first : first + self._width + 1] = ends
            text[ends[0] : ends[-1]] = np.frombuffer(written, dtype=np.uint8)
            place = slot(keys, key)
            entry[place] = self.count
            keys[place] = key  # last: who finds it reads all the rest
            self.count += 1

    def _with_room(self, length: int) -> Tables:
        """The tables, copied into twice the room where there is too little for one key more."""
        keys, entry, stops, text = self.tables.hoard
        used = int(stops[self.count * self._width])
        if 2 * (self.count + 1) > len(keys) or used + length > len(text):
            wider = self._empty(len(keys), max(2 * len(text), used + length))
            wider.hoard.stops[: self.count * self._width + 1] = stops[: self.count * self._width + 1]
            wider.hoard.text[:used] = text[:used]
            for key, number in zip(keys[keys >= 0].tolist(), entry[keys >= 0].tolist(), strict=True):
                place = slot(wider.hoard.keys, key)
                wider.hoard.keys[place], wider.hoard.entry[place] = key, number
            self.tables = wider
        return self.tables

    def _empty(self, n_keys: int, n_bytes: int) -> Tables:
        """Room for so many keys."""
        hoard = Hoard(
            np.full(2 * n_keys, -1, dtype=np.int64),
            np.zeros(2 * n_keys, dtype=np.int64),
            np.zeros(n_keys * self._width + 1, dtype=np.int64),
            np.empty(n_bytes, dtype=np.uint8),
        )
        return Tables(hoard, addresses(hoard))
