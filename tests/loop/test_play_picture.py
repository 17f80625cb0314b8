"""A play's picture: steps go from left to right, ways back do not send anybody round forever."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.loop.report.play_picture import Arrow, Box, columns, draw

STEPS = "abcdef"
ARROWS = st.lists(st.builds(Arrow, st.sampled_from(STEPS), st.sampled_from(STEPS), st.just("")), max_size=14)


def test_a_step_stands_behind_everything_that_leads_to_it() -> None:
    found = columns("a", [Arrow("a", "b"), Arrow("a", "c"), Arrow("b", "c"), Arrow("c", "d"), Arrow("d", "b")])
    assert found == {"a": 0, "b": 1, "c": 2, "d": 3}


@settings(max_examples=60, deadline=None)
@given(arrows=ARROWS)
def test_any_play_is_drawn_whole(arrows: list[Arrow]) -> None:
    picture = draw("a", [Box(name, name, ("& <kind>",)) for name in STEPS], arrows)
    root = ElementTree.fromstring(picture)
    space = {"svg": "http://www.w3.org/2000/svg"}
    assert len(root.findall("svg:path", space)) == len(arrows)
    assert {one.text for one in root.iterfind("svg:g/svg:text", space)} >= set(STEPS)


def test_no_two_boxes_lie_on_each_other() -> None:
    arrows = [Arrow("a", "b"), Arrow("a", "c"), Arrow("b", "d"), Arrow("c", "d")]
    root = ElementTree.fromstring(draw("a", [Box(name, name, ()) for name in "abcd"], arrows))
    space = {"svg": "http://www.w3.org/2000/svg"}
    places = [(one.get("x"), one.get("y")) for one in root.iterfind("svg:g/svg:rect", space)]
    assert len(set(places)) == 4


def test_a_rule_is_text_and_never_markup() -> None:
    picture = draw("a", [Box("a", "a", ()), Box("b", "b", ())], [Arrow("a", "b", "x < 3 & <script>")])
    assert "<script>" not in picture and "&lt;script&gt;" in picture
