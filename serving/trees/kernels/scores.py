"""The scores of all pairs of a request."""

from __future__ import annotations

from serving.trees.kernels.answers import answer_alone, look_up
from serving.trees.kernels.cells import add, at, look
from serving.trees.kernels.compiled import compiled
from serving.trees.kernels.growth import add_trees
from serving.trees.kernels.handover import opened
from serving.trees.kernels.tables import LEFT


@compiled
def score_pairs(tables, word, inputs, out):
    """Raw scores of all pairs for one customer, forest by forest.

    Args:
        tables: See ``opened``; group 0 of the questions is the customer.
        word: An array of the type of the masks.
        inputs: float64, the values of the groups one after the other, each ``[n_columns, n_keys]``.
        out: float64 ``[n_forests · n_pairs]``, written.
    """
    q, layout, left, right, room = opened(tables, word)
    answer_alone(q, inputs, room)
    look_up(q, layout, room, inputs)
    n_pairs = len(layout.pair)
    for forest in range(len(layout.forest_start) - 1):
        room.sums[:] = 0.0
        room.fixed[:] = 0.0
        add_trees(q, layout, left, right, room, forest)
        collect(layout, room.sums, room.fixed, out[forest * n_pairs : (forest + 1) * n_pairs])


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
