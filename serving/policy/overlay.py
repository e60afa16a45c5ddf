"""The document of offers: what it adds to the imported catalogue, changes in it and takes out of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from features.catalogue import Catalogue
from features.domain import Channel, Offer, OfferId


@dataclass(frozen=True, slots=True)
class Overlay:
    """Offers and channels that stand beside the imported ones, or in the place of those with the same name."""

    offers: tuple[Offer, ...] = ()
    channels: tuple[Channel, ...] = ()
    withdrawn: tuple[OfferId, ...] = ()
    """Imported offers that are no longer made."""
    imported: bool = True
    """False: no imported offer is made, only those of this document."""

    def over(self, base: Catalogue) -> Catalogue:
        """The catalogue in force; its fingerprint is that of all it says, so that equal ones are equal to the letter.

        Every category of the base goes on being counted, whatever is withdrawn: customers' histories are kept by it.
        A channel that there is not (any more) carries no offer.
        """
        laid = base if self == NOTHING_LAID_OVER else self._laid(base)
        return replace(laid, fingerprint=sha256(laid.to_json().encode()).hexdigest())

    def _laid(self, base: Catalogue) -> Catalogue:
        gone = frozenset(self.withdrawn)
        kept = [offer for offer in base.offers if self.imported and offer.offer_id not in gone]
        channels = {channel.name: channel for channel in (*base.channels, *self.channels)}
        own = [replace(offer, channels=tuple(c for c in offer.channels if c in channels)) for offer in self.offers]
        offers = {offer.offer_id: offer for offer in (*kept, *own)}
        return replace(
            base,
            offers=tuple(offers.values()),
            channels=tuple(channels.values()),
            counted=tuple(sorted(base.categories)),
        )


NOTHING_LAID_OVER = Overlay()
