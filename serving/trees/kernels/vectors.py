"""Vectors of LANES values: how a kernel loads, gathers and fills them where the compiler would not."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils

from serving.trees.kernels.tables import LANES


def load(builder, data, place, vector):
    """LANES neighbours from a place on."""
    return builder.load(builder.bitcast(builder.gep(data, [place]), vector.as_pointer()), align=4)


def call(builder, name, answer, *args):
    """Call one of LLVM's own functions."""
    kind = ir.FunctionType(answer, [arg.type for arg in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def gather(builder, vector, where):
    """What stands at each address."""
    size = 4 if getattr(vector.element, "width", 64) == 32 else 8
    name = f"llvm.masked.gather.v{LANES}{vector.element.intrinsic_name}.v{LANES}p0"
    every = ir.Constant(ir.VectorType(ir.IntType(1), LANES), [1] * LANES)
    return call(builder, name, vector, where, ir.IntType(32)(size), every, ir.Constant(vector, ir.Undefined))


def everywhere(builder, value, vector):
    """The value in every lane."""
    nothing, first = ir.Constant(vector, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    one = builder.insert_element(nothing, value, first)
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))
