"""The compiled loops. All stand in this file: numba's cache on disk notices changes to the file of a kernel only.

A set of leaves is a machine word with a bit for each leaf of a tree.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from serving.trees.tables import LANES, LEFT, RIGHT, Layout, Questions, Room, Still

I8, I4, F8 = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float64)
U8, U4 = np.empty(0, np.uint64), np.empty(0, np.uint32)
ZERO = 1.0000000180025095e-35
"""LightGBM takes what is no further from zero than this (1e-35 in float32) for zero."""
compiled = njit(cache=True, nogil=True, _nrt=False)
"""Without counting references to arrays, which costs more here than the work; so kernels allocate nothing."""
inlined = njit(cache=True, nogil=True, _nrt=False, inline="always")
"""Put into its caller: handing tables to a function called for each tree costs more than what the function does."""
FULL, ONE, NONE = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(1), np.uint64(0)
BLOCK = 64
"""Rows that are scored together: their values and masks stay in the nearest cache."""


@intrinsic
def lowest(typingctx, word):  # noqa: ARG001
    """The number of the lowest bit that is set; undefined for 0."""

    def build(context, builder, signature, args):  # noqa: ARG001
        answer = builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))
        return builder.zext(answer, ir.IntType(64)) if answer.type.width < 64 else answer

    return types.uint64(word), build


def _tables(module):
    """The name of everything that ``look`` reads, which ``add`` and ``put`` never write."""
    return module.add_metadata([module.add_metadata(["kairos table", module.add_metadata(["kairos tables"])])])


@intrinsic
def look(typingctx, array, start, place):  # noqa: ARG001
    """``array[start + place]`` of a contiguous array that ``add``, ``put`` and ``keep`` never write to.

    Knowing that is what lets the compiler look up many places at once: it cannot see it when places are computed.
    """

    def build(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        value = builder.load(builder.gep(builder.gep(data, [args[1]]), [args[2]]))
        value.set_metadata("alias.scope", _tables(builder.module))
        return value

    return array.dtype(array, start, place), build


@intrinsic
def at(typingctx, array, start, place):  # noqa: ARG001
    """``array[start + place]`` of a contiguous array, where neither is below 0."""

    def build(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.load(builder.gep(builder.gep(data, [args[1]]), [args[2]]))

    return array.dtype(array, start, place), build


@intrinsic
def borrow(typingctx, tables, number, like):  # noqa: ARG001
    """The array that ``addresses`` put down as this number, with elements like those of ``like``."""
    kind = types.Array(like.dtype, 1, "C")

    def build(context, builder, signature, args):  # noqa: ARG001
        data = context.make_array(tables)(context, builder, args[0]).data
        where = builder.gep(data, [builder.shl(args[1], ir.Constant(args[1].type, 1))])
        length = builder.load(builder.gep(where, [ir.Constant(ir.IntType(64), 1)]))
        array = context.make_array(kind)(context, builder)
        size = context.get_constant(types.intp, like.dtype.bitwidth // 8)
        data = builder.inttoptr(builder.load(where), array.data.type)
        populate_array(array, data=data, shape=[length], strides=[size], itemsize=size, meminfo=None)
        return array._getvalue()

    return kind(tables, number, like), build


@intrinsic
def put(typingctx, array, place, value):  # noqa: ARG001
    """``array[place] = value`` in a contiguous array that ``look`` never reads."""

    def build(context, builder, signature, args):
        where, value = _where(context, builder, signature, args)
        builder.store(value, where).set_metadata("noalias", _tables(builder.module))
        return context.get_dummy_value()

    return types.void(array, place, value), build


@intrinsic
def add(typingctx, array, place, value):  # noqa: ARG001
    """``array[place] += value`` in a contiguous float64 array that ``look`` never reads."""
    return types.void(array, place, value), _change(lambda builder: builder.fadd)


@intrinsic
def keep(typingctx, array, place, value):  # noqa: ARG001
    """``array[place] &= value`` in a contiguous array of words that ``look`` never reads."""
    return types.void(array, place, value), _change(lambda builder: builder.and_)


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
            passes = builder.fcmp_ordered("<=", lanes, _everywhere(builder, threshold, number))
            kept = builder.select(passes, _everywhere(builder, passed, word), _everywhere(builder, failed, word))
            builder.store(builder.and_(builder.load(left), kept), left)
        left = builder.load(left)
        builder.store(left, builder.bitcast(builder.gep(out, [args[7]]), word.as_pointer()), align=4)
        for number, name, change in ((8, "and", builder.and_), (9, "or", builder.or_)):
            known = builder.gep(
                context.make_array(signature.args[number])(context, builder, args[number]).data, [args[10]]
            )
            one = _call(builder, f"llvm.vector.reduce.{name}.v{LANES}i{word.element.width}", word.element, left)
            one = builder.zext(one, ir.IntType(64)) if word.element.width < 64 else one
            builder.store(change(builder.load(known), one), known)
        return context.get_dummy_value()

    return types.void(values, first, stride, tests, start, end, masks, to, every, some, row), build


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
        reach = _everywhere(builder, builder.trunc(args[2], word) if word.width < 64 else args[2], words)
        table = _everywhere(builder, builder.ptrtoint(builder.gep(table, [args[4]]), place), places)
        with cgutils.for_range_slice(builder, args[1].type(0), args[1], args[1].type(LANES)) as (k, _):
            here = builder.and_(_load(builder, left, k, words), reach)
            leaf = _call(builder, f"llvm.cttz.v{LANES}i{word.width}", words, here, ir.IntType(1)(1))
            leaf = builder.zext(leaf, places) if word.width < 64 else leaf
            where = builder.inttoptr(
                builder.add(table, builder.shl(leaf, ir.Constant(places, [3] * LANES))),
                ir.VectorType(ir.DoubleType().as_pointer(), LANES),
            )
            value = _gather(builder, numbers, where)
            with cgutils.for_range(builder, args[7]) as target:
                to = builder.add(builder.load(builder.gep(starts, [target.index])), k)
                address = builder.bitcast(builder.gep(out, [to]), numbers.as_pointer())
                builder.store(builder.fadd(builder.load(address, align=8), value), address, align=8)
        return context.get_dummy_value()

    return types.void(words, n, reach, leaves, first, sums, targets, n_targets), build


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
        first = _everywhere(builder, builder.ptrtoint(seen, place), places)
        with cgutils.for_range_slice(builder, args[1].type(0), args[1], args[1].type(LANES)) as (k, _):
            reading, threshold, passed, failed = (
                _load(builder, data, k, vector)
                for data, vector in zip(tables, (places, numbers, words, words), strict=True)
            )
            where = builder.add(first, builder.shl(reading, ir.Constant(places, [3] * LANES)))
            pointers = builder.inttoptr(where, ir.VectorType(ir.DoubleType().as_pointer(), LANES))
            passes = builder.fcmp_ordered("<=", _gather(builder, numbers, pointers), threshold)
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
        table = _everywhere(builder, builder.ptrtoint(builder.gep(table, [args[3]]), place), wide)
        places, shift = builder.gep(places, [args[5]]), ir.Constant(wide, [2 if word.width == 32 else 3] * LANES)
        with cgutils.for_range_slice(builder, args[1].type(0), args[1], args[1].type(LANES)) as (k, _):
            number = builder.sext(_load(builder, places, k, numbers), wide)
            where = builder.inttoptr(
                builder.add(table, builder.shl(number, shift)), ir.VectorType(word.as_pointer(), LANES)
            )
            address = builder.bitcast(builder.gep(left, [k]), words.as_pointer())
            kept = builder.and_(builder.load(address, align=4), _gather(builder, words, where))
            builder.store(kept, address, align=4)
        return context.get_dummy_value()

    return types.void(words, n, masks, begin, keys, key), build


def _load(builder, data, place, vector):
    """LANES neighbours from a place on."""
    return builder.load(builder.bitcast(builder.gep(data, [place]), vector.as_pointer()), align=4)


def _call(builder, name, answer, *args):
    """Call one of LLVM's own functions."""
    kind = ir.FunctionType(answer, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def _gather(builder, vector, where):
    """What stands at each address."""
    size = 4 if getattr(vector.element, "width", 64) == 32 else 8
    name = f"llvm.masked.gather.v{LANES}{vector.element.intrinsic_name}.v{LANES}p0"
    every = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [1] * LANES)
    return _call(builder, name, vector, where, ir.IntType(32)(size), every, ir.Constant(vector, ir.Undefined))


