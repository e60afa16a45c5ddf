"""The lists of an answer, written as JSON all in one go: pieces that never change, and the numbers between them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from serving.kernels.menu import BEST, WIDTH
from serving.kernels.strokes import WIDEST, copy, write_instant, write_number, write_whole
from serving.trees.kernels.compiled import reckoned
from serving.trees.kernels.handover import F8, I8, borrow

BYTES = np.empty(0, np.uint8)
HEAD, TAIL, UNSENT, BEFORE, BETWEEN, BLANK = range(6)
"""Pieces of a pair: of an item from behind its rank to its moment, from behind its last reason to its end, and from
behind its moment to its probability; of the best of a channel up to its score, and then up to the probability of being
noticed. And how many that are."""
ALONE = 1
"""Pieces of a part of a reason."""
LARGE, NARROW, UNKNOWN = -1, -2, -3
"""Why nothing is written: a number is too large, there is too little room; UNKNOWN less the place of a key in what is
told: no pieces of that key are held."""
_INSTANT, _RANK = 32, 12
"""Characters of an instant and of a rank, at most, with what stands around them."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
"""Spreads keys (Knuth, The Art of Computer Programming 3, 6.4)."""


class Form(NamedTuple):
    """What all answers share. ``scales``: powers of ten by number of an item, then by number of the best of a channel;
    ``decimals``: which powers these are. ``words``: what stands before each number of an item and after its last, then
    before a rank, and at the end of a channel, one after the other; ``stops``: where each begins, and the last ends."""

    scales: NDArray[np.float64]
    decimals: NDArray[np.int64]
    words: NDArray[np.uint8]
    stops: NDArray[np.int64]


class Hoard(NamedTuple):
    """Pieces by key, equally many of each. ``keys``: a hash table of a power of two, −1 where it is free; ``entry``:
    the number of each; ``stops``: where the pieces of one entry after the other begin in ``text``, and the last ends.
    """

    keys: NDArray[np.int64]
    entry: NDArray[np.int64]
    stops: NDArray[np.int64]
    text: NDArray[np.uint8]


@reckoned
def slot(keys, key):
    """Where a key stands in a hash table, or may be put."""
    mask = np.uint64(len(keys) - 1)
    place = (np.uint64(key) * _GOLDEN) >> np.uint64(32) & mask
    while keys[place] != key and keys[place] >= 0:
        place = (place + np.uint64(1)) & mask
    return np.int64(place)


