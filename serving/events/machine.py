"""Opens that no person made: proxies of mail programs load every image, whether anyone looks or not."""

from __future__ import annotations

from features.domain import Kind

PROXIES = ("googleimageproxy", "yahoomailproxy", "ggpht.com", "mimecast", "barracuda", "proofpoint")
"""Parts of the user agents of mail proxies and scanners, in lower case."""
BARE = "mozilla/5.0"
"""Apple's mail privacy protection sends this and nothing more."""


def opened_by_machine(kind: Kind | None, channel: str, user_agent: str | None) -> bool:
    """True where an e-mail's image was loaded by a proxy.

    >>> opened_by_machine(Kind.VIEWED, "email", "Mozilla/5.0")
    True
    >>> opened_by_machine(Kind.VIEWED, "email", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)")
    False
    """
    if kind is not Kind.VIEWED or channel != "email" or user_agent is None:
        return False
    agent = user_agent.strip().lower()
    return agent == BARE or any(proxy in agent for proxy in PROXIES)
