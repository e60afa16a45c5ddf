"""The compiled loops over events of many histories.

All stand in this file: numba's cache on disk notices changes to the file of a kernel only. None touches what another
one writes at the same time, so each may run on any number of threads.
"""

from __future__ import annotations

import numpy as np
from numba import njit

compiled = njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
"""As numpy reckons; without counting references to arrays, so kernels allocate nothing."""
inlined = njit(cache=True, nogil=True, _nrt=False, error_model="numpy", inline="always")


@compiled
def places(span, following, place):
    """Where each event stands once those of each span stand together.

    Args:
        span: int32 ``[n]``.
        following: int64 ``[n_spans]``, written: where the next event of each span stands.
        place: int32 ``[n]``, written.
    """
    for event in range(len(span)):
        at = following[span[event]]
        place[event] = at
        following[span[event]] = at + 1


@compiled
def put(events, place, out):
    """Write each event to its place."""
    for event in range(len(events)):
        out[place[event]] = events[event]


@compiled
def in_order(events, begin, first, last, order):
    """Sort the events of each span by instant, so that what they add up to does not depend on how they came.

    Of one instant those of a kind come together, by their amounts; those that are equal in all may stand in any order.

    Args:
        events: As ``fill`` has them; ``begin`` likewise.
        first: The first span; ``last`` the one after the last.
        order: int32 ``[n_events]``, written for the events of these spans.
    """
    for span in range(first, last):
        start, n = begin[span], begin[span + 1] - begin[span]
        for event in range(start, start + n):
            order[event] = event
        gap = 1
        while gap < n // 3:
            gap = 3 * gap + 1
        while gap > 0:
            for end in range(start + gap, start + n):
                event, at = order[end], end
                while at >= start + gap and _before(events[event], events[order[at - gap]]):
                    order[at] = order[at - gap]
                    at -= gap
                order[at] = event
            gap //= 3


@inlined
def _before(one, other):
    if one.counts_us != other.counts_us:
        return one.counts_us < other.counts_us
    if one.kind != other.kind:
        return one.kind < other.kind
    if one.value_minor != other.value_minor:
        return one.value_minor < other.value_minor
    return one.discount_minor < other.discount_minor


@inlined
def _code(event, key):
    if key == 0:
        return event.category
    if key == 1:
        return event.offer_id
    if key == 2:
        return event.channel
    if key == 3:
        return event.hour
    return event.weekday if key == 4 else 0


@compiled
def count(events, begin, key, spans, counted, seen, first, last, rows):
    """How many keys were touched by the end of each span from ``first`` to before ``last``.

    Args:
        events: As ``fill`` has them; ``begin`` and ``key`` likewise.
        spans: ``subject`` as ``fill`` has it.
        counted: bool ``[n_kinds]``, whether events of a kind leave a trace.
        seen: int64 ``[n_words]``, written: below zero at first.
        first: The first span of a subject.
        last: The span after a subject's last.
        rows: int64 ``[n_spans]``, written from ``first`` on.
    """
    n, who = 0, -1
    for span in range(first, last):
        if spans[span] != who:
            who, n = spans[span], 0
        for event in range(begin[span], begin[span + 1]):
            if counted[events[event].kind]:
                code = _code(events[event], key)
                if code >= 0 and seen[code] != who:
                    seen[code] = who
                    n += 1
        rows[span] = n


@compiled
def fill(events, begin, key, order, spans, recipe, room, first, last, rows, out):
    """Write the rows of the spans from ``first`` to before ``last``: keys ascending within each span.

    Args:
        events: Of ``features.tally.EVENT``, ``[n_events]``.
        begin: int64 ``[n_spans + 1]``, where the events of each span begin.
        key: By which of ``features.tally.KEYS``; beyond them there is one memory for all.
        order: As ``in_order`` wrote it.
        spans: ``subject``, int64 ``[n_spans]``, those of one stand together; ``at_us``, the end of each.
        recipe: See ``features.tally``.
        room: int64 ``[4, n_words]``, below zero at first, and float64 ``[2, n_sums]``; written.
        first: The first span of a subject.
        last: The span after a subject's last.
        rows: int64 ``[n_spans + 1]``, where the rows of each span begin.
        out: ``codes``, int64 ``[n_rows]``; ``sums``, float64 ``[n_rows, n_sums]``; ``instants``, int64
            ``[n_rows, n_extremes]``; written.
    """
    subject, at_us = spans
    counted, weights, weights_of, sums_of, added, extremes_of, reached, half_lives, unset, earliest = recipe
    seen, place, before, touched = room[0][0], room[0][1], room[0][2], room[0][3]
    weight, factor = room[1][0], room[1][1]
    codes, sums, instants = out
    n, who = 0, -1
    for span in range(first, last):
        if subject[span] != who:
            who, n = subject[span], 0
        until_then = n
        for event in range(begin[span], begin[span + 1]):
            if counted[events[event].kind]:
                code = _code(events[event], key)
                if code >= 0 and seen[code] != who:
                    seen[code], place[code] = who, -1
                    at = n
                    while at > 0 and touched[at - 1] > code:
                        touched[at] = touched[at - 1]
                        at -= 1
                    touched[at] = code
                    n += 1
        for i in range(n):
            code, row = touched[i], rows[span] + i
            before[code], place[code], codes[row] = place[code], row, code
            for s in range(sums.shape[1]):
                sums[row, s] = 0.0
            for e in range(instants.shape[1]):
                instants[row, e] = unset[e]
        for event in order[begin[span] : begin[span + 1]]:
            happened = events[event]
            of, code = happened.kind, _code(happened, key)
            if code < 0 or not counted[of]:
                continue
            row, age = place[code], at_us[span] - happened.counts_us
            for w in range(weights_of[of], weights_of[of + 1]):
                weight[w - weights_of[of]] = np.exp2(age / -weights[w])
            for a in range(sums_of[of], sums_of[of + 1]):
                sums[row, added[a, 0]] += weight[added[a, 1]] * _amount(happened, added[a, 2])
            for r in range(extremes_of[of], extremes_of[of + 1]):
                _reach(instants, row, reached[r], happened.counts_us, earliest[reached[r]])
        if until_then == 0:
            continue
        for s in range(sums.shape[1]):
            factor[s] = np.exp2((at_us[span - 1] - at_us[span]) / half_lives[s])
        for i in range(n):
            row, earlier = place[touched[i]], before[touched[i]]
            if earlier >= 0:
                for s in range(sums.shape[1]):
                    sums[row, s] += sums[earlier, s] * factor[s]
                for e in range(instants.shape[1]):
                    _reach(instants, row, e, instants[earlier, e], earliest[e])


@inlined
def _reach(instants, row, e, at, earliest):
    if (at < instants[row, e]) if earliest else (at > instants[row, e]):
        instants[row, e] = at


@inlined
def _amount(event, which):
    if which == 0:
        return event.value_minor
    return event.discount_minor if which == 1 else 1.0
