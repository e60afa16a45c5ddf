"""What decides how a contact is received, for many customers at their hours: inputs of both kinds of inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.world.condition import Condition
from training.world.parameters import APP, EMAIL, MEDIA, Parameters
from training.world.people import Floats, Index, People


@dataclass(frozen=True, slots=True, eq=False)
class Mood:
    """Arrays over the customers asked about."""

    taste: Floats
    """``[n, categories]``."""
    stage: Index
    """``[n, categories]``."""
    price: Floats
    """``[n]``."""
    habit: Floats
    """``[n, channels]``."""
    hours_off: Floats
    """Hours between now and the favourite hour of each channel, 0–12, ``[n, channels]``."""
    sharp: Floats
    """``[n]``."""
    place: Index
    """``[n]``."""
    attention: Floats
    """``[n]``."""
    lifted: NDArray[np.bool_]
    """Whether an e-mail came shortly before a message in the app, ``[n, channels]``."""
    clashes: NDArray[np.bool_]
    """Whether another channel was used too shortly before, ``[n, channels]``."""


def mood(
    parameters: Parameters, people: People, condition: Condition, customers: Index, day: int, hour: Floats
) -> Mood:
    """The mood of these customers, each at a local hour of that day."""
    off = np.abs(hour[:, None] - people.peak[customers]) % 24.0
    since = 24.0 * day + hour[:, None] - condition.contacted[customers]
    lifted = np.zeros(since.shape, dtype=np.bool_)
    lifted[:, APP] = since[:, EMAIL] < parameters.lift_hours
    soon = since < parameters.clash_hours
    # The lift and the clash are different things: an app message the evening after an e-mail has both.
    clashes = (soon.sum(axis=1)[:, None] - soon) > 0
    return Mood(
        taste=people.taste_on(customers, day),
        stage=condition.stage[customers],
        price=people.price[customers],
        habit=people.habit[customers],
        hours_off=np.minimum(off, 24.0 - off),
        sharp=people.sharp[customers],
        place=people.place(customers, hour, day),
        attention=condition.attention[customers],
        lifted=lifted,
        clashes=clashes,
    )


AT_PLACE = np.array([medium.at_place for medium in MEDIA]).T
"""``[places, channels]``."""
