"""How little of a server's time goes into looking for garbage."""

from __future__ import annotations

import gc

_THRESHOLDS = (50_000, 20, 20)
"""How much is made before the collector looks: a decision leaves nothing that needs to be looked for."""


def seldom() -> None:
    """Let the collector look less often than by default."""
    gc.set_threshold(*_THRESHOLDS)


def settle(anew: bool) -> None:
    """A model and a catalogue that have been loaded stay: the collector need not walk them again while requests wait.

    Where others were there before, ``anew``, those are let go of; what is made of evidence, each minute, is not kept
    from it.
    """
    if anew:
        gc.unfreeze()
    gc.collect()
    if anew:
        gc.freeze()
