"""Test messages to named people of the bank, before anybody approves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cultiva.definitions.approval import Tester
from cultiva.execution.launching.waves import Wave
from cultiva.kit.hashing import content_hash
from cultiva.kit.masking import mask_email, mask_phone

NOTHING_SAID = ""
"""Where there is no content for a channel and an offer: nothing can be sent."""


@dataclass(frozen=True)
class TestSend:
    """One message to one tester, as a customer would get it."""

    __test__ = False

    delivery_id: str
    """Idempotency key for the provider: the same test of the same version is one message."""
    step: str
    channel: str
    offer: str
    content: str
    """Name of the content; empty: there is none, so customers would get nothing either."""
    tester: str
    address: str

    @property
    def shown_address(self) -> str:
        """The address, masked."""
        return mask_email(self.address) if "@" in self.address else mask_phone(self.address)


def test_sends(
    version: str,
    waves: Sequence[Wave],
    decided: Sequence[tuple[str, str]],
    testers: Sequence[Tester],
    *,
    contents: Mapping[tuple[str, str, str], str],
) -> tuple[TestSend, ...]:
    """Every different message of a launch to every tester who has an address for its channel.

    Args:
        version: Of the launch's body.
        waves: Of its play.
        decided: Offers and channels that customers of the plan have.
        testers: Who gets them.
        contents: (step's own content, offer, channel) -> name of the content.
    """
    asked = [
        (wave.step, wave.channel or channel, wave.offer or offer, wave.content)
        for wave in waves
        if wave.kind != "grant"
        for offer, channel in decided
    ]
    return tuple(
        TestSend(
            delivery_id=content_hash(["test", version, step, channel, offer, tester.name]),
            step=step,
            channel=channel,
            offer=offer,
            content=contents.get((own, offer, channel), NOTHING_SAID),
            tester=tester.name,
            address=tester.addresses[channel],
        )
        for step, channel, offer, own in dict.fromkeys(asked)
        for tester in testers
        if channel in tester.addresses
    )


test_sends.__test__ = False  # type: ignore[attr-defined]  # it is no test of pytest's
