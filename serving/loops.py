"""The compiled loops of a decision but for those of trees.

All stand in this file: numba's cache on disk notices changes to the file of a kernel only.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from features.domain import DAY
from features.state import NEVER, NOT_YET

ADD, SUBTRACT, MULTIPLY, DIVIDE, MAXIMUM, NEGATIVE, COPY, WHERE = range(8)
ISNAN, LESS_EQUAL, LESS, GREATER, GREATER_EQUAL, EQUAL, NOT_EQUAL, OR, AND, NOT = range(8, 18)
"""Steps of a tape."""
compiled = njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
"""As numpy reckons; without counting references to arrays, so kernels allocate nothing."""
inlined = njit(cache=True, nogil=True, _nrt=False, error_model="numpy", inline="always")


@compiled
def play(v, steps):
    """Take the steps in their order."""
    for i in range(len(steps)):
        code, n, o = steps[i, 0], steps[i, 1], steps[i, 2]
        a, s, b, t, c, u = steps[i, 3], steps[i, 4], steps[i, 5], steps[i, 6], steps[i, 7], steps[i, 8]
        if code == ADD:
            for k in range(n):
                v[o + k] = v[a + k * s] + v[b + k * t]
        elif code == SUBTRACT:
            for k in range(n):
                v[o + k] = v[a + k * s] - v[b + k * t]
        elif code == MULTIPLY:
            for k in range(n):
                v[o + k] = v[a + k * s] * v[b + k * t]
        elif code == DIVIDE:
            for k in range(n):
                v[o + k] = v[a + k * s] / v[b + k * t]
        elif code == WHERE:
            for k in range(n):
                v[o + k] = v[b + k * t] if v[a + k * s] != 0.0 else v[c + k * u]
        elif code == COPY:
            for k in range(n):
                v[o + k] = v[a + k * s]
        elif code == NEGATIVE:
            for k in range(n):
                v[o + k] = -v[a + k * s]
        elif code == ISNAN:
            for k in range(n):
                v[o + k] = 1.0 if v[a + k * s] != v[a + k * s] else 0.0
        elif code == MAXIMUM:
            for k in range(n):
                x, y = v[a + k * s], v[b + k * t]
                v[o + k] = x if x >= y or x != x else y
        elif code == NOT:
            for k in range(n):
                v[o + k] = 1.0 - v[a + k * s]
        else:
            for k in range(n):
                v[o + k] = 1.0 if _holds(code, v[a + k * s], v[b + k * t]) else 0.0


@compiled
def _holds(code, x, y):
    if code == LESS_EQUAL:
        return x <= y
    if code == LESS:
        return x < y
    if code == GREATER:
        return x > y
    if code == GREATER_EQUAL:
        return x >= y
    if code == EQUAL:
        return x == y
    if code == NOT_EQUAL:
        return x != y
    if code == OR:
        return x != 0.0 or y != 0.0
    return x != 0.0 and y != 0.0


@compiled
def finish(v, steps, told, out):
    """Take the last steps, and write into the answer, rounded to its precision."""
    play(v, steps)
    for i in range(len(told)):
        start, step, to, apart, n = told[i, 0], told[i, 1], told[i, 2], told[i, 3], told[i, 4]
        for k in range(n):
            out[to + k * apart] = np.float32(v[start + k * step])


@compiled
def fill(v, sums, instants, rows, factors, places, at):
    """Age the sums, turn instants into days; what was never touched has none.

    Args:
        v: Written.
        sums: float64, those of all sections one after the other; ``instants`` int64 likewise.
        rows: How many keys each section has, then the row of each key, −1 for those to be left out.
        factors: float64, what remains of each sum of a section, all sections one after the other.
        places: Of each section where sums begin and how wide they are, the same of days, how many rows there are.
        at: Microseconds.
    """
    key, from_sum, from_instant, life = len(places), 0, 0, 0
    for section in range(len(places)):
        sum_start, n_sums, day_start, n_days, n_rows = places[section]
        v[sum_start : sum_start + n_rows * n_sums] = 0.0
        v[day_start : day_start + n_rows * n_days] = np.nan
        for _ in range(rows[section]):
            row = rows[key]
            if row >= 0:
                for i in range(n_sums):
                    v[sum_start + row * n_sums + i] = sums[from_sum + i] * factors[life + i]
                for i in range(n_days):
                    instant = instants[from_instant + i]
                    if instant != NEVER and instant != NOT_YET:
                        v[day_start + row * n_days + i] = max(at - instant, 0) / DAY
            key += 1
            from_sum += n_sums
            from_instant += n_days
        life += n_sums


@compiled
def lead(score, first, usable, group, out):
    """Write the leaders; how many they are."""
    out[:] = -1
    for place in range(len(score)):
        if usable[place]:
            held = out[group[place]]
            if held < 0 or _before(score, first, place, held):
                out[group[place]] = place
    n = 0
    for number in range(len(out)):
        if out[number] >= 0:
            out[n] = out[number]
            n += 1
    _sort(score, first, out, n)
    return n


@inlined
def _before(score, first, one, other):
    return score[one] > score[other] or (score[one] == score[other] and first[one] < first[other])


@compiled
def _sort(score, first, places, n):
    """Shell's sort: no room is needed, and few places are sorted."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for end in range(gap, n):
            place, at = places[end], end
            while at >= gap and _before(score, first, place, places[at - gap]):
                places[at] = places[at - gap]
                at -= gap
            places[at] = place
        gap //= 3


