"""The logarithm and the logistic curve for many values at once: without a call for each, so that compilers see vectors.

Both follow Sun's fdlibm (e_exp.c, s_log1p.c) and keep its errors of less than one unit in the last place of what it
computes.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import intrinsic

from serving.trees.kernels.compiled import reckoned

LN2_HIGH, LN2_LOW, INVERSE_LN2 = 6.93147180369123816490e-01, 1.90821492927058770002e-10, 1.44269504088896338700
MANTISSA, SQRT_HALF, ONE, SIGN = 0xFFFFFFFFFFFFF, 0x6A09E667F3BCD, 0x3FF0000000000000, -(2**63)
"""The bits behind the binary point, those of √½, the number 1, and the sign."""
STEEPEST = 700.0
"""Beyond that the logistic curve is 0 or 1 in float64."""


@intrinsic
def bits(typingctx, number):  # noqa: ARG001
    """The bits of a float64 as an int64."""
    return types.int64(types.float64), _same_bits


@intrinsic
def number(typingctx, word):  # noqa: ARG001
    """The float64 that has these bits."""
    return types.float64(types.int64), _same_bits


def _same_bits(context, builder, signature, args):
    return builder.bitcast(args[0], context.get_value_type(signature.return_type))


@reckoned
def compress(x):
    """sign(x) · log(1 + |x|); NaN stays NaN."""
    large = abs(x)
    u = 1.0 + large
    # The mantissa is brought between √½ and √2, and the exponent counts how often that took a factor of two.
    word = bits(u) + (ONE - (ONE - (1 << 52) + SQRT_HALF))
    k = np.float64(np.int32((word >> 52) - 1023))
    f = number((word & MANTISSA) + (ONE - (1 << 52) + SQRT_HALF)) - 1.0
    lost = (1.0 - (u - large) if k >= 2.0 else large - (u - 1.0)) / u
    half, s = 0.5 * f * f, f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    odd = z * (
        6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    found = s * (half + (even + odd)) + (k * LN2_LOW + lost) - half + f + k * LN2_HIGH
    return number(bits(large if large == np.inf else found) | (bits(x) & SIGN))


@reckoned
def logistic(x):
    """1 / (1 + exp(−x)), without overflow; NaN stays NaN."""
    held = min(max(-x, -STEEPEST), STEEPEST) if x == x else 0.0
    k = np.int32(INVERSE_LN2 * held + (0.5 if held >= 0.0 else -0.5))
    times = np.float64(k)
    high, low = held - times * LN2_HIGH, times * LN2_LOW
    r = high - low
    rr = r * r
    c = r - rr * (
        1.66666666666666019037e-01
        + rr
        * (
            -2.77777777770155933842e-03
            + rr * (6.61375632143793436117e-05 + rr * (-1.65339022054652515390e-06 + rr * 4.13813679705723846039e-08))
        )
    )
    power = (1.0 + (r * c / (2.0 - c) - low + high)) * number((np.int64(k) + 1023) << 52)
    return 1.0 / (1.0 + power) if x == x else x
