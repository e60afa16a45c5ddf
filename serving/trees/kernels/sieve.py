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
def narrow_lanes(typingctx, values, first, n, tests, numbers, start, end, masks, to, every, some, row):  # noqa: ARG001
    """Into masks[to : to + n] the leaves that some tests leave to each of n values of each reading.

    Into every[row] the leaves that all have, into some[row] those that any has. n is a multiple of LANES, and not 0.

    ``tests`` are their readings, thresholds, and the leaves of what passes and fails; those meant are numbers[start]
    to numbers[end], or start to end where ``numbers`` is None. The values of reading r begin at values[first + r · n].
    Written out in vectors, since the words then stay in registers from test to test.
    """

    def build(context, builder, signature, args):
        arrays = [
            context.make_array(kind)(context, builder, builder.extract_value(args[3], n)).data
            for n, kind in enumerate(signature.args[3])
        ]
        told = signature.args[4]
        listed = None if told is types.none else context.make_array(told)(context, builder, args[4]).data
        seen = context.make_array(signature.args[0])(context, builder, args[0]).data
        out = builder.gep(context.make_array(signature.args[7])(context, builder, args[7]).data, [args[8]])
        word = ir.VectorType(context.get_value_type(signature.args[7].dtype), LANES)
        number = ir.VectorType(ir.DoubleType(), LANES)
        all_of, none_of = ir.Constant(word, [-1] * LANES), ir.Constant(word, [0] * LANES)
        left, every, some = (cgutils.alloca_once(builder, word) for _ in range(3))
        builder.store(all_of, every)
        builder.store(none_of, some)
        step = args[2].type(LANES)
        with cgutils.for_range_slice(builder, args[2].type(0), args[2], step) as (k, _):
            builder.store(all_of, left)
            here = builder.add(args[1], k)
            with cgutils.for_range_slice(builder, args[5], args[6], ir.Constant(args[5].type, 1)) as (test, _):
                test = test if listed is None else builder.load(builder.gep(listed, [test]))
                reading, threshold, passed, failed = (builder.load(builder.gep(data, [test])) for data in arrays)
                place = builder.add(here, builder.mul(reading, args[2]))
                lanes = builder.load(builder.bitcast(builder.gep(seen, [place]), number.as_pointer()), align=8)
                passes = builder.fcmp_ordered("<=", lanes, everywhere(builder, threshold, number))
                kept = builder.select(passes, everywhere(builder, passed, word), everywhere(builder, failed, word))
                builder.store(builder.and_(builder.load(left), kept), left)
            words = builder.load(left)
            builder.store(words, builder.bitcast(builder.gep(out, [k]), word.as_pointer()), align=4)
            builder.store(builder.and_(builder.load(every), words), every)
            builder.store(builder.or_(builder.load(some), words), some)
        for number, name, words in ((9, "and", every), (10, "or", some)):
            to = context.make_array(signature.args[number])(context, builder, args[number]).data
            reduce = f"llvm.vector.reduce.{name}.v{LANES}i{word.element.width}"
            one = call(builder, reduce, word.element, builder.load(words))
            one = builder.zext(one, ir.IntType(64)) if word.element.width < 64 else one
            builder.store(one, builder.gep(to, [args[11]]))
        return context.get_dummy_value()

    return types.void(values, first, n, tests, numbers, start, end, masks, to, every, some, row), build


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
