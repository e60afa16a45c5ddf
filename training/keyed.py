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
        in_order = pc.array_sort_indices(coded.dictionary)
        self._words = coded.dictionary.take(in_order)
        self._codes = np.argsort(in_order.to_numpy())[coded.indices.to_numpy()]
        self._sums: Floats = _flat(table, f"{section.name}_sums").reshape(-1, len(section.sums))
        self._instants: Instants = np.zeros((len(self._sums), 0), dtype=np.int64)
        if section.extremes:
            told = _flat(table, f"{section.name}_instants_us").reshape(-1, len(section.extremes))
            self._instants = told.astype(np.int64, copy=False)
        self._reference = reference(table)

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        """The (state, key) of each row as one number; ascending, as the keys of a state are stored.

        Raises ValueError where they are not.
        """
        states = np.repeat(np.arange(len(self.n_keys)), self.n_keys)
        numbers: NDArray[np.int64] = states * max(len(self._words), 1) + self._codes
        if np.any(numbers[1:] <= numbers[:-1]):
            raise ValueError(f"the keys of a state in {self._section.name}_keys do not ascend: run `make features`")
        return numbers

    def past(self, states: Index, keys: Sequence[str] | pa.Array, at: Instants) -> Past:
        """How the memory of one key of one state looks from an instant, for many of these at once.

        Args:
            states: The state of each row, ``[n]``.
            keys: The key of each row; null or unknown keys give an empty past.
            at: The instant of each row, microseconds UTC, ``[n]``.
        """
        rows, known = self._find(states, keys if isinstance(keys, pa.Array) else pa.array(keys, pa.string()))
        sums, instants = np.zeros((len(states), self._sums.shape[1])), np.tile(unset(self._section), (len(states), 1))
        sums[known], instants[known] = self._sums[rows], self._instants[rows]
        return past(self._section, sums, instants, self._reference[states], at)

    def _find(self, states: Index, keys: pa.Array) -> tuple[Index, NDArray[np.bool_]]:
        """The row of each (state, key) that was touched, and which ones were."""
        codes = pc.fill_null(pc.index_in(keys, value_set=self._words), -1).to_numpy().astype(np.int64)
        numbers = self._numbers
        wanted = states * len(self._words) + codes
        place = np.searchsorted(numbers, wanted)
        known = (codes >= 0) & (place < len(numbers))
        known[known] = numbers[place[known]] == wanted[known]
        return place[known], known


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
