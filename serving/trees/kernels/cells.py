"""Single places of arrays: read and written so that the compiler knows that tables never change."""

from __future__ import annotations

from numba import types
from numba.extending import intrinsic


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
