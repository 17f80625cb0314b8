"""Texts that people read, in both of the languages that Cultiva speaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

LANGUAGES = ("zh", "en")
"""The languages known."""


class Bilingual(Protocol):
    """Anything with a text in both languages: `Words`, or a definition's label."""

    @property
    def zh(self) -> str:
        """中文."""

    @property
    def en(self) -> str:
        """English."""


@dataclass(frozen=True)
class Words:
    """A text in both languages."""

    zh: str
    """中文."""
    en: str
    """English."""

    def __bool__(self) -> bool:
        """Whether there is anything to read.

        Examples:
            >>> bool(Words("", "")), bool(Words("", "one"))
            (False, True)
        """
        return bool(self.zh or self.en)


def say(text: Bilingual | str, language: str) -> str:
    """The text in a language; in the other one if it is empty there. A plain text is for everybody.

    Examples:
        >>> say(Words(zh="客户", en="customers"), "en")
        'customers'
        >>> say(Words(zh="客户", en=""), "en")
        '客户'
    """
    assert language in LANGUAGES, language
    if isinstance(text, str):
        return text
    return (text.zh or text.en) if language == "zh" else (text.en or text.zh)
