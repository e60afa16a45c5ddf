"""What may be offered at all: rules over the catalogue laid out once, asked for one customer after the other."""

from serving.eligibility.objection import Removal
from serving.eligibility.removals import Removals
from serving.eligibility.rules import CHANNEL_NOT_OPEN, MARKETING_OBJECTION, RULES
from serving.eligibility.shelf import Shelf
from serving.eligibility.sift import Sifted, sift
from serving.eligibility.situation import Situation

__all__ = [
    "CHANNEL_NOT_OPEN",
    "MARKETING_OBJECTION",
    "RULES",
    "Removal",
    "Removals",
    "Shelf",
    "Sifted",
    "Situation",
    "sift",
]
