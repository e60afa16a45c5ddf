"""The memories of many states at once, as lists in Arrow, looked up by key without a loop over rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.past import Past, past
from features.schema import Key, Section
from features.state import NEVER, Floats, Instants, unset
from features.stored import REFERENCE

Index = NDArray[np.intp]


class Keyed:
    """One section of the states in the rows of a table with the columns of ``features.stored``; null is no history."""

    def __init__(self, section: Section, table: pa.Table) -> None:
        self._section = section
        keys = table[f"{section.name}_keys"].combine_chunks()
        self.n_keys: NDArray[np.int64] = pc.fill_null(pc.list_value_length(keys), 0).to_numpy().astype(np.int64)
        """Keys of each state, ``[n_states]``."""
        coded = pc.list_flatten(keys).dictionary_encode()
        self._words = coded.dictionary
        self._codes = coded.indices.to_numpy().astype(np.int64)
        sums = _flat(table, f"{section.name}_sums").reshape(-1, len(section.sums))
        instants = (
            _flat(table, f"{section.name}_instants_us").reshape(-1, len(section.extremes))
            if section.extremes
            else np.zeros((len(sums), 0), dtype=np.int64)
        )
        # The last row stands for a key that was never touched.
        self._sums: Floats = np.vstack([sums, np.zeros((1, len(section.sums)))])
        self._instants: Instants = np.vstack([instants, unset(section)[None, :]])
        self._reference = reference(table)

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], Index]:
        """Every (state, key) as one number, ascending, and where its row is."""
        states = np.repeat(np.arange(len(self.n_keys)), self.n_keys)
        numbers = states * max(len(self._words), 1) + self._codes
        order = np.argsort(numbers, kind="stable")
        return numbers[order], order

    def past(self, states: Index, keys: Sequence[str] | pa.Array, at: Instants) -> Past:
        """How the memory of one key of one state looks from an instant, for many of these at once.

        Args:
            states: The state of each row, ``[n]``.
            keys: The key of each row; null or unknown keys give an empty past.
            at: The instant of each row, microseconds UTC, ``[n]``.
        """
        rows = self._find(states, keys if isinstance(keys, pa.Array) else pa.array(keys, pa.string()))
        return past(self._section, self._sums[rows], self._instants[rows], self._reference[states], at)

    def _find(self, states: Index, keys: pa.Array) -> Index:
        nowhere = len(self._codes)
        if nowhere == 0:
            return np.full(len(states), nowhere, dtype=np.intp)
        codes = pc.fill_null(pc.index_in(keys, value_set=self._words), -1).to_numpy().astype(np.int64)
        numbers, order = self._sorted
        wanted = states * len(self._words) + codes
        place = np.minimum(np.searchsorted(numbers, wanted), nowhere - 1)
        return np.where((codes >= 0) & (numbers[place] == wanted), order[place], nowhere)


def dense(section: Section, table: pa.Table) -> tuple[Floats, Instants]:
    """The sums ``[n_states, n_sums]`` and instants ``[n_states, n_extremes]`` of a section without key."""
    if section.key is not Key.NONE:
        raise ValueError(f"section {section.name} is kept by {section.key}: use Keyed")
    sums = [_column(table, f"{section.name}_{s.name}", 0.0) for s in section.sums]
    instants = [
        _column(table, f"{section.name}_{e.name}_us", nothing.item())
        for e, nothing in zip(section.extremes, unset(section), strict=True)
    ]
    return np.column_stack(sums).astype(np.float64), np.column_stack(instants).astype(np.int64)


def reference(table: pa.Table) -> Instants:
    """The instant to which the sums of each state are aged; ``NEVER`` where there is no history."""
    return _column(table, REFERENCE.name, int(NEVER)).astype(np.int64)


def _column(table: pa.Table, name: str, nothing: float) -> NDArray[np.float64] | NDArray[np.int64]:
    values: NDArray[np.float64] | NDArray[np.int64] = pc.fill_null(table[name], nothing).to_numpy()
    return values


def _flat(table: pa.Table, name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = pc.list_flatten(table[name].combine_chunks()).to_numpy(zero_copy_only=False)
    return values
