"""What is told of the pairs that are chosen: their figures, and the reasons that hold for each."""

from __future__ import annotations

from struct import Struct

import numpy as np

from serving.trees.kernels.compiled import reckoned

TOLD = 14
"""Figures of a pair that are told of any: score and value, eight components, four probabilities."""
WIDTH = TOLD + 2
"""Those of one that is chosen: how many contacts it rests on, too, with its offer and with similar ones."""
BEST = 2
"""Those of the best pair of a channel: score, and the probability of being noticed."""
MOST = 4
"""Reasons given for one offer."""
PARTS = MOST + 3
"""Parts that these are told in at most: what has many values is taken apart, so that few parts are ever said."""
_NOUN, _WHICH, _OPENS = 1 << 32, 1 << 56, 1 << 62
"""A part is one number: the value that is read in it, as the bits of a float32, then in higher bits the noun that it is
about, which one it is, and whether it is the first of all."""
(
    USED_FOR,
    USED_KIND,
    BUYS,
    IS_DUE,
    LOOKED_AT,
    USES,
    NOTICES,
    TAKEN_BY_ALL,
    ALIKE,
    BOUGHT_BY_ALL,
    NOTHING_KNOWN,
    AGO,
    SHARE,
    WERE_TAKEN,
) = range(14)
NO_SHARE = 0.0
"""Stands for a share of all purchases that is too small to be told."""
_UNKNOWN = float("nan")


@reckoned
def tell(score, value, noticed, used, bought, organic, weight, lever, scarcity, known, places, out, width):
    """What was found of some pairs; all float64 ``[n_pairs]`` where nothing else is said.

    Args:
        score: What they are ranked by.
        value: ``[6, n_pairs]``, see ``loops.value``.
        noticed: Probabilities; ``used``, ``bought`` and ``organic`` likewise.
        weight: What the policy makes of them; ``lever`` and ``scarcity`` likewise.
        known: Whether ``noticed`` and ``organic`` are; otherwise NaN is written, whatever stands there.
        places: int64 ``[n]``.
        out: Written, TOLD for each, from each ``width`` on: score, value, components, and the probabilities in the
            order of the arguments ``noticed``, ``used``, ``bought``, ``organic``.
        width: How far from one pair to the next.
    """
    for i in range(len(places)):
        pair, at = places[i], i * width
        total = value[5, pair]
        out[at], out[at + 1] = score[pair], total
        for part in range(5):
            out[at + 2 + part] = value[part, pair]
        out[at + 7] = (weight[pair] - 1.0) * (0.0 if total < 0.0 else total)
        out[at + 8], out[at + 9] = lever[pair], scarcity[pair]
        out[at + 10] = noticed[pair] if known[0] else _UNKNOWN
        out[at + 11], out[at + 12] = used[pair], bought[pair]
        out[at + 13] = organic[pair] if known[1] else _UNKNOWN


@reckoned
def lay_out(
    score,
    value,
    noticed,
    used,
    bought,
    organic,
    weight,
    lever,
    scarcity,
    known,
    moments,
    places,
    rows,
    nouns,
    read,
    seen,
    out,
    said,
):
    """What is told of the chosen pairs, and of the best of each channel.

    Args:
        score: See ``tell``; so are all up to ``known``.
        moments: int64 ``[n_pairs]``.
        places: int64 ``[n + m]``: the n that are chosen, then those of the m channels.
        rows: int64 ``[n_pairs]``: the number of each among all pairs that there are.
        nouns: int64 ``[3, n_all]``, see ``Nouns``.
        read: int64, the columns of ``seen`` that are read, in the order of ``reasons.READ``.
        seen: float32 ``[n, n_features]``, what the models saw of the chosen.
        out: float64, written: n times WIDTH figures, then m times BEST.
        said: int64, written: the number of each of the n + m among all pairs; then of the n the moments, in how many
            parts the reasons of each are told, and these parts.

    Returns:
        Where ``said`` ends.
    """
    n = seen.shape[0]
    tell(
        score,
        value,
        noticed,
        used,
        bought,
        organic,
        weight,
        lever,
        scarcity,
        known,
        places[:n],
        out,
        WIDTH,
    )
    at, count = n * WIDTH, len(places) + n
    end = count + n
    for i in range(len(places)):
        said[i] = rows[places[i]]
    for i in range(n, len(places)):
        pair = places[i]
        out[at] = score[pair]
        out[at + 1] = noticed[pair] if known[0] else _UNKNOWN
        at += BEST
    for i in range(n):
        row = said[i]
        out[i * WIDTH + TOLD] = seen[i, read[_SENT]]
        out[i * WIDTH + TOLD + 1] = seen[i, read[_SIMILAR]]
        said[len(places) + i] = moments[places[i]]
        told = give_reasons(seen[i], read, nouns[0, row], nouns[1, row], nouns[2, row], said[end : end + PARTS])
        said[count + i] = told
        end += told
    return end