def _everywhere(builder, value, vector):
    """The value in every lane."""
    nothing, first = ir.Constant(vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    one = builder.insert_element(nothing, value, first)
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def _where(context, builder, signature, args):
    """The address of a place of an array, and a value as the array holds it."""
    data = context.make_array(signature.args[0])(context, builder, args[0]).data
    value = context.cast(builder, args[2], signature.args[2], signature.args[0].dtype)
    return builder.gep(data, [args[1]]), value


def _change(operation):
    def build(context, builder, signature, args):
        (where, value), tables = _where(context, builder, signature, args), _tables(builder.module)
        before = builder.load(where)
        before.set_metadata("noalias", tables)
        builder.store(operation(builder)(before, value), where).set_metadata("noalias", tables)
        return context.get_dummy_value()

    return build


@inlined
def padded(n):
    """The next multiple of LANES."""
    return (n + LANES - 1) // LANES * LANES


@compiled
def read(q, group, x, start, n, lanes, values):
    """What the readings of a group see of n rows that begin at x[start]; ``values`` is reading by row.

    Rows beyond the last, up to ``lanes``, are like it, so that they keep no other leaves in reach.
    """
    first, stride = q.group_readings[group], q.n_columns[group]
    for r in range(first, q.group_readings[group + 1]):
        place = start + q.place[4 * r]
        to = (r - first) * lanes
        when_nan, when_zero = q.fill[2 * r], q.fill[2 * r + 1]
        if q.place[4 * r + 1]:
            for k in range(n):
                passes = in_words(x[place + k * stride], q.words, q.place[4 * r + 2], q.place[4 * r + 3])
                values[to + k] = -np.inf if passes else np.nan
        else:
            for k in range(n):
                value = x[place + k * stride]
                seen = when_zero if abs(value) <= ZERO else value
                values[to + k] = when_nan if value != value else seen
        for k in range(n, lanes):
            values[to + k] = values[to + n - 1]


@compiled
def in_words(value, words, start, end):
    """Whether a category is in a set; NaN, what is below 0 and what no int can hold never are."""
    if not -1.0 < value < 2147483648.0:
        return False
    category = int(value)
    word = start + (category >> 5)
    return word < end and (words[word] >> np.uint32(category & 31)) & np.uint32(1) == 1


@inlined
def narrow(q, row, values, lanes, masks, to, every, some):
    """Into masks[to : to + lanes] the leaves that the tests of a row leave to each row of values.

    Into every[row] and some[row] the leaves that they leave to every row of values, and to some.
    """
    tests = (q.reading, q.threshold, q.passed, q.failed)
    every[row], some[row] = FULL, NONE
    for k in range(0, lanes, LANES):
        narrow_lanes(values, k, lanes, tests, q.starts[row], q.starts[row + 1], masks, to + k, every, some, row)


@compiled
def score_rows(q, leaves, leaf_starts, x, n_columns, values, masks, every, some, sums, target, out):
    """Raw scores of whole rows, block by block; ``q`` has one group with every column.

    Room for one block: ``values`` of all readings, ``masks``, ``sums``; ``every`` and ``some`` by row of
    the questions; ``target`` is 0.
    """
    for start in range(0, len(out), BLOCK):
        n = min(BLOCK, len(out) - start)
        lanes = padded(n)
        read(q, 0, x, start * n_columns, n, lanes, values)
        sums[:] = 0.0
        for tree in range(len(leaf_starts)):
            row = q.rows[tree]
            if row < 0:
                for k in range(lanes):
                    sums[k] += leaves[leaf_starts[tree]]
            else:
                narrow(q, row, values, lanes, masks, 0, every, some)
                add_leaves(masks, lanes, FULL, leaves, leaf_starts[tree], sums, target, 1)
        for k in range(n):
            out[start + k] = sums[k]


@compiled
def answer(q, group, x, start, n, values, masks, to, every, some):
    """The leaves that the tests of a group leave in each tree to n rows of x, and to every and to some of them."""
    lanes = padded(n)
    read(q, group, x, start, n, lanes, values)
    for row in range(q.group_rows[group], q.group_rows[group + 1]):
        narrow(q, row, values, lanes, masks, to, every, some)
        to += lanes


@compiled
def answer_alone(q, x, values, reach):
    """The leaves that the tests of group 0, in order of slots, leave to its one row, by row of the questions."""
    read(q, 0, x, 0, 1, 1, values)
    for row in range(q.group_rows[1]):
        put(reach, row, FULL)
    tests = (q.reading, q.threshold, q.passed, q.failed)
    for slot in range(len(q.slots) - 1):
        keep_answered(reach, q.slots[slot + 1] - q.slots[slot], values, tests, q.slots[slot])


@compiled
def opened(tables, word):
    """The tables whose ``addresses`` these are, in the order Questions, Layout, Still (left), Still (right), Room."""
    q = Questions(
        borrow(tables, 0, I8),
        borrow(tables, 1, I8),
        borrow(tables, 2, I8),
        borrow(tables, 3, I8),
        borrow(tables, 4, F8),
        borrow(tables, 5, U4),
        borrow(tables, 6, I8),
        borrow(tables, 7, I8),
        borrow(tables, 8, F8),
        borrow(tables, 9, word),
        borrow(tables, 10, word),
        borrow(tables, 11, I8),
        borrow(tables, 12, I8),
    )
    layout = Layout(
        borrow(tables, 13, I8),
        borrow(tables, 14, I8),
        borrow(tables, 15, I8),
        borrow(tables, 16, I8),
        borrow(tables, 17, I4),
        borrow(tables, 18, I8),
        borrow(tables, 19, I8),
        borrow(tables, 20, I8),
        borrow(tables, 21, I8),
        borrow(tables, 22, F8),
        borrow(tables, 23, I8),
        borrow(tables, 24, I8),
        borrow(tables, 25, I8),
    )
    left = Still(
        borrow(tables, 26, I8),
        borrow(tables, 27, word),
        borrow(tables, 28, U8),
        borrow(tables, 29, U8),
    )
    right = Still(
        borrow(tables, 30, I8),
        borrow(tables, 31, word),
        borrow(tables, 32, U8),
        borrow(tables, 33, U8),
    )
    room = Room(
        borrow(tables, 34, F8),
        borrow(tables, 35, word),
        borrow(tables, 36, U8),
        borrow(tables, 37, U8),
        borrow(tables, 38, F8),
        borrow(tables, 39, F8),
        borrow(tables, 40, word),
        borrow(tables, 41, U8),
        borrow(tables, 42, U8),
        borrow(tables, 43, I8),
        borrow(tables, 44, I8),
        borrow(tables, 45, I8),
    )
    return q, layout, left, right, room


@compiled
def score_pairs(tables, word, inputs, out):
    """Raw scores of all pairs for one customer, forest by forest.

    Args:
        tables: See ``opened``; group 0 of the questions is the customer.
        word: An array of the type of the masks.
        inputs: float64, the values of the groups one after the other, each ``[n_keys, n_columns]``.
        out: float64 ``[n_forests, n_pairs]``, written.
    """
    q, layout, left, right, room = opened(tables, word)
    answer_all(q, layout, room, inputs)
    for forest in range(len(out)):
        room.sums[:] = 0.0
        room.fixed[:] = 0.0
        add_trees(q, layout, left, right, room, forest)
        collect(layout, room.sums, room.fixed, out[forest])


@compiled
def answer_all(q, layout, room, inputs):
    """The tests of all groups on one request."""
    answer_alone(q, inputs, room.values, room.some)
    start = q.n_columns[0]
    for group in range(1, len(layout.n_keys)):
        n = layout.n_keys[group]
        to = layout.origin[group] + q.group_rows[group] * layout.lanes[group]
        answer(q, group, inputs, start, n, room.values, room.masks, to, room.every, room.some)
        start += n * q.n_columns[group]


@inlined
def reached(q, left, right, some, tree):
    """The leaves of a tree that some pair may reach."""
    reach = FULL
    for group in range(len(q.n_columns)):
        row = q.rows[group * len(left.rows) + tree]
        if row >= 0:
            reach &= some[row]
    if left.rows[tree] >= 0:
        reach &= left.some[left.rows[tree]]
    if right.rows[tree] >= 0:
        reach &= right.some[right.rows[tree]]
    return reach


@inlined
def telling(q, layout, room, tree, n_trees, side, reach):
    """Into room.needed the groups of one side that tell apart leaves in reach; their number."""
    n = 0
    for group in range(1, len(layout.side)):
        row = q.rows[group * n_trees + tree]
        if layout.side[group] == side and row >= 0 and reach & ~room.every[row] != 0:
            room.needed[n] = group
            n += 1
    return n


@inlined
def tells(still, tree, reach):
    """Whether the static tests of one side tell apart leaves in reach."""
    row = still.rows[tree]
    return row >= 0 and reach & ~still.every[row] != 0


@inlined
def reach_right(q, layout, right, room, tree, reach):
    """Into room.reaches the leaves in reach from each place on the right."""
    n_right, n_trees = layout.sizes[1], len(right.rows)
    for c in range(n_right):
        room.reaches[c] = reach
    for i in range(telling(q, layout, room, tree, n_trees, RIGHT, reach)):
        group = room.needed[i]
        start = layout.origin[group] + q.rows[group * n_trees + tree] * layout.lanes[group]
        key = layout.key_start[group]
        for c in range(n_right):
            room.reaches[c] &= np.uint64(room.masks[start + layout.keys[key + c]])
    if tells(right, tree, reach):
        start = right.rows[tree] * padded(n_right)
        for c in range(n_right):
            room.reaches[c] &= np.uint64(right.masks[start + c])


@inlined
def alike(room, n_right):
    """Into room.distinct the different leaves in reach, into room.owner which of them each place has; their number."""
    n = 0
    for c in range(n_right):
        d = n
        for known in range(n):
            d = known if room.distinct[known] == room.reaches[c] else d
        room.distinct[d] = room.reaches[c]
        room.owner[c] = d
        n += d == n
    return n


@inlined
def build_left(q, layout, left, room, tree, n_needed, still):
    """Into room.built the leaves left at each place on the left by the groups needed, and where needed static tests."""
    n_left, n_trees = layout.sizes[0], len(left.rows)
    start = left.rows[tree] * n_left
    for k in range(n_left):
        put(room.built, k, look(left.masks, start, k) if still else FULL)
    for i in range(n_needed):
        group = room.needed[i]
        start = layout.origin[group] + q.rows[group * n_trees + tree] * layout.lanes[group]
        keep_looked_up(room.built, n_left, room.masks, start, layout.keys, layout.key_start[group])


@inlined
def add_built(layout, room, tree, n, base):
    """Add the leaves of room.built[:n], with those in reach from each place on the right, to the sums from base on."""
    n_right = layout.sizes[1]
    for d in range(alike(room, n_right)):
        n_targets = 0
        for c in range(n_right):
            room.targets[n_targets] = base + c * n
            n_targets += room.owner[c] == d
        if n_targets == n_right:
            room.targets[0], n_targets = base + n_right * n, 1
        first = layout.leaf_start[tree]
        add_leaves(room.built, n, room.distinct[d], layout.leaves, first, room.sums, room.targets, n_targets)


@inlined
def add_tree(q, layout, left, right, room, tree, reach):
    """Add one tree to the sums of what it still depends on: places on the right, keys of one group, or the grid."""
    reach_right(q, layout, right, room, tree, reach)
    still = tells(left, tree, reach)
    n_needed = telling(q, layout, room, tree, len(left.rows), LEFT, reach)
    if not still and n_needed == 0:
        for c in range(layout.sizes[1]):
            room.fixed[c] += layout.leaves[layout.leaf_start[tree] + lowest(room.reaches[c])]
    elif not still and n_needed == 1:
        group = room.needed[0]
        lanes = layout.lanes[group]
        start = layout.origin[group] + q.rows[group * len(left.rows) + tree] * lanes
        for k in range(lanes):
            put(room.built, k, look(room.masks, start, k))
        add_built(layout, room, tree, lanes, layout.sum_start[group])
    else:
        build_left(q, layout, left, room, tree, n_needed, still)
        add_built(layout, room, tree, layout.sizes[0], layout.sum_start[0])


@compiled
def add_trees(q, layout, left, right, room, forest):
    """Add the trees of a forest to the sums by cell of the grid, by key, and by place on the right."""
    same = 0.0
    for tree in range(layout.forest_start[forest], layout.forest_start[forest + 1]):
        reach = reached(q, left, right, room.some, tree)
        if reach & (reach - ONE) == 0 or layout.single[tree]:
            same += layout.leaves[layout.leaf_start[tree] + lowest(reach)]
        else:
            add_tree(q, layout, left, right, room, tree, reach)
    for c in range(layout.sizes[1]):
        room.fixed[c] += same


@compiled
def collect(layout, sums, fixed, out):
    """The sums of each pair."""
    n_left, n_right = layout.sizes[0], layout.sizes[1]
    for c in range(n_right):
        cell = c * n_left
        for k in range(n_left):
            add(sums, cell + k, at(sums, n_right * n_left, k) + fixed[c])
        for group in range(1, len(layout.n_keys)):
            if layout.side[group] == LEFT:
                n, key = layout.lanes[group], layout.key_start[group]
                own, shared = layout.sum_start[group] + c * n, layout.sum_start[group] + n_right * n
                for k in range(n_left):
                    place = look(layout.keys, key, k)
                    add(sums, cell + k, at(sums, own, place) + at(sums, shared, place))
    for pair in range(len(out)):
        out[pair] = sums[layout.pair[pair]]
