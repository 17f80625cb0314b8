"""Errors and faults in the language of whoever looks: sentences with places, each beside its translation.

What fails says so in English where it fails, with values set into the sentence: `the rule gives a text, not a number`.
`locale/zh/faults.po` has the sentence with `%s` for each value and its translation; values that have a translation of
their own (`a text`) are translated too. A test reads the sentences from the source, so that none is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from babel.messages.pofile import read_po

from cultiva.console.words import FOLDER, SOURCE, translations

FILE = "faults.po"
_SLOT = re.compile(r"%s|%\[(\d)\]s")
_DIGIT = re.compile(r"\d")
_CERTAIN = 7
"""Letters of its own that a sentence is known by."""
_DEPTH = 3
"""How deep sentences within sentences are translated."""


@dataclass(frozen=True)
class Sentence:
    """A sentence with places for values."""

    pattern: re.Pattern[str]
    """What it looks like with values in it."""
    said: str
    """The translation; `%s` in the order of the original, `%[2]s` the second place."""
    names: frozenset[int]
    """Places within quotes, by number from 0: names and texts of somebody's own, which stay as they are."""
    certain: bool
    """Whether its own words are enough to know it by; `%s and %s` must have numbers or known words in its places."""


def told_fault(language: str, text: str) -> str:
    """A text of an error in a language; as it is if nobody has translated it, or if it is one word: a name, a value.

    Examples:
        >>> told_fault("zh", "the rule gives a text, not a number")
        '规则得到的是文本，而不是数值'
        >>> told_fault("zh", "did you mean 'aum'? a text stands in single quotes: 'aun'")
        "您是否想写“aum”？文本要用单引号括起：'aun'"
    """
    return text if language == SOURCE or " " not in text else _told(language, text, _DEPTH)


def _told(language: str, text: str, depth: int) -> str:
    exact = translations(language).gettext(text)
    if exact != text or depth == 0:
        return exact
    for one in sentences(language):
        found = one.pattern.fullmatch(text)
        if found is None:
            continue
        values = [
            value if place in one.names else _told(language, value, depth - 1)
            for place, value in enumerate(found.groups())
        ]
        if one.certain or all(
            now != was or _DIGIT.search(was) for now, was in zip(values, found.groups(), strict=True)
        ):
            return _filled(one.said, values)
    return text


def _filled(said: str, values: Sequence[str]) -> str:
    following = iter(values)
    return _SLOT.sub(lambda slot: values[int(slot[1]) - 1] if slot[1] else next(following), said)


@cache
def sentences(language: str) -> Sequence[Sentence]:
    """Sentences with places, those that say most first: `line %s: %s` before `%s: %s`."""
    found = sorted(_read(language), key=lambda pair: (-len(_SLOT.sub("", pair[0])), pair[0]))
    return [Sentence(_pattern(text), said, _names(text), _letters(text) >= _CERTAIN) for text, said in found]


def _read(language: str) -> Iterator[tuple[str, str]]:
    with (FOLDER / language / FILE).open("rb") as stream:
        for message in read_po(stream, locale=language):
            if message.id and "%s" in str(message.id):
                yield str(message.id), str(message.string)


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(re.escape(part) for part in text.split("%s")), re.DOTALL)


def _names(text: str) -> frozenset[int]:
    parts = text.split("%s")
    return frozenset(place for place in range(len(parts) - 1) if parts[place][-1:] == parts[place + 1][:1] == "'")


def _letters(text: str) -> int:
    return sum(map(str.isalpha, _SLOT.sub("", text)))