_BOUGHT, _DAYS, _SHARE, _DUE, _LOOKED, _REDEEMED, _USES = range(7)
_AGO, _CONTACTS, _NOTICE, _SENT, _TAKEN, _SIMILAR, _EVERYBODY = range(7, 14)
"""Where READ has each of the features that reasons are read from."""


@reckoned
def give_reasons(seen, read, thing, category, channel, out):
    """Write the first few reasons that hold, from the most personal to the most general; in how many parts.

    One that admits it where none does. What is unknown is NaN, which no comparison holds for. What was yesterday is
    not rounded to two days.

    Args:
        seen: float32 ``[n_features]``, the vector that was scored.
        read: intp ``[14]``, where it has the features that reasons are read from, in the order of READ.
        thing, category, channel: Numbers of nouns, fewer than 2**24; ``thing`` is -1 where nothing can be bought.
        out: int64 ``[PARTS]``.
    """
    n = more = 0
    if seen[read[_REDEEMED]] >= 0.1:
        n = _put(out, n, USED_KIND if thing < 0 else USED_FOR, category if thing < 0 else thing, 0.0)
    if thing >= 0:
        bought, days, share = float(seen[read[_BOUGHT]]), float(seen[read[_DAYS]]), float(seen[read[_SHARE]])
        if bought >= 0.5 and days >= 0:
            n = _put(out, n, BUYS, thing, 0.0)
            n = _put(out, n, AGO, 0, _whole(days))
            n = _put(out, n, SHARE, 0, np.rint(100.0 * share) if share >= 0.01 else NO_SHARE)
            more = 2
        if seen[read[_DUE]] >= 0.6 and bought >= 2:
            n = _put(out, n, IS_DUE, thing, 0.0)
        if seen[read[_LOOKED]] >= 0.3:
            n = _put(out, n, LOOKED_AT, thing, 0.0)
    ago, notice = float(seen[read[_AGO]]), float(seen[read[_NOTICE]])
    if seen[read[_USES]] >= 0.25 and ago >= 0 and n - more < MOST:
        n = _put(out, n, USES, 0, _whole(ago))
    if notice >= 0.5 and seen[read[_CONTACTS]] >= 0.5 and n - more < MOST:
        n = _put(out, n, NOTICES, channel, np.rint(100.0 * notice))
    if n - more < MOST:
        if seen[read[_SENT]] >= 1:
            n = _put(out, n, TAKEN_BY_ALL, 0, seen[read[_SENT]])
            n = _put(out, n, WERE_TAKEN, 0, seen[read[_TAKEN]])
            more += 1
        elif seen[read[_SIMILAR]] >= 1:
            n = _put(out, n, ALIKE, 0, seen[read[_SIMILAR]])
    if float(seen[read[_EVERYBODY]]) >= 0.001 and thing >= 0 and n - more < MOST:
        n = _put(out, n, BOUGHT_BY_ALL, thing, seen[read[_EVERYBODY]])
    return n if n > 0 else _put(out, n, NOTHING_KNOWN, 0, 0.0)


@reckoned
def _put(out, n, which, noun, value):
    """Write a part; how many there are then."""
    bits = np.int64(np.float32(value).view(np.int32)) & (_NOUN - 1)
    out[n] = bits + noun * _NOUN + which * _WHICH + (_OPENS if n == 0 else 0)
    return n + 1


@reckoned
def _whole(days):
    return np.rint(days) if days >= 2 else np.trunc(days)


def read_part(part: int) -> tuple[bool, int, int, float]:
    """Whether it is the first of all, which part it is, the noun that it is about, and the value that is read in it."""
    (value,) = _VALUE.unpack((part & (_NOUN - 1)).to_bytes(4, "little"))
    return part >= _OPENS, part % _OPENS // _WHICH, part % _WHICH // _NOUN, value


_VALUE = Struct("<f")
