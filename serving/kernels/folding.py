"""Columns that are the same in every row, told apart from others."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.compiled import compiled


@compiled
def fold_rows(bits, marks, once, each):
    """Tell columns that are the same in every row from others; returns how many those are.

    Bit ``j`` of ``marks`` (as ``np.packbits`` has them) says that column ``j`` of ``bits`` ``[n, m]`` is one of them;
    ``once`` then holds its value, ``each`` holds the rest row by row.
    """
    rows, columns = bits.shape
    marks[:] = 0
    same = 0
    for j in range(columns):
        constant = True
        for i in range(1, rows):
            if bits[i, j] != bits[0, j]:
                constant = False
                break
        if constant:
            marks[j >> 3] |= np.uint8(128 >> (j & 7))
            if rows:
                once[same] = bits[0, j]
            same += 1
    at = 0
    for i in range(rows):
        for j in range(columns):
            if not marks[j >> 3] & np.uint8(128 >> (j & 7)):
                each[at] = bits[i, j]
                at += 1
    return same