@reckoned
def write_letter(texts, own, each, figures, told, n, m, unvalued, form, blanks, parts, out):
    """Write an answer; where it ends, or why nothing is written.

    Args:
        texts: uint8, each ended by a 0: before the items, between them and the channels, behind these; from ``own`` on
            what stands in an item of this answer alone, item by item.
        own: See above.
        each: How many of these an item has: its probability, or also what stands between moment and probability and
            what stands behind its reasons, which are those of its pair where they are empty.
        figures: float64: WIDTH of each item, then BEST of each channel.
        told: int64: the key of the pair of each item and of the best of each channel, then by item its moment, then in
            how many parts its reasons are told, then these parts.
        n: Items; ``m`` channels.
        unvalued: True where the value of items is null.
        form: Addresses of Form.
        blanks: Addresses of a Hoard of BLANK pieces each; ``parts``: of one of ALONE.
        out: uint8, written.
    """
    room = _room(texts, told, n, m, form, blanks, parts)
    if room < 0 or room > len(out):
        return room if room < 0 else NARROW
    keys, entry, stops, text = (
        borrow(blanks, 0, I8),
        borrow(blanks, 1, I8),
        borrow(blanks, 2, I8),
        borrow(blanks, 3, BYTES),
    )
    words, ends = borrow(form, 2, BYTES), borrow(form, 3, I8)
    end = _end(texts, 0)
    at, begin, part = copy(texts[:end], out, 0), end + 1, 3 * n + m
    for i in range(n):
        first = BLANK * entry[slot(keys, told[i])]
        if i > 0:
            out[at] = 44
            at += 1
        at = copy(words[ends[WIDTH + 1] : ends[WIDTH + 2]], out, at)
        at = write_whole(i + 1, out, at)
        at = copy(text[stops[first + HEAD] : stops[first + HEAD + 1]], out, at)
        at = write_instant(told[n + m + i], out, at)
        stop = _end(texts, own)
        chance, own = texts[own:stop], stop + 1
        sent = tail = texts[:0]
        if each > 1:
            stop = _end(texts, own)
            sent, own = texts[own:stop], stop + 1
            stop = _end(texts, own)
            tail, own = texts[own:stop], stop + 1
        at = copy(sent if len(sent) else text[stops[first + UNSENT] : stops[first + UNSENT + 1]], out, at)
        at = copy(chance, out, at)
        at = _write_figures(figures[i * WIDTH : (i + 1) * WIDTH], unvalued, form, out, at)
        if at < 0:
            return LARGE
        for _ in range(told[2 * n + m + i]):
            at = _write_part(told[part], parts, out, at)
            part += 1
        at = copy(tail if len(tail) else text[stops[first + TAIL] : stops[first + TAIL + 1]], out, at)
    end = _end(texts, begin)
    at, begin = copy(texts[begin:end], out, at), end + 1
    scales, decimals = borrow(form, 0, F8), borrow(form, 1, I8)
    for i in range(m):
        first = BLANK * entry[slot(keys, told[n + i])]
        if i > 0:
            out[at] = 44
            at += 1
        for k in range(BEST):
            at = copy(text[stops[first + BEFORE + k] : stops[first + BEFORE + k + 1]], out, at)
            at = write_number(figures[n * WIDTH + i * BEST + k], scales[WIDTH + k], decimals[WIDTH + k], out, at)
            if at < 0:
                return LARGE
        at = copy(words[ends[WIDTH + 2] : ends[WIDTH + 3]], out, at)
    return copy(texts[begin : _end(texts, begin)], out, at)


@reckoned
def _write_figures(figures, unvalued, form, out, at):
    """Write the numbers of an item with the words around them; where they end, or −1."""
    scales, decimals = borrow(form, 0, F8), borrow(form, 1, I8)
    words, ends = borrow(form, 2, BYTES), borrow(form, 3, I8)
    for k in range(WIDTH):
        at = copy(words[ends[k] : ends[k + 1]], out, at)
        value = np.nan if unvalued and k == 1 else figures[k]
        at = write_number(value, scales[k], decimals[k], out, at)
        if at < 0:
            return at
    return copy(words[ends[WIDTH] : ends[WIDTH + 1]], out, at)


@reckoned
def _write_part(key, parts, out, at):
    """Write one part of a reason; where it ends."""
    keys, entry, stops, text = borrow(parts, 0, I8), borrow(parts, 1, I8), borrow(parts, 2, I8), borrow(parts, 3, BYTES)
    first = entry[slot(keys, key)]
    return copy(text[stops[first] : stops[first + 1]], out, at)


@reckoned
def _room(texts, told, n, m, form, blanks, parts):
    """How long an answer is at most; UNKNOWN and below where a piece is not held."""
    found = len(texts) + (n + m) * (len(borrow(form, 2, BYTES)) + _RANK + _INSTANT + WIDTH * WIDEST)
    for i in range(n + m):
        length = _length(blanks, told[i], BLANK)
        if length < 0:
            return UNKNOWN - i
        found += length
    for i in range(3 * n + m, len(told)):
        length = _length(parts, told[i], ALONE)
        if length < 0:
            return UNKNOWN - i
        found += length
    return found


@reckoned
def _length(hoard, key, width):
    """Of the pieces of a key; −1 where there are none."""
    keys, entry, stops = borrow(hoard, 0, I8), borrow(hoard, 1, I8), borrow(hoard, 2, I8)
    place = slot(keys, key)
    if keys[place] < 0:
        return -1
    first = width * entry[place]
    return stops[first + width] - stops[first]


@reckoned
def _end(texts, begin):
    """Where a text ends."""
    while texts[begin] != 0:
        begin += 1
    return begin
