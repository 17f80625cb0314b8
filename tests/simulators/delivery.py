"""What becomes of one mail, whichever server took it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.simulators.command import Desk

MESSAGE_ID = re.compile(rb"^message-id:\s*<([^@>]+)@", re.IGNORECASE | re.MULTILINE)
BROKEN = "421 4.3.2 nobody hears this"
"""The answer that is never heard: the connection breaks."""


def mood(desk: Desk, content: bytes) -> tuple[str, frozenset[str]]:
    """The key of a mail, and what happens to this attempt at it."""
    found = MESSAGE_ID.search(content)
    key = found[1].decode() if found else ""
    return key, desk.moods.drawn(key)


def taken(desk: Desk, key: str, drawn: frozenset[str], recipients: Sequence[str], content: bytes) -> str:
    """The server's answer; the mail is recorded if it is accepted."""
    if "drop_before" in drawn:
        return BROKEN
    if "refuse" in drawn:
        return "550 5.1.1 no such mailbox"
    if "busy" in drawn:
        return "451 4.7.1 too busy, try again later"
    reference = desk.accept(key, ",".join(recipients), content=content.decode("utf-8", "replace"))
    return BROKEN if "drop_after" in drawn else f"250 2.0.0 queued as {reference}"
