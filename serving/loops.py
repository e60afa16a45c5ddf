"""The compiled loops of a decision but for those of trees.

All stand in this file: numba's cache on disk notices changes to the file of a kernel only.
"""

from __future__ import annotations

from numba import njit

compiled = njit(cache=True, nogil=True, _nrt=False, error_model="numpy")
"""As numpy reckons; without counting references to arrays, so kernels allocate nothing."""
inlined = njit(cache=True, nogil=True, _nrt=False, error_model="numpy", inline="always")


@compiled
def lead(score, first, usable, group, out):
    """Write the leaders; how many they are."""
    out[:] = -1
    for place in range(len(score)):
        if usable[place]:
            held = out[group[place]]
            if held < 0 or _before(score, first, place, held):
                out[group[place]] = place
    return _in_order(score, first, out)


@compiled
def front(score, table, n_channels, least, most, found):
    """Write the first leaders of offers, then those of channels.

    Args:
        score: float64 ``[n_pairs]``, no NaN.
        table: int64 ``[3, n_pairs]``: which of equal scores comes first, the number of the offer, of the channel.
        n_channels: Above every number of a channel.
        least: float64: what has no higher score is left out of the offers.
        most: How many offers are wanted, from 1.
        found: int64 ``[most + 2 · n_channels + n_offers]``, written: the offers, then the channels; the rest is room.

    Returns:
        How many offers are found, and how many channels.
    """
    first, offer, channel, room = table[0], table[1], table[2], most + n_channels
    channels, offers = found[room : room + n_channels], found[room + n_channels :]
    channels[:] = -1
    offers[:] = -1
    for place in range(len(score)):
        held = offers[offer[place]]
        if held < 0 or _before(score, first, place, held):
            offers[offer[place]] = place
        held = channels[channel[place]]
        if held < 0 or _before(score, first, place, held):
            channels[channel[place]] = place
    n = 0
    for number in range(len(offers)):
        place = offers[number]
        if place >= 0 and score[place] > least and (n < most or _before(score, first, place, found[n - 1])):
            at = min(n, most - 1)
            n = at + 1
            while at > 0 and _before(score, first, place, found[at - 1]):
                found[at] = found[at - 1]
                at -= 1
            found[at] = place
    n_reached = _in_order(score, first, channels)
    for number in range(n_reached):
        found[n + number] = channels[number]
    return n, n_reached


@compiled
def _in_order(score, first, out):
    """Leaders without the gaps, best first; how many they are."""
    n = 0
    for number in range(len(out)):
        if out[number] >= 0:
            out[n] = out[number]
            n += 1
    _sort(score, first, out, n)
    return n


@inlined
def _before(score, first, one, other):
    return score[one] > score[other] or (score[one] == score[other] and first[one] < first[other])


@compiled
def _sort(score, first, places, n):
    """Shell's sort: no room is needed, and few places are sorted."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for end in range(gap, n):
            place, at = places[end], end
            while at >= gap and _before(score, first, place, places[at - gap]):
                places[at] = places[at - gap]
                at -= gap
            places[at] = place
        gap //= 3


@compiled
def first_open(opened, minute, hour, instants, place, moment):
    """The first open moment of each pair that lies in an hour of the day, else its first open one; 0 where none is.

    Args:
        opened: bool ``[n_pairs, n_moments]``.
        minute: int64 ``[n_moments]``, of the customer's day.
        hour: The hour that is wished for.
        instants: int64 ``[n_moments]``.
        place: ``[n_pairs]``, written: which moment.
        moment: int64 ``[n_pairs]``, written: its instant.
    """
    n, begin, end = len(minute), 0, 0
    for each in range(len(minute) - 1, -1, -1):
        if 60 * hour <= minute[each] < 60 * hour + 60:
            begin, end = each, max(end, each + 1)
    for pair in range(len(place)):
        found, wish = 0, begin
        while wish < end and not (opened[pair, wish] and 60 * hour <= minute[wish] < 60 * hour + 60):
            wish += 1
        if wish == end:
            wish = n
        if wish == n:
            while found < n and not opened[pair, found]:
                found += 1
            wish = found if found < n else 0
        place[pair], moment[pair] = wish, instants[wish]


@compiled
def value(noticed, bought, used, organic, money, patience, share, out):
    """What offering each pair adds up from, see ``serving.worth``; float64.

    Args:
        noticed: ``[n_pairs]``; ``bought``, ``used`` and ``organic`` likewise.
        money: ``[5, n_pairs]``: margin, incentive, automatic incentive, cost, and the share of patience charged.
        patience: What a mean contact takes of it costs.
        share: Of what is promised that comes about, 0–1.
        out: ``[6, n_pairs]``, written: margin, incentive, unnoticed incentive, cost, attention, and their sum.
    """
    for pair in range(out.shape[1]):
        v, q, s, p = noticed[pair], bought[pair], used[pair], organic[pair]
        margin, incentive = share * (v * (q - p) * money[0, pair]), share * (-v * s * money[1, pair])
        unnoticed, cost = share * (-(1.0 - v) * p * money[2, pair]), -money[3, pair]
        attention = -patience * money[4, pair]
        out[0, pair], out[1, pair], out[2, pair], out[3, pair], out[4, pair] = (
            margin,
            incentive,
            unnoticed,
            cost,
            attention,
        )
        out[5, pair] = margin + incentive + unnoticed + cost + attention
