"""Numbers, written out as JSON."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.compiled import reckoned

WIDEST = 24
"""Characters that one number takes at most."""


@reckoned
def write_rows(values, scales, words, stops, out, ends):
    """Write rows of numbers, each rounded, with the same words between them; returns how long it all is.

    Before number ``j`` of a row, and after the last, stands ``words[stops[j] : stops[j + 1]]``. ``scales`` are powers
    of ten, ``ends[i]`` is where row ``i`` ends in ``out``. What is no number is null. −1: one is
    so large (1e15 with the digits that are wanted) that a double does not tell them all.
    """
    at = 0
    for i in range(values.shape[0]):
        for j in range(values.shape[1] + 1):
            for k in range(stops[j], stops[j + 1]):
                out[at] = words[k]
                at += 1
            if j == values.shape[1]:
                continue
            value, scale = values[i, j], scales[j]
            if not np.isfinite(value):
                out[at], out[at + 1], out[at + 2], out[at + 3] = 110, 117, 108, 108
                at += 4
                continue
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
                    break
        ends[i] = at
    return at
