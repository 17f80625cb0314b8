"""Texts as short messages carry them: the alphabet of GSM where it suffices, else UCS-2; long ones in parts. Pure.

Source: 3GPP TS 23.038 (alphabet) and TS 23.040, 9.2.3.24.1 (concatenation). One octet per character of the GSM
alphabet, as centres take it over SMPP; they pack it to seven bits themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""Character at each of the 128 places."""
ESCAPED = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
"""Characters of the extension table: two places each."""
CODES: dict[str, bytes] = {
    **{character: bytes((place,)) for place, character in enumerate(GSM) if place != 0x1B},
    **{character: bytes((0x1B, place)) for character, place in ESCAPED.items()},
}
GSM_CODING, UCS2_CODING = 0, 8
"""data_coding of SMPP."""
GSM_WHOLE, GSM_PART = 160, 153
"""Characters of a whole message, and of a part: the header takes seven."""
UCS2_WHOLE, UCS2_PART = 140, 134
"""Octets of a whole message, and of a part: the header takes six."""
PARTS_MAX = 255


@dataclass(frozen=True)
class Part:
    """One short message."""

    coding: int
    octets: bytes
    """With the header before them if there are several."""
    has_header: bool


def parts_of(text: str, *, number: int) -> list[Part]:
    r"""A text as one or several short messages.

    Args:
        text: Any text.
        number: 0 to 255, the same for all parts of a message; a phone puts together what has the same.

    Returns:
        The parts, in order; empty if the text is too long for 255 parts.

    Examples:
        >>> [part.octets for part in parts_of("5€", number=1)]
        [b'5\x1be']
        >>> len(parts_of("深" * 71, number=1))
        2
    """
    coding, units = _units(text)
    whole, part = (GSM_WHOLE, GSM_PART) if coding == GSM_CODING else (UCS2_WHOLE, UCS2_PART)
    if sum(map(len, units)) <= whole:
        return [Part(coding, b"".join(units), has_header=False)]
    chunks = list(_chunks(units, part))
    if len(chunks) > PARTS_MAX:
        return []
    head = bytes((5, 0, 3, number & 0xFF, len(chunks)))
    return [Part(coding, head + bytes((index,)) + chunk, has_header=True) for index, chunk in enumerate(chunks, 1)]


def text_of(coding: int, octets: bytes, *, has_header: bool) -> str:
    """The text of one short message, without its header; the inverse of `parts_of`."""
    body = octets[octets[0] + 1 :] if has_header and octets else octets
    if coding == UCS2_CODING:
        return body.decode("utf-16-be", "replace")
    if coding != GSM_CODING:
        return body.decode("latin-1")
    escaped = {place: character for character, place in ESCAPED.items()}
    found, escape = [], False
    for octet in body:
        if octet == 0x1B and not escape:
            escape = True
            continue
        found.append(escaped.get(octet, " ") if escape else GSM[octet & 0x7F])
        escape = False
    return "".join(found)


def _units(text: str) -> tuple[int, list[bytes]]:
    """The coding, and what must not be cut: a character with its escape, or a pair of surrogates."""
    if all(character in CODES for character in text):
        return GSM_CODING, [CODES[character] for character in text]
    return UCS2_CODING, [character.encode("utf-16-be", "surrogatepass") for character in text]


def _chunks(units: list[bytes], most: int) -> Iterator[bytes]:
    chunk: list[bytes] = []
    size = 0
    for unit in units:
        if size + len(unit) > most:
            yield b"".join(chunk)
            chunk, size = [], 0
        chunk.append(unit)
        size += len(unit)
    yield b"".join(chunk)
