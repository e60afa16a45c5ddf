"""What one call of a sender asks for."""

from __future__ import annotations

from dataclasses import dataclass

from serving.equipment import Equipment
from serving.journal.sends import Sending
from serving.problem import Fault, RefusalError


@dataclass(frozen=True, slots=True)
class Wish:
    """The text of one customer's message in one send of a campaign."""

    customer_id: str
    sending: Sending
    kind: str | None
    limit: int
    language: str

    def check(self, equipment: Equipment) -> None:
        """Raises RefusalError: 422 for a channel or kind that the catalogue lacks, for personal data in the address."""
        catalogue, channel = equipment.catalogue, self.sending.channel
        for pointer, value in (("/customer_id", self.customer_id), ("/send", self.sending.send)):
            if "@" in value or value.startswith("+"):
                detail = (
                    "An address or telephone number has no place in a URL: look the customer up and send customer_id."
                )
                raise RefusalError(422, "personal_data_in_url", detail, Fault(pointer=pointer, detail=detail))
        if catalogue.channels and channel not in catalogue.channel:
            detail = f"There is no channel {channel!r}: use one of {', '.join(catalogue.channel)}."
            raise RefusalError(422, "unknown_name", detail, Fault(pointer="/channel", detail=detail))
        if catalogue.kinds and self.kind is not None and self.kind not in catalogue.kinds:
            detail = f"No offer is of kind {self.kind!r}: use one of {', '.join(catalogue.kinds)}."
            raise RefusalError(422, "unknown_name", detail, Fault(pointer="/kind", detail=detail))
