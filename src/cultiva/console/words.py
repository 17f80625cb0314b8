"""Texts of the console in the language of whoever looks: gettext catalogues, one file per area, merged when loaded.

The English text is its own name. A `.po` file is text, so it is what lies in the repository; it is compiled in memory.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from cultiva.kit.words import LANGUAGES

FOLDER = Path(__file__).parent / "locale"
SOURCE = "en"
"""The language that texts are written in."""


@cache
def translations(language: str) -> NullTranslations:
    """The texts of a language; those of all areas together.

    Args:
        language: zh or en.
    """
    assert language in LANGUAGES, language
    if language == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def catalogue(language: str) -> Catalog:
    """Every message of a language, as its files say."""
    whole = Catalog(locale=language, charset="utf-8")
    for file in sorted((FOLDER / language).glob("*.po")):
        with file.open("rb") as stream:
            for message in read_po(stream, locale=language):
                if message.id:
                    whole.add(message.id, message.string)
    return whole


def told(language: str, text: str) -> str:
    """A text in a language, from code; templates write `_("...")`.

    Examples:
        >>> told("en", "Customers"), told("zh", "Customers")
        ('Customers', '客户')
    """
    return translations(language).gettext(text)
