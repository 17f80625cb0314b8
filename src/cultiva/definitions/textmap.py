"""Where every character of a YAML text came from, so that a fault inside a rule has a place in the file."""

from __future__ import annotations


def character_offsets(value: str, source: str, start: int, end: int, style: str) -> list[int]:
    r"""Offsets in the file of the characters of a scalar, and of its end.

    Folding, indentation, quotes and escapes are skipped: value and source are walked side by side, and whatever
    the source has in between belongs to the notation.

    Args:
        value: The text that YAML makes of the scalar.
        source: The whole file.
        start: Offset of the scalar's first character, its quote or its `|` or `>`.
        end: Offset after its last character.
        style: As in `Spot.style`.

    Returns:
        One offset per character of `value`, and one more for the place after the last.

    Examples:
        >>> character_offsets("a b", "k: 'a\n  b'", 3, 10, "'")
        [4, 5, 8, 9]
    """
    at = _content_start(source, start, style)
    offsets = []
    for character in value:
        at = _find(source, at, end, character)
        offsets.append(at)
        at = min(at + 1, end)
    return [*offsets, at]


def _content_start(source: str, start: int, style: str) -> int:
    if style in ("|", ">"):
        return source.find("\n", start) + 1 or start
    return start + (1 if style in ("'", '"') else 0)


def _find(source: str, at: int, end: int, character: str) -> int:
    """The offset from `at` on that gave this character: itself, or for a space the line break that was folded."""
    wanted = " \n\t" if character == " " else character
    found = at
    while found < end and source[found] not in wanted:
        found += 1
    return found if found < end else at
