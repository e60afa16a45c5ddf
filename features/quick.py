"""Frozen dataclasses that are made by the dozen in every decision.

To mypy they are what they say, frozen; at run time nothing checks it, because what checks it makes them five times as
slow to make.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as quick
else:

    def quick(*, frozen: bool, **given: Any) -> Any:
        """As ``dataclasses.dataclass``."""
        return dataclasses.dataclass(unsafe_hash=frozen and given.get("eq", True), **given)


__all__ = ["quick"]
