"""Rendering: many customers at once and each alone say the same; one that fails stops nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.definitions.content import Content
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.packs import init_workspace
from cultiva.execution.content.links import LinkKeys, Links, read
from cultiva.execution.content.service import Failure, Rendered, Renderer
from cultiva.kit.errors import CultivaError

KEYS = LinkKeys.of_text("k1:0123456789abcdef")
LETTER: dict[str, Any] = {
    "name": "letter",
    "label": {"zh": "信", "en": "Letter"},
    "form": "email",
    "channels": ["email"],
    "offers": ["term_deposit"],
    "languages": {
        "zh": {
            "subject": "{{ customer.name }}，您好",
            "text": "{{ customer.name }} {{ customer.aum | money }} {{ unsubscribe }}",
            "html": '<p title="{{ customer.name }}">{{ customer.name }}</p><a href="{{ link }}">{{ offer.name }}</a>',
            "url": "https://bank.example/?n={{ customer.name | url_encode }}",
            "fallback": {"text": "您好 {{ unsubscribe }}"},
        }
    },
}


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Renderer:
    root: Path = tmp_path_factory.mktemp("content") / "bank"
    init_workspace(root)
    workspace = load_workspace(root)
    return Renderer(workspace, Links(workspace.sender.links, KEYS))


def letter(**changes: Any) -> Content:
    languages = {"zh": {**LETTER["languages"]["zh"], **changes}}
    return Content.model_validate({**LETTER, "languages": languages})


def frame(names: Sequence[str | None], aums: Sequence[float | None]) -> pl.DataFrame:
    ids = [f"d{index}" for index in range(len(names))]
    return pl.DataFrame({"delivery_id": ids, "customer.name": names, "aum": aums}, strict=False)


def test_many_at_once_say_what_each_alone_says(renderer: Renderer) -> None:
    content = letter()
    names, aums = ["王", "李", None, "王"], [1.0, 2.5, 3.0, 1.0]
    made = renderer.render_many(frame(names, aums), content, offer="term_deposit")
    for index, (name, aum, one) in enumerate(zip(names, aums, made, strict=True)):
        facts = {"customer": {"name": name, "aum": aum}}
        assert one == renderer.render(content, "zh", facts, delivery_id=f"d{index}", offer="term_deposit")
    first = made[0]
    assert isinstance(first, Rendered)
    assert first.content["subject"] == "王，您好" and "定期存款</a>" in first.content["html"]
    assert first.content["target"] == "https://bank.example/?n=%E7%8E%8B"
    assert first.content["unsubscribe"] in first.content["text"] and first.content["url"] in first.content["html"]
    assert read(KEYS, first.content["url"].rpartition("/")[2]).delivery_id == "d0"
    fourth = made[3]
    assert isinstance(fourth, Rendered) and fourth.content["url"] != first.content["url"]


def test_one_that_fails_stops_that_one_with_a_reason(renderer: Renderer) -> None:
    made = renderer.render_many(frame(["王", None, "李"], [1.0, 2.0, None]), letter(fallback=None))
    assert [type(one) for one in made] == [Rendered, Failure, Failure]
    assert made[1:] == [Failure("missing_value", "customer.name"), Failure("missing_value", "customer.aum")]


def test_the_fallback_is_said_where_a_value_is_missing(renderer: Renderer) -> None:
    content = letter(
        fallback={"subject": "您好", "html": "<p>您好</p>", "url": "https://bank.example/", "text": "您好"}
    )
    one, other = renderer.render_many(frame(["王", "李"], [1.0, None]), content)
    assert isinstance(one, Rendered) and isinstance(other, Rendered)
    assert (one.fallback, other.fallback, other.content["text"]) == (False, True, "您好")


def test_the_needs_are_known_and_a_missing_column_is_said(renderer: Renderer) -> None:
    content = letter()
    assert renderer.needs(content).names == ("customer.aum", "customer.name")
    with pytest.raises(CultivaError) as found:
        renderer.render_many(frame(["王"], [1.0]).drop("aum"), content)
    assert found.value.code == "content.no_column"


def test_a_language_that_is_not_written_falls_back_on_the_banks_own(renderer: Renderer) -> None:
    facts = {"customer": {"name": "Ann", "aum": 1}}
    one = renderer.render(letter(), "en", facts, delivery_id="d1")
    assert isinstance(one, Rendered) and one.language == "zh"
    other = Content.model_validate({**LETTER, "languages": {"en": LETTER["languages"]["zh"]}})
    assert renderer.render(other, "zh", facts, delivery_id="d1") == Failure("no_language", "zh")


@given(name=st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_name_makes_a_header_a_line_or_a_link(renderer: Renderer, name: str) -> None:
    named = f"x{name}\r\nBcc: all@example.com\ufdd0"
    one = renderer.render(letter(), "zh", {"customer": {"name": named, "aum": 1}}, delivery_id="d1")
    assert isinstance(one, Rendered)
    for field in ("subject", "url", "target", "unsubscribe"):
        assert len(one.content[field].splitlines()) == 1 and "\0" not in one.content[field]
    assert len(one.content["text"].splitlines()) == 1
    assert one.content["text"].count(one.content["unsubscribe"]) == 1
    assert one.content["html"].count("<") == 4 and one.content["html"].count(one.content["url"]) == 1


def test_what_becomes_too_long_is_not_sent(renderer: Renderer) -> None:
    one = renderer.render(letter(), "zh", {"customer": {"name": "长" * 900, "aum": 1}}, delivery_id="d1")
    assert one == Failure("too_long", "subject")


def test_every_content_of_the_pack_is_said_to_a_customer_of_whom_nothing_is_known(renderer: Renderer) -> None:
    for content in renderer.workspace.contents.values():
        for language in ("zh", "en"):
            one = renderer.render(content, language, {}, delivery_id="d1", offer=content.offers[0])
            assert isinstance(one, Rendered), (content.name, one)
            assert one.language == language
