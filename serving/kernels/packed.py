"""Numbers in a packed value, where they stand."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def _read(kind, width):
    """Reads one number of this kind at a place counted in bytes; nothing checks that it lies within."""

    def build(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        where = builder.bitcast(builder.gep(data, [args[1]]), width.as_pointer())
        found = builder.load(where, align=1)
        return builder.zext(found, ir.IntType(64)) if kind is types.int64 and width.width < 64 else found

    return build


@intrinsic
def float_at(typingctx, value, place):  # noqa: ARG001
    """The float64 at a place."""
    return types.float64(value, place), _read(types.float64, ir.DoubleType())


@intrinsic
def integer_at(typingctx, value, place):  # noqa: ARG001
    """The int64 at a place."""
    return types.int64(value, place), _read(types.int64, ir.IntType(64))


@intrinsic
def count_at(typingctx, value, place):  # noqa: ARG001
    """The uint32 at a place."""
    return types.int64(value, place), _read(types.int64, ir.IntType(32))
