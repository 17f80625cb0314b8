"""Every text of the console is there in Chinese, and nothing in a template is what the content policy forbids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

import cultiva.console
from cultiva.console.navigation import PLACES
from cultiva.console.words import FOLDER, catalogue

CONSOLE = Path(cultiva.console.__file__).parent
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))
MODULES = sorted(CONSOLE.rglob("*.py"))
KEYWORDS = {"told": (2,), "say": None, "_": None, "N_": None}
READING = {"newstyle_gettext": "1", "extensions": "jinja2.ext.do", "silent": "false"}
"""How templates are read: as the console reads them, and a template that cannot be read is a fault."""
FORBIDDEN = re.compile(
    r"""\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:|hx-on|\shx-vals=["']js:""", re.IGNORECASE
)


def messages() -> Iterator[tuple[str, str]]:
    """(text, where)."""
    for file in TEMPLATES:
        for _, text, _, _ in extract_from_file("jinja2.ext:babel_extract", str(file), options=READING):
            for one in [text] if isinstance(text, str) else text:
                yield one, file.name
    for file in MODULES:
        for _, text, _, _ in extract_from_file("python", str(file), keywords=KEYWORDS):
            for one in [text] if isinstance(text, str) else text:
                if one:
                    yield one, file.name
    for place in PLACES:
        yield place.name, "navigation.py"


def test_every_text_is_there_in_chinese() -> None:
    known = {message.id: message.string for message in catalogue("zh") if message.id}
    assert ("Log out", "base.html") in set(messages()) and len(set(messages())) > 100
    missing = sorted({f"{where}: {text}" for text, where in messages() if not known.get(text)})
    assert not missing, "\n".join(missing)


def test_a_translation_has_the_same_places_to_fill() -> None:
    for message in catalogue("zh"):
        for form in (r"%\(\w+\)s", r"\{\w+[^}]*\}"):
            assert set(re.findall(form, str(message.string))) == set(re.findall(form, str(message.id))), message.id


def test_one_text_has_one_translation() -> None:
    seen: dict[str, tuple[str, str]] = {}
    for file in sorted((FOLDER / "zh").glob("*.po")):
        with file.open("rb") as stream:
            for message in read_po(stream):
                if message.id:
                    before = seen.setdefault(str(message.id), (str(message.string), file.name))
                    assert before[0] == message.string, f"{message.id}: {before[1]} and {file.name} differ"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_template_has_no_code_and_no_styles_of_its_own(file: Path) -> None:
    found = FORBIDDEN.findall(file.read_text(encoding="utf-8"))
    assert not found, found
