"""Numbers, instants and what stands between them, written as JSON."""

from __future__ import annotations

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from serving.trees.kernels.compiled import reckoned

WIDEST = 24
"""Characters that one number takes at most."""


@intrinsic
def _move(typingctx, text, out, at):  # noqa: ARG001
    """Copy a text to a place, as C does: most texts are short, and what loops over bytes become is for long ones."""

    def build(context, builder, signature, args):  # noqa: ARG001
        source = context.make_array(text)(context, builder, args[0])
        target = context.make_array(out)(context, builder, args[1])
        cgutils.raw_memcpy(builder, builder.gep(target.data, [args[2]]), source.data, source.nitems, 1)
        return context.get_dummy_value()

    return types.void(text, out, types.int64), build


@reckoned
def copy(text, out, at):
    """Write a text from a place on; where it ends."""
    _move(text, out, at)
    return at + len(text)


@reckoned
def write_number(value, scale, decimals, out, at):
    """Write a number from a place on, rounded; where it ends.

    Args:
        value: float64. What is no number is null.
        scale: float64, a power of ten.
        decimals: Which power this is.
        out: uint8, written: WIDEST characters at most.
        at: From where on.

    Returns:
        −1 where a number is so large (1e15 with the digits that are wanted) that a double does not tell them all.
    """
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
    at = write_whole(whole, out, at)
    out[at] = 46
    out[at + 1] = 48
    _digits(left, decimals, out, at + 1)
    at += max(decimals, 1) + 1
    while out[at - 1] == 48 and out[at - 2] != 46:
        at -= 1
    return at


@reckoned
def write_whole(number, out, at):
    """Write a whole number, 0 or more, from a place on; where it ends."""
    whole, power, digits = np.uint64(number), _TEN, 1
    while whole >= power:
        power *= _TEN
        digits += 1
    _digits(whole, digits, out, at)
    return at + digits


@reckoned
def write_instant(instant, out, at):
    """Write an instant, microseconds from 1970-01-01 to 9999-12-31, as ``format_instant`` does; where it ends.

    Of the calendar: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    """
    seconds = instant // 1_000_000
    micros, day = instant - 1_000_000 * seconds, seconds // 86_400
    second = seconds - 86_400 * day
    day += 719_468
    era = day // 146_097
    of_era = day - 146_097 * era
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    year += 400 * era + (1 if month <= 2 else 0)
    out[at], out[at + 5], out[at + 8], out[at + 11], out[at + 14], out[at + 17] = 34, 45, 45, 84, 58, 58
    _digits(np.uint64(year), 4, out, at + 1)
    _digits(np.uint64(month), 2, out, at + 6)
    _digits(np.uint64(day), 2, out, at + 9)
    _digits(np.uint64(second // 3_600), 2, out, at + 12)
    _digits(np.uint64(second // 60 % 60), 2, out, at + 15)
    _digits(np.uint64(second % 60), 2, out, at + 18)
    at += 20
    if micros > 0:
        out[at] = 46
        _digits(np.uint64(micros), 6, out, at + 1)
        at += 7
    out[at], out[at + 1] = 90, 34
    return at + 2


@reckoned
def _digits(number, digits, out, at):
    """Write the last so many digits of a number from a place on."""
    for place in range(at + digits - 1, at - 1, -1):
        left = number // _TEN
        out[place] = _ZERO + (number - left * _TEN)
        number = left


_TEN, _ZERO = np.uint64(10), np.uint64(48)
