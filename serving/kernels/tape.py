"""The steps of a tape, taken for all keys at once."""

from __future__ import annotations

import numpy as np

from serving.trees.kernels.compiled import reckoned

ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM, NEGATIVE, COPY, SPREAD, WHERE = range(9)
ISNAN, LESS_EQUAL, LESS, GREATER, GREATER_EQUAL, EQUAL, NOT_EQUAL, OR, AND, NOT = range(9, 19)
"""Steps of a tape."""
WIDTH, TOLD = 6, 3
"""Numbers of a step: its code, how many keys, where the answer stands, where the inputs do. And of what is told: where
it stands, where it goes, how many keys."""


@reckoned
def play(v, steps):
    """Take the steps in their order. Every input of a step but SPREAD's has a value for each key, side by side."""
    for i in range(0, len(steps), WIDTH):
        code, n = steps[i], steps[i + 1]
        out, x, y = (
            v[steps[i + 2] : steps[i + 2] + n],
            v[steps[i + 3] : steps[i + 3] + n],
            v[steps[i + 4] : steps[i + 4] + n],
        )
        if code == ADD:
            for k in range(n):
                out[k] = x[k] + y[k]
        elif code == SUBTRACT:
            for k in range(n):
                out[k] = x[k] - y[k]
        elif code == MULTIPLY:
            for k in range(n):
                out[k] = x[k] * y[k]
        elif code == DIVIDE:
            for k in range(n):
                out[k] = x[k] / y[k]
        elif code == WHERE:
            z = v[steps[i + 5] : steps[i + 5] + n]
            for k in range(n):
                out[k] = y[k] if x[k] != 0.0 else z[k]
        elif code == COPY:
            for k in range(n):
                out[k] = x[k]
        elif code == SPREAD:
            value = x[0]
            for k in range(n):
                out[k] = value
        elif code == NEGATIVE:
            for k in range(n):
                out[k] = -x[k]
        elif code == ISNAN:
            for k in range(n):
                out[k] = 1.0 if x[k] != x[k] else 0.0
        elif code == MAXIMUM:
            for k in range(n):
                out[k] = x[k] if x[k] >= y[k] or x[k] != x[k] else y[k]
        elif code == NOT:
            for k in range(n):
                out[k] = 1.0 - x[k]
        else:
            _compare(code, x, y, out)


@reckoned
def _compare(code, x, y, out):
    """1.0 where it holds, 0.0 elsewhere."""
    n = len(out)
    if code == LESS_EQUAL:
        for k in range(n):
            out[k] = 1.0 if x[k] <= y[k] else 0.0
    elif code == LESS:
        for k in range(n):
            out[k] = 1.0 if x[k] < y[k] else 0.0
    elif code == GREATER:
        for k in range(n):
            out[k] = 1.0 if x[k] > y[k] else 0.0
    elif code == GREATER_EQUAL:
        for k in range(n):
            out[k] = 1.0 if x[k] >= y[k] else 0.0
    elif code == EQUAL:
        for k in range(n):
            out[k] = 1.0 if x[k] == y[k] else 0.0
    elif code == NOT_EQUAL:
        for k in range(n):
            out[k] = 1.0 if x[k] != y[k] else 0.0
    elif code == OR:
        for k in range(n):
            out[k] = 1.0 if (x[k] != 0.0) | (y[k] != 0.0) else 0.0
    else:
        for k in range(n):
            out[k] = 1.0 if (x[k] != 0.0) & (y[k] != 0.0) else 0.0


@reckoned
def finish(v, steps, told, out):
    """Take the last steps, and write into the answer, float64, what is told, rounded to float32."""
    play(v, steps)
    for i in range(0, len(told), TOLD):
        n = told[i + 2]
        value, to = v[told[i] : told[i] + n], out[told[i + 1] : told[i + 1] + n]
        for k in range(n):
            to[k] = np.float64(np.float32(value[k]))
