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


def _adding(value_of):
    """Code that adds to sums[target + k] a value for words[begin + k], for k below n and each of the targets.

    ``value_of`` gets the builder, the leaves in reach, the leaves, where the first one is, and the type of words; it
    gives what turns words into values.
    """

    def build(context, builder, signature, args):
        kinds = signature.args
        left, table, out, starts = (context.make_array(kinds[n])(context, builder, args[n]).data for n in (0, 4, 6, 7))
        left, n, reach, table = builder.gep(left, [args[1]]), args[2], args[3], builder.gep(table, [args[5]])
        word = context.get_value_type(kinds[0].dtype)
        words, numbers = ir.VectorType(word, LANES), ir.VectorType(ir.DoubleType(), LANES)
        value = value_of(builder, builder.trunc(reach, word) if word.width < 64 else reach, table, words)
        with cgutils.for_range_slice(builder, n.type(0), n, n.type(LANES)) as (k, _):
            found = value(load(builder, left, k, words))
            with cgutils.for_range(builder, args[8]) as target:
                to = builder.add(builder.load(builder.gep(starts, [target.index])), k)
                address = builder.bitcast(builder.gep(out, [to]), numbers.as_pointer())
                builder.store(builder.fadd(builder.load(address, align=8), found), address, align=8)
        return context.get_dummy_value()

    return build


def _looked_up(builder, reach, table, words):
    """The value of the one leaf that is left."""
    places, numbers = ir.VectorType(ir.IntType(64), LANES), ir.VectorType(ir.DoubleType(), LANES)
    reach = everywhere(builder, reach, words)
    table = everywhere(builder, builder.ptrtoint(table, places.element), places)

    def value(left):
        one = ir.IntType(1)(1)
        leaf = call(builder, f"llvm.cttz.v{LANES}i{words.element.width}", words, builder.and_(left, reach), one)
        leaf = builder.zext(leaf, places) if words.element.width < 64 else leaf
        shifted = builder.shl(leaf, ir.Constant(places, [3] * LANES))
        where = builder.inttoptr(builder.add(table, shifted), ir.VectorType(ir.DoubleType().as_pointer(), LANES))
        return gather(builder, numbers, where)

    return value


def _asked_for(n_leaves):
    """The same where so many leaves are in reach: which it is is asked, and not looked up, which takes longer."""

    def value_of(builder, reach, table, words):
        numbers, zero = ir.VectorType(ir.DoubleType(), LANES), ir.Constant(words, [0] * LANES)
        bits, values = [], []
        for _ in range(n_leaves):
            bit = builder.and_(reach, builder.neg(reach))
            reach = builder.xor(reach, bit)
            place = builder.cttz(bit, ir.Constant(ir.IntType(1), 1))
            place = builder.zext(place, ir.IntType(64)) if place.type.width < 64 else place
            bits.append(everywhere(builder, bit, words))
            values.append(everywhere(builder, builder.load(builder.gep(table, [place])), numbers))

        def value(left):
            found = values[-1]
            for bit, one in zip(bits[:-1], values[:-1], strict=True):
                found = builder.select(builder.icmp_unsigned("!=", builder.and_(left, bit), zero), one, found)
            return found

        return value

    return value_of


def _adder(value_of):
    @intrinsic
    def add_leaves(typingctx, words, begin, n, reach, leaves, first, sums, targets, n_targets):  # noqa: ARG001
        return types.void(words, begin, n, reach, leaves, first, sums, targets, n_targets), _adding(value_of)

    return add_leaves


add_leaves = _adder(_looked_up)
"""To sums[target + k] add the leaf that is left in words[begin + k] & reach, for k below n and each of the targets.

Exactly one leaf must be left; it is looked up in leaves from ``first`` on. n is a multiple of LANES."""
add_two, add_three, add_four = (_adder(_asked_for(n)) for n in (2, 3, 4))
"""The same where two, three or four leaves are in reach."""
