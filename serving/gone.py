"""Whether what was decided may still go out: offer, channel and consent are looked at again at the last moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from features.domain import ChannelName, Importance, Instant, OfferId
from serving.consent import MARKETING, Consent, Topic, consented
from serving.equipment import Equipment


def gone_since(
    channel_name: ChannelName,
    offer_ids: Iterable[OfferId],
    goes_out: Instant,
    equipment: Equipment,
    said: Mapping[Topic, Consent],
) -> tuple[str, str] | None:
    """Why offers may no longer go out on a channel, as a code and a sentence; None where nothing speaks against it."""
    catalogue, listed = equipment.catalogue, tuple(offer_ids)
    channel = catalogue.channel.get(channel_name)
    if channel is None or channel_name in equipment.policy.closed_channels:
        return "channel_closed", f"The channel {channel_name} is closed."
    for offer_id in listed:
        offer = catalogue.offer.get(offer_id)
        ended = offer is not None and offer.valid_to is not None and goes_out > offer.valid_to
        if offer is None or ended or channel_name not in offer.channels:
            return "offer_gone", f"The offer {offer_id} is no longer made on {channel_name}."
    if all(catalogue.offer[offer_id].importance is not Importance.PROMOTIONAL for offer_id in listed):
        return None
    if consented(said, MARKETING, channel_name) is False:
        return "consent_gone", "The customer has objected to marketing."
    purpose = channel.consent_purpose
    if purpose is not None:
        allowed = consented(said, purpose, channel_name)
        if allowed is False or (allowed is None and purpose not in catalogue.consents_assumed):
            return "consent_gone", f"The customer's consent to {purpose} was withdrawn."
    return None
