"""What parts and kinds are called where people read."""

from __future__ import annotations

from serving.part import PartName

PREDICTS = {
    PartName.CHANNEL_RESPONSE: "notices the contact",
    PartName.OFFER_RESPONSE: "takes the offer",
    PartName.ORGANIC: "buys without any contact",
    PartName.PERSUASION: "is persuaded by a contact that was noticed",
}


def title(kind: str, part: PartName, notices_known: bool) -> str:
    """For instance ``campaign: takes the offer after a contact``."""
    given = ""
    if part is PartName.OFFER_RESPONSE:
        given = " once noticed" if notices_known else " after a contact"
    return f"{kind}: {PREDICTS[part]}{given}"
