"""The tables as a kernel gets them: by their addresses."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from serving.trees.kernels.compiled import compiled
from serving.trees.kernels.tables import Layout, Questions, Room, Still

I8, I4, F8 = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float64)
U8, U4 = np.empty(0, np.uint64), np.empty(0, np.uint32)


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
        borrow(tables, 17, I8),
        borrow(tables, 18, I4),
        borrow(tables, 19, I8),
        borrow(tables, 20, I8),
        borrow(tables, 21, I8),
        borrow(tables, 22, I8),
        borrow(tables, 23, F8),
        borrow(tables, 24, I8),
        borrow(tables, 25, U8),
        borrow(tables, 26, I8),
    )
    left = Still(
        borrow(tables, 27, I8),
        borrow(tables, 28, word),
        borrow(tables, 29, U8),
        borrow(tables, 30, U8),
    )
    right = Still(
        borrow(tables, 31, I8),
        borrow(tables, 32, word),
        borrow(tables, 33, U8),
        borrow(tables, 34, U8),
    )
    room = Room(
        borrow(tables, 35, F8),
        borrow(tables, 36, U8),
        borrow(tables, 37, I8),
        borrow(tables, 38, I8),
        borrow(tables, 39, word),
        borrow(tables, 40, U8),
        borrow(tables, 41, U8),
        borrow(tables, 42, F8),
        borrow(tables, 43, F8),
        borrow(tables, 44, word),
        borrow(tables, 45, U8),
        borrow(tables, 46, U8),
        borrow(tables, 47, I8),
        borrow(tables, 48, I8),
        borrow(tables, 49, I8),
    )
    return q, layout, left, right, room
