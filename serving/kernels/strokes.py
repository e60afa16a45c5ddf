"""Numbers, written out as JSON."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.compiled import reckoned

WIDEST = 24
"""Characters that one number takes at most."""


@reckoned
def write_rows(values, rows, widths, scales, decimals, words, stops, out, ends):
    """Write tables of numbers, each rounded, with the same words between them; returns how long it all is.

    Args:
        values: float64, table by table and row by row. What is no number is null.
        rows: How many rows each table has.
        widths: int64, how many numbers a row of each table has.
        scales: float64, powers of ten by table and column.
        decimals: int64, which powers these are.
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
                begin = stops[word - 1] if word > 0 else 0
                at += _copy(words[begin : stops[word]], out[at:])
                if j < width:
                    at = _write(values[value], scales[column + j], decimals[column + j], out, at)
                    value += 1
                    if at < 0:
                        return at
            ends[row] = at
            row += 1
        column += width
    return at


@reckoned
def _copy(text, out):
    """Write a text; how long it is."""
    for k in range(np.uint64(len(text))):  # without a sign: what counts from the end needs a look at each
        out[k] = text[k]
    return len(text)


@reckoned
def _write(value, scale, decimals, out, at):
    """Write a number from a place on; where it ends, or −1."""
    if not np.isfinite(value):
        out[at], out[at + 1], out[at + 2], out[at + 3] = 110, 117, 108, 108
        return at + 4
    rounded = np.rint(value * scale)
    if abs(rounded) >= 1e15:
        return -1
    if rounded < 0:
        out[at] = 45
        at += 1
    # Without a sign, division by ten is a multiplication, and a fraction of what division by anything else takes.
    left, whole_scale = np.uint64(abs(rounded)), np.uint64(scale)
    whole = left // whole_scale
    left -= whole * whole_scale
    power, digits = _TEN, 1
    while whole >= power:
        power *= _TEN
        digits += 1
    _digits(whole, digits, out, at)
    at += digits
    out[at] = 46
    out[at + 1] = 48
    _digits(left, decimals, out, at + 1)
    at += max(decimals, 1) + 1
    while out[at - 1] == 48 and out[at - 2] != 46:
        at -= 1
    return at


@reckoned
def _digits(number, digits, out, at):
    """Write the last so many digits of a number from a place on."""
    for place in range(at + digits - 1, at - 1, -1):
        left = number // _TEN
        out[place] = _ZERO + (number - left * _TEN)
        number = left


_TEN, _ZERO = np.uint64(10), np.uint64(48)
