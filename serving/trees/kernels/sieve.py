"""What tests leave of sets of leaves, LANES sets at a time.

A set of leaves is a machine word with a bit for each leaf of a tree.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from serving.trees.kernels.tables import LANES
from serving.trees.kernels.vectors import call, everywhere, gather, load


@intrinsic
def narrow_lanes(typingctx, values, first, stride, tests, start, end, masks, to, every, some, row):  # noqa: ARG001
    """Into masks[to : to + LANES] the leaves that tests start to end leave to each of LANES values of each reading.

    every[row] keeps the leaves that all have, some[row] gets those that any has.

    ``tests`` are their readings, thresholds, and the leaves of what passes and fails; the values of reading r begin at
    values[first + r · stride]. Written out in vectors, since the words then stay in registers from test to test.
    """

    def build(context, builder, signature, args):
        arrays = [
            context.make_array(kind)(context, builder, builder.extract_value(args[3], n)).data
            for n, kind in enumerate(signature.args[3])
        ]
        seen = context.make_array(signature.args[0])(context, builder, args[0]).data
        out = context.make_array(signature.args[6])(context, builder, args[6]).data
        word = ir.VectorType(context.get_value_type(signature.args[6].dtype), LANES)
        number = ir.VectorType(ir.DoubleType(), LANES)
        left = cgutils.alloca_once_value(builder, ir.Constant(word, [-1] * LANES))
        with cgutils.for_range_slice(builder, args[4], args[5], ir.Constant(args[4].type, 1)) as (test, _):
            reading, threshold, passed, failed = (builder.load(builder.gep(data, [test])) for data in arrays)
            place = builder.add(args[1], builder.mul(reading, args[2]))
            lanes = builder.load(builder.bitcast(builder.gep(seen, [place]), number.as_pointer()), align=8)
            passes = builder.fcmp_ordered("<=", lanes, everywhere(builder, threshold, number))
            kept = builder.select(passes, everywhere(builder, passed, word), everywhere(builder, failed, word))
            builder.store(builder.and_(builder.load(left), kept), left)
        left = builder.load(left)
        builder.store(left, builder.bitcast(builder.gep(out, [args[7]]), word.as_pointer()), align=4)
        for number, name, change in ((8, "and", builder.and_), (9, "or", builder.or_)):
            known = builder.gep(
                context.make_array(signature.args[number])(context, builder, args[number]).data, [args[10]]
            )
            one = call(builder, f"llvm.vector.reduce.{name}.v{LANES}i{word.element.width}", word.element, left)
            one = builder.zext(one, ir.IntType(64)) if word.element.width < 64 else one
            builder.store(change(builder.load(known), one), known)
        return context.get_dummy_value()

    return types.void(values, first, stride, tests, start, end, masks, to, every, some, row), build


@intrinsic
def keep_answered(typingctx, reach, n, values, tests, start):  # noqa: ARG001
    """``reach[k] &=`` what test start + k leaves, for k below n, a multiple of LANES; ``tests`` as for narrow_lanes.

    Which tests a customer passes cannot be foreseen: a branch for each, as the compiler would have it, costs most of
    the time of a request.
    """

    def build(context, builder, signature, args):
        kinds = signature.args
        left, seen = (context.make_array(kinds[n])(context, builder, args[n]).data for n in (0, 2))
        tables = [
            builder.gep(context.make_array(kind)(context, builder, builder.extract_value(args[3], n)).data, [args[4]])
            for n, kind in enumerate(kinds[3])
        ]
        word, place = context.get_value_type(kinds[3][2].dtype), ir.IntType(64)
        words, places, numbers = (ir.VectorType(each, LANES) for each in (word, place, ir.DoubleType()))
        first = everywhere(builder, builder.ptrtoint(seen, place), places)
        with cgutils.for_range_slice(builder, args[1].type(0), args[1], args[1].type(LANES)) as (k, _):
            reading, threshold, passed, failed = (
                load(builder, data, k, vector)
                for data, vector in zip(tables, (places, numbers, words, words), strict=True)
            )
            where = builder.add(first, builder.shl(reading, ir.Constant(places, [3] * LANES)))
            pointers = builder.inttoptr(where, ir.VectorType(ir.DoubleType().as_pointer(), LANES))
            passes = builder.fcmp_ordered("<=", gather(builder, numbers, pointers), threshold)
            kept = builder.select(passes, passed, failed)
            kept = builder.zext(kept, places) if word.width < 64 else kept
            address = builder.bitcast(builder.gep(left, [k]), places.as_pointer())
            builder.store(builder.and_(builder.load(address, align=8), kept), address, align=8)
        return context.get_dummy_value()

    return types.void(reach, n, values, tests, start), build


@intrinsic
def keep_looked_up(typingctx, words, n, masks, begin, keys, key):  # noqa: ARG001
    """``words[k] &= masks[begin + keys[key + k]]`` for k below n, a multiple of LANES."""

    def build(context, builder, signature, args):
        kinds = signature.args
        left, table, places = (context.make_array(kinds[n])(context, builder, args[n]).data for n in (0, 2, 4))
        word, place = context.get_value_type(kinds[0].dtype), ir.IntType(64)
        words, wide = ir.VectorType(word, LANES), ir.VectorType(place, LANES)
        numbers = ir.VectorType(context.get_value_type(kinds[4].dtype), LANES)
        table = everywhere(builder, builder.ptrtoint(builder.gep(table, [args[3]]), place), wide)
        places, shift = builder.gep(places, [args[5]]), ir.Constant(wide, [2 if word.width == 32 else 3] * LANES)
        with cgutils.for_range_slice(builder, args[1].type(0), args[1], args[1].type(LANES)) as (k, _):
            number = builder.sext(load(builder, places, k, numbers), wide)
            where = builder.inttoptr(
                builder.add(table, builder.shl(number, shift)), ir.VectorType(word.as_pointer(), LANES)
            )
            address = builder.bitcast(builder.gep(left, [k]), words.as_pointer())
            kept = builder.and_(builder.load(address, align=4), gather(builder, words, where))
            builder.store(kept, address, align=4)
        return context.get_dummy_value()

    return types.void(words, n, masks, begin, keys, key), build
