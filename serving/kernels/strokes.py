"""Numbers, written out as JSON."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.compiled import reckoned

WIDEST = 24
"""Characters that one number takes at most."""


@reckoned
def write_rows(values, rows, widths, scales, words, stops, out, ends):
    """Write tables of numbers, each rounded, with the same words between them; returns how long it all is.

    Args:
        values: float64, table by table and row by row. What is no number is null.
        rows: How many rows each table has.
        widths: int64, how many numbers a row of each table has.
        scales: float64, powers of ten by table and column.
        words: uint8, what stands before each number of a row, and after its last, by table and column.
        stops: int64, where each of these ends in ``words``; the first begins at 0.
        out: uint8, written.
        ends: int64, written: where each row ends in ``out``.

    Returns:
        −1 where a number is so large (1e15 with the digits that are wanted) that a double does not tell them all.
    """
    at, value, row, column = 0, 0, 0, 0
    for table in range(len(widths)):
        width = widths[table]
        for _ in range(rows[table]):
            for j in range(width + 1):
                word = column + table + j
                for k in range(stops[word - 1] if word > 0 else 0, stops[word]):
                    out[at] = words[k]
                    at += 1
                if j < width:
                    at = _write(values[value], scales[column + j], out, at)
                    value += 1
                    if at < 0:
                        return at
            ends[row] = at
            row += 1
        column += width
    return at


@reckoned
def _write(value, scale, out, at):
    """Write a number from a place on; where it ends, or −1."""
    if not np.isfinite(value):
        out[at], out[at + 1], out[at + 2], out[at + 3] = 110, 117, 108, 108
        return at + 4
    whole = np.rint(value * scale)
    if abs(whole) >= 1e15:
        return -1
    left = np.int64(whole)
    if left < 0:
        left = -left
        out[at] = 45
        at += 1
    above = left // np.int64(scale)
    below = left - above * np.int64(scale)
    digits = 1
    while above >= 10**digits:
        digits += 1
    for k in range(digits):
        out[at + digits - 1 - k] = 48 + above % 10
        above //= 10
    at += digits
    out[at] = 46
    at += 1
    step = np.int64(scale) // 10
    while True:
        out[at] = 48 + (below // step if step else 0)
        at += 1
        if step:
            below -= below // step * step
            step //= 10
        if below == 0:
            return at
