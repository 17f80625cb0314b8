"""Templates: what they may say, within which limits, and that nothing gets out of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cultiva.definitions.templates.errors import FillError, TemplateError
from cultiva.definitions.templates.filters import filters_for
from cultiva.definitions.templates.language import TAGS, read_template
from cultiva.definitions.templates.limits import OUTPUT_MAX, STEPS_MAX, TEMPLATE_CHARACTERS_MAX
from cultiva.definitions.templates.places import html_faults
from cultiva.definitions.templates.values import LINK, UNSAFE, clean, one_line
from cultiva.kit.clock import seconds
from cultiva.kit.errors import CultivaError

FACTS: dict[str, Any] = {
    "customer": {
        "name": "王小芳", "aum": Decimal("12345.678"), "born": date(1970, 5, 17), "share": 0.356, "count": 3,
        "pays": True, "tags": ["甲", "乙"], "at": datetime(2026, 11, 23, 9, 5, tzinfo=UTC),
    },
    "bank": {"name": "深耕银行"},
    "link": LINK,
}  # fmt: skip


def said(text: str, *, language: str = "zh", html: bool = False, facts: Any = None) -> str:
    return read_template(text, language=language, html=html).fill(FACTS if facts is None else facts)


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("{{ customer.aum | money }}", "12,345.68元", "CNY 12,345.68"),
        ("{{ customer.aum | money: 0 }}", "12,346元", "CNY 12,346"),
        ("{{ customer.born | date }}", "1970年5月17日", "17 May 1970"),
        ("{{ customer.at | date: '%m-%d %H:%M, %A' }}", "11-23 09:05, 星期一", "11-23 09:05, Monday"),
        ("{{ '2026-01-02' | date: '%B %%' }}", "1月 %", "January %"),
        ("{{ customer.share | percent: 1 }}", "35.6%", "35.6%"),
        ("{{ customer.aum | number: 1 }}", "12,345.7", "12,345.7"),
        ("{{ customer.aum }} {{ customer.share }} {{ customer.pays }}", "12345.678 0.356 true", "12345.678 0.356 true"),
        ("{{ customer.tags | join: '、' }} {{ customer.tags | size }}", "甲、乙 2", "甲、乙 2"),
        ("{{ '6222021234567890' | tail: 4 }}", "7890", "7890"),
        ("{{ 'a b&c' | url_encode }}", "a%20b%26c", "a%20b%26c"),
        ("{{ 'abcdef' | truncate: 4 }}{{ 'abcdef' | truncate: 9 }}", "abc…abcdef", "abc…abcdef"),
        ("{{ 7 | divided_by: 2 }} {{ 7.0 | divided_by: 2 }} {{ 7 | modulo: 4 }}", "3 3.5 3", "3 3.5 3"),
        ("{{ 2.5 | round }} {{ 2.1 | ceil }} {{ 2.9 | floor }} {{ -3 | abs }}", "3 3 2 3", "3 3 2 3"),
        ("{{ 5 | at_least: 7 }} {{ 5 | at_most: 3 | plus: 1 | minus: 2 | times: 4 }}", "7 8", "7 8"),
        ("{{ nobody | default: 'x' }}{{ '' | default: 'y' }}{{ 0 | default: 'z' }}", "xy0", "xy0"),
        ("{{ false | default: 'x' }} {{ false | default: 'x', allow_false: true }}", "x false", "x false"),
        ("{% if customer.nobody %}a{% else %}b{% endif %}", "b", "b"),
        ("{% if customer.nobody > 3 or customer.nobody == nil %}a{% endif %}", "a", "a"),
        ("{% case customer.count %}{% when 3 %}three{% else %}more{% endcase %}", "three", "three"),
        ("{% for one in customer.tags %}{{ forloop.index }}{{ one }}{% endfor %}", "1甲2乙", "1甲2乙"),
        ("{% assign x = 3 | plus: 1 %}{{ x }}{% capture y %}<{{ x }}>{% endcapture %}{{ y }}", "4<4>", "4<4>"),
        ("{% comment %}{{ nothing | at all }}{% endcomment %}{% raw %}{{ x }}{% endraw %}", "{{ x }}", "{{ x }}"),
    ],
)  # fmt: skip
def test_what_templates_say(text: str, zh: str, en: str) -> None:
    assert (said(text), said(text, language="en")) == (zh, en)


@pytest.mark.parametrize(
    ("text", "code", "index"),
    [
        ("Hi {{ name | upcse }}", "content.unknown_filter", 13),
        ("{% inclde 'x' %}", "content.unknown_tag", 3),
        ("{% include 'x' %}", "content.unknown_tag", 3),
        ("{% render 'x' %}", "content.unknown_tag", 3),
        ("ab {{ name", "content.template_syntax", 3),
        ("{% if a %}", "content.template_syntax", 0),
        ("x" * (TEMPLATE_CHARACTERS_MAX + 1), "content.too_long", 0),
        ("{{a}}" * 7_900, "content.too_much_work", 0),
        (f"a{LINK}", "content.template_syntax", 1),
    ],
)
def test_a_template_that_cannot_be_read_says_where(text: str, code: str, index: int) -> None:
    with pytest.raises(TemplateError) as found:
        read_template(text)
    assert (found.value.code, found.value.fault.index) == (code, index)


def test_an_unknown_filter_names_the_nearest() -> None:
    with pytest.raises(TemplateError) as found:
        read_template("{{ name | mony }}")
    assert "money" in found.value.hint


@pytest.mark.parametrize(
    ("text", "reason", "about"),
    [
        ("{{ customer.nobody }}", "missing_value", "customer.nobody"),
        ("{{ customer.nobody | upcase }}", "missing_value", "customer.nobody"),
        ("{{ 'x' | append: customer.nobody }}", "missing_value", "customer.nobody"),
        ("{{ customer.name.size }}", "missing_value", "customer.name.size"),
        ("{{ now }}", "missing_value", "now"),
        ("{{ today }}", "missing_value", "today"),
        ("{{ customer.name | plus: 1 }}", "bad_value", "plus of what is no number"),
        ("{{ customer.name | date }}", "bad_value", "date of what is no day"),
        ("{{ customer.born | date: '%s' }}", "bad_value", "date with %s"),
        ("{{ 1 | divided_by: 0 }}", "bad_value", "divided_by 0"),
        ("{{ customer.name | money: 99 }}", "bad_value", "money wants a whole number from 0 to 4"),
        ("{% break %}", "bad_value", "break or continue outside of a loop"),
        ("{{ customer.name | upcase: 1, 2 }}", "bad_value", "TypeError"),
    ],
)
def test_what_cannot_be_filled_in_says_why(text: str, reason: str, about: str) -> None:
    with pytest.raises(FillError) as found:
        said(text)
    assert (found.value.reason, found.value.about) == (reason, about)


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in (1..1000000000000) %}x{% endfor %}",
        "{% for i in (1..1000000000000) reversed %}x{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}{% endfor %}{% endfor %}",
        "{% for i in (1..1000) %}{% if 1 == 1 %}{% endif %}" + "{% if 1 == 1 %}{% endif %}" * 50 + "{% endfor %}",
        "{% for i in (1..900) %}{% endfor %}" * 60,
        "{% assign s = 'aaaaaaaaaa' %}{% for i in (1..100) %}{% assign s = s | append: s %}{% endfor %}",
        "{% assign s = 9 %}{% for i in (1..100) %}{% assign s = s | times: s %}{% endfor %}",
        "{% assign s = 'a' %}" + "{% capture s %}{{ s }}{{ s }}{% endcapture %}" * 40,
        "{% assign s = 'aa' %}" + "{% assign s = s | replace: 'a', s %}" * 20,
        "{{ (1..100000000000) | join }}",
        "{{ 'a' | tail: 99999999999999 }}",
        "{{ 1 | money: 3000000000 }}",
        "{{ '9' | append: '" + "9" * 5000 + "' | plus: 1 }}",
        "{{ customer.born | date: '%1000000000Y' }}",
        "{% comment %}" + "{{" * 15_000,
        "{{" + " " * 30_000 + "}}",
        ("{{" + " " * 490 + "}") * 80,
        ("{% if " + " " * 490) * 80,
        "{% raw %}" * 4_000,
        "{% if a" + " and a" * 5_000 + " %}{% endif %}",
        "{{ a" + "[a" * 5_000 + "]" * 5_000 + " }}",
        "{% if a %}" * 3_000,
    ],
    ids=range(22),
)
def test_no_template_takes_long(text: str) -> None:
    begin = seconds()
    with pytest.raises((TemplateError, FillError)):
        said(text)
    assert seconds() - begin < 20, "work that is refused is not done; the bound is wide for a busy machine"


def test_the_dearest_template_allowed_is_still_cheap() -> None:
    body = "{{ customer.aum | times: 3 | plus: 1 | money | append: 'x' | replace: '0', 'abc' | truncate: 40 | size }}"
    text = "{% for i in (1..1000) %}" + body + "{% endfor %}"
    begin = seconds()
    assert len(said(text)) >= 1000
    assert seconds() - begin < 10


PIECES = (
    "{{", "}}", "{%", "%}", "{%-", "-}}", " ", "|", ":", ",", ".", "[", "]", "(", ")", "..", "'", '"', "\n", "\\",
    "customer", "customer.name", "customer.aum", "customer.tags", "link", "x", "1", "0", "-7", "2.5", "1e999", "nil",
    "true", "blank", "empty", "==", "!=", "<", "<=", "contains", "and", "or", "not", "if ", "endif", "else", "elsif ",
    "unless ", "endunless", "case ", "when ", "endcase", "for ", "endfor", "in ", "limit:", "offset:", "reversed",
    "continue", "break", "assign ", "=", "capture ", "endcapture", "comment", "endcomment", "raw", "endraw", "doc",
    "cycle ", "increment ", "include ", "tablerow ", "#", "forloop", "first", "last", "size", "王", "\u2028", "\x00",
    *sorted(filters_for("zh", "CNY")), *TAGS,
)  # fmt: skip
ANY_TEXT = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(max_size=20),
    st.dates(),
    st.datetimes(),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=4), st.dictionaries(st.text(max_size=3), SCALARS, max_size=2))


@st.composite
def outputs(draw: st.DrawFn) -> str:
    """Templates that are mostly right: values through filters with whatever arguments."""
    made = []
    names = ("customer.name", "customer.aum", "customer.tags", "customer.born", "x", "'a<b'", "3", "nil", "(1..3)")
    for _ in range(draw(st.integers(1, 4))):
        text = draw(st.sampled_from(names))
        for _ in range(draw(st.integers(0, 3))):
            text += f" | {draw(st.sampled_from(sorted(filters_for('zh', 'CNY'))))}"
            arguments = draw(st.lists(st.sampled_from((*names, "0", "-1", "2.5", "99", "'%Y'", "''")), max_size=2))
            text += f": {', '.join(arguments)}" if arguments else ""
        made.append(
            draw(st.sampled_from(("{{ %s }}", "{%% assign x = %s %%}{{ x }}", "{%% if %s %%}a{%% endif %%}"))) % text
        )
    return " ".join(made)


@given(text=st.one_of(ANY_TEXT, outputs()), value=VALUES, html=st.booleans(), language=st.sampled_from(("zh", "en")))
@example(text="{{ x | first }}", value=[[]], html=True, language="zh")
@settings(max_examples=500, deadline=None)
def test_whatever_is_written_and_filled_in_only_our_own_errors_come_out(
    text: str, value: Any, html: bool, language: str
) -> None:
    facts = {
        "customer": {name: clean(value) for name in ("name", "aum", "tags", "born")},
        "link": LINK,
        "x": clean(value),
    }
    try:
        made = read_template(text, language=language, html=html).fill(facts)
    except CultivaError as error:
        assert isinstance(error, TemplateError | FillError) and error.message and error.code.startswith("content.")
        return
    assert len(made) <= OUTPUT_MAX


@given(value=st.text(max_size=300))
def test_what_a_customer_is_called_cannot_be_liquid(value: str) -> None:
    known = clean(value + "{{ customer.secret }}{% if 1 %}x{% endif %}")
    facts = {"customer": {"name": known, "secret": "SECRET"}}
    text = "{{ customer.name }}{% assign a = customer.name | append: '{{ customer.secret }}' %}{{ a }}"
    assert said(text, facts=facts) == f"{known}{known}{{{{ customer.secret }}}}"


@given(value=st.text(max_size=300))
@example(value="</p><script>alert(1)</script>")
@example(value='" onmouseover="alert(1)')
@example(value="' x='")
def test_what_a_customer_is_called_cannot_be_html(value: str) -> None:
    text = (
        "<p title=\"{{ customer.name }}\" lang='{{ customer.name }}'>{{ customer.name }}"
        "{{ customer.name | append: 'x' }}"
        "{% capture c %}{{ customer.name }}{% endcapture %}{{ c }}{{ c | strip }}"
        "{{ customer.none | default: customer.name }}{{ customer.name | replace: '&lt;', '<' }}</p>"
    )
    assert not list(html_faults(text))
    assert shape(said(text, html=True, facts={"customer": {"name": clean(value) or "-"}})) == [("p", ("title", "lang"))]


def shape(html: str) -> list[tuple[str, tuple[str, ...]]]:
    """Elements with their attributes, as a browser would see them."""
    found: list[tuple[str, tuple[str, ...]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, tuple(name for name, _ in attrs)))

        def handle_comment(self, data: str) -> None:
            found.append(("comment", ()))

    reader = Reader()
    reader.feed(html)
    reader.close()
    return found


@given(value=st.text(max_size=1500))
def test_a_value_is_one_line_without_what_steers(value: str) -> None:
    known = clean(value)
    assert known is None or (UNSAFE.search(known) is None and 0 < len(known) <= 1000)
    assert one_line(value).isprintable() or UNSAFE.search(one_line(value)) is None
    assert not set("\r\n\x0b\x0c\x85\u2028\u2029\0") & set(one_line(value))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('<p title="{{ a }}">{{ b }}</p><a href="{{ link }}">x</a>', []),
        ("<p title='{{ x }}'>{% if a %}<b>{% endif %}{{ y }}", []),
        ('<a href="https://bank.example/?{{ unsubscribe }}">', []),
        ('<a href="{{ customer.url }}">', ["the attribute href"]),
        ('<img src="{{ x }}">', ["the attribute src"]),
        ("<p class={{ x }}>", ["without quotes"]),
        ("<p {{ x }}=1>", ["name of an attribute"]),
        ("<{{ x }}>", ["name of an element"]),
        ("</{{ x }}>", ["name of an element"]),
        ("<b{{ x }}>", ["name of an element"]),
        ('<script>var a = "{{ x }}"</script>{{ y }}', ["the element script"]),
        ("<SCRIPT>{{ x }}", ["not closed"]),
        ("<style>{{ x }}</style>", ["the element style"]),
        ('<p onclick="f({{ x }})">', ["the attribute onclick"]),
        ('<p style="color:{{ x }}">', ["the attribute style"]),
        ("<!-- {{ x }} -->", ["a comment"]),
    ],
)
def test_values_stand_where_escaping_helps(text: str, where: list[str]) -> None:
    found = list(html_faults(text))
    assert len(found) == len(where) and all(one in fault.message for one, fault in zip(where, found, strict=True))
    assert all(text[fault.index :].startswith("{{") for fault in found)


def test_names_are_known_beforehand() -> None:
    text = "{% assign a = customer.aum %}{{ a }}{% for t in customer.tags %}{{ t }}{% endfor %}"
    text += "{% if branch.name %}{% endif %}"
    assert read_template(text).names == {"customer.aum", "customer.tags", "branch.name"}
    assert read_template("{{ link }} {{ link | upcase }}").bare == 1
    assert read_template("{{ customer[customer.name] }}").names == {"customer.*", "customer.name"}


def test_steps_are_counted_before_they_are_made() -> None:
    within = (STEPS_MAX - 100) // 3 // 20
    assert said("{% for i in (1..20) %}" + "{{ i }}" * (within // 2) + "{% endfor %}")
    with pytest.raises(FillError, match="too much work"):
        said("{% for i in (1..1000) %}" + "{{ i }}" * 20 + "{% endfor %}")
