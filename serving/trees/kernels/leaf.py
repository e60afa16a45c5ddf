"""The leaf that is left in a set of leaves, and its value."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from serving.trees.kernels.tables import LANES
from serving.trees.kernels.vectors import call, everywhere, gather, load

FULL, ONE, NONE = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(1), np.uint64(0)
"""Every leaf, the first, no leaf."""


@intrinsic
def lowest(typingctx, word):  # noqa: ARG001
    """The number of the lowest bit that is set; undefined for 0."""

    def build(context, builder, signature, args):  # noqa: ARG001
        answer = builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))
        return builder.zext(answer, ir.IntType(64)) if answer.type.width < 64 else answer

    return types.uint64(word), build


@intrinsic
def add_leaves(typingctx, words, n, reach, leaves, first, sums, targets, n_targets):  # noqa: ARG001
    """To sums[target + k] add the leaf that is left in words[k] & reach, for k below n and each of the targets.

    Exactly one leaf must be left; it is looked up in leaves from ``first`` on. n is a multiple of LANES.
    """

    def build(context, builder, signature, args):
        kinds = signature.args
        left, table, out, starts = (context.make_array(kinds[n])(context, builder, args[n]).data for n in (0, 3, 5, 6))
        word, place = context.get_value_type(kinds[0].dtype), ir.IntType(64)
        words, places, numbers = (ir.VectorType(each, LANES) for each in (word, place, ir.DoubleType()))
        reach = everywhere(builder, builder.trunc(args[2], word) if word.width < 64 else args[2], words)
        table = everywhere(builder, builder.ptrtoint(builder.gep(table, [args[4]]), place), places)
        with cgutils.for_range_slice(builder, args[1].type(0), args[1], args[1].type(LANES)) as (k, _):
            here = builder.and_(load(builder, left, k, words), reach)
            leaf = call(builder, f"llvm.cttz.v{LANES}i{word.width}", words, here, ir.IntType(1)(1))
            leaf = builder.zext(leaf, places) if word.width < 64 else leaf
            where = builder.inttoptr(
                builder.add(table, builder.shl(leaf, ir.Constant(places, [3] * LANES))),
                ir.VectorType(ir.DoubleType().as_pointer(), LANES),
            )
            value = gather(builder, numbers, where)
            with cgutils.for_range(builder, args[7]) as target:
                to = builder.add(builder.load(builder.gep(starts, [target.index])), k)
                address = builder.bitcast(builder.gep(out, [to]), numbers.as_pointer())
                builder.store(builder.fadd(builder.load(address, align=8), value), address, align=8)
        return context.get_dummy_value()

    return types.void(words, n, reach, leaves, first, sums, targets, n_targets), build