@compiled
def first_open(opened, wished, out):
    """The first open moment that is wished for, else the first open one; 0 where none is open.

    Args:
        opened: bool ``[n_pairs, n_moments]``.
        wished: bool ``[n_moments]``.
        out: ``[n_pairs]``, written.
    """
    for pair in range(len(out)):
        found, wish = -1, -1
        for moment in range(len(wished)):
            if opened[pair, moment]:
                if found < 0:
                    found = moment
                if wished[moment]:
                    wish = moment
                    break
        out[pair] = wish if wish >= 0 else max(found, 0)


@compiled
def value(noticed, bought, used, organic, money, patience, out):
    """What offering each pair adds up from, see ``serving.score``; float64.

    Args:
        noticed: ``[n_pairs]``; ``bought``, ``used`` and ``organic`` likewise.
        money: ``[5, n_pairs]``: margin, incentive, automatic incentive, cost, and the share of patience charged.
        patience: What a mean contact takes of it costs.
        out: ``[6, n_pairs]``, written: margin, incentive, unnoticed incentive, cost, attention, and their sum.
    """
    for pair in range(out.shape[1]):
        v, q, s, p = noticed[pair], bought[pair], used[pair], organic[pair]
        margin, incentive = v * (q - p) * money[0, pair], -v * s * money[1, pair]
        unnoticed, cost = -(1.0 - v) * p * money[2, pair], -money[3, pair]
        attention = -patience * money[4, pair]
        out[0, pair], out[1, pair], out[2, pair], out[3, pair], out[4, pair] = (
            margin,
            incentive,
            unnoticed,
            cost,
            attention,
        )
        out[5, pair] = margin + incentive + unnoticed + cost + attention


@compiled
def gather(flat, still, plan, keys, places, out):
    """The vectors of some pairs, put together from what they are made of.

    Args:
        flat: float32 ``[n]``, what is computed for one customer.
        still: float32 ``[n_pairs, n_still]``, what no customer changes.
        plan: int64 ``[n_columns, 3]``: where a column begins in ``flat``, how far from one key to the next, and the row
            of ``keys`` that tells the key. A column of ``still`` has −1 in the last place, and its number in the first.
        keys: int64 ``[n_groups, n_pairs]``.
        places: int64 ``[n]``, of the pairs.
        out: float32 ``[n, n_columns]``, written.
    """
    for i in range(len(places)):
        pair = places[i]
        for column in range(len(plan)):
            start, width, group = plan[column, 0], plan[column, 1], plan[column, 2]
            out[i, column] = still[pair, start] if group < 0 else flat[start + width * keys[group, pair]]


@compiled
def add_lines(x, place, target, unknown, nothing, mean, scale, weight, far, sums, keys, rest, out):
    """What columns contribute to linear scores, added up by target, then by pair.

    Args:
        x: float32 ``[n]``, values as they are; they are put on the scale of ``linear.compress``.
        place: int64, which values have a weight.
        target: int64 ``[n]``, the sum to which each value contributes; the first sum counts for every pair.
        unknown: float64 ``[n_parts, n]``, what an unknown value contributes; ``nothing`` what a zero does.
        mean: float64 ``[n_parts, n]``; ``scale`` and ``weight`` likewise.
        far: Beyond how many ``scale`` from the mean a value counts no further.
        sums: Room, float64 ``[n_parts, n_targets]``.
        keys: int64 ``[n_groups, n_pairs]``, the sum of each pair by group.
        rest: float64 ``[n_parts, n_pairs]``, what no value changes.
        out: The same shape, written.
    """
    sums[:] = 0.0
    for i in place:
        value = np.float64(x[i])
        if value != value:
            for part in range(len(out)):
                sums[part, target[i]] += unknown[part, i]
        elif value == 0.0:
            for part in range(len(out)):
                sums[part, target[i]] += nothing[part, i]
        else:
            value = math.copysign(math.log1p(abs(value)), value)
            for part in range(len(out)):
                told = (value - mean[part, i]) / scale[part, i]
                sums[part, target[i]] += min(max(told, -far), far) * weight[part, i]
    for part in range(len(out)):
        for pair in range(out.shape[1]):
            score = rest[part, pair] + sums[part, 0]
            for group in range(len(keys)):
                score += sums[part, keys[group, pair]]
            out[part, pair] = score
