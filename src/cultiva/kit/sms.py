"""How long a text message is: characters on the air, and parts that are paid for one by one.

A message whose characters are all in the GSM 7-bit alphabet has 160 places, or 153 per part if it needs several; any
other character turns the whole message into UCS-2 with 70, or 67 (3GPP TS 23.038 and TS 23.040).
"""

from __future__ import annotations

from dataclasses import dataclass

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
"""Characters of the extension table; each takes two places."""


@dataclass(frozen=True)
class SmsLength:
    """How long one message is."""

    places: int
    """Seven-bit places, or UTF-16 units if the message is not in the GSM alphabet."""
    parts: int
    """Messages that it is cut into."""
    seven_bit: bool
    """Whether it is in the GSM alphabet."""


def sms_length(text: str) -> SmsLength:
    """Counts a text message.

    Examples:
        >>> sms_length("Hello")
        SmsLength(places=5, parts=1, seven_bit=True)
        >>> sms_length("您好" * 36).parts, sms_length("€" * 80).parts, sms_length("€" * 81).parts
        (2, 1, 2)
    """
    if all(one in _GSM or one in _EXTENDED for one in text):
        places = len(text) + sum(one in _EXTENDED for one in text)
        return SmsLength(places, _parts(places, alone=160, each=153), seven_bit=True)
    places = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return SmsLength(places, _parts(places, alone=70, each=67), seven_bit=False)


def _parts(places: int, *, alone: int, each: int) -> int:
    return 1 if places <= alone else -(-places // each)
