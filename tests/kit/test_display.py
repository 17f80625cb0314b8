from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from pydantic import BaseModel

from cultiva.kit.display import show_error, show_json, show_line, show_sheet, to_json
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.sheet import Sheet

SHEET = Sheet(
    title="客群",
    columns=("name", "customers", "share", "words"),
    rows=(("富裕客户", 1234, 0.25, "aum " + "x" * 300), ("old", None, 0.5, "two\nlines [bold]")),
    headings={"customers": "客户数"},
    formats={"share": ".1%"},
    note="as of 1994-03-30",
)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Thing:
    day: date
    at: datetime
    money: Decimal
    colour: Colour
    many: frozenset[int]


class Model(BaseModel):
    zh: str


def test_in_a_pipe_a_sheet_is_one_plain_line_per_row_whole_and_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    show_sheet(SHEET)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "客群",
        "name      客户数  share  words",
        "富裕客户   1,234  25.0%  aum " + "x" * 300,
        "old               50.0%  two lines [bold]",
        "as of 1994-03-30",
    ]


def test_on_a_terminal_a_sheet_is_folded_to_its_width() -> None:
    leader, follower = pty.openpty()
    code = "from tests.kit.test_display import SHEET; from cultiva.kit.display import show_sheet; show_sheet(SHEET)"
    surroundings = {**os.environ, "COLUMNS": "60", "TERM": "xterm"}
    done = subprocess.run([sys.executable, "-c", code], stdout=follower, env=surroundings, check=False)
    os.close(follower)
    text = os.read(leader, 100_000).decode(errors="ignore")
    os.close(leader)
    assert done.returncode == 0
    assert "\x1b[1m" in text
    assert len(text.splitlines()) > 8


def test_an_empty_sheet_shows_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show_sheet(Sheet("", ("a", "b"), ()))
    assert capsys.readouterr().out == "a  b\n"


def test_as_json_a_sheet_is_an_array_of_objects_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    show_sheet(SHEET, as_json=True)
    read = json.loads(capsys.readouterr().out)
    assert read[0] == {"name": "富裕客户", "customers": 1234, "share": 0.25, "words": "aum " + "x" * 300}
    assert read[1]["customers"] is None


def test_json_knows_the_types_that_results_are_made_of(capsys: pytest.CaptureFixture[str]) -> None:
    thing = Thing(
        date(1994, 3, 30), datetime(2026, 1, 5, 2, tzinfo=UTC), Decimal("12.30"), Colour.RED, frozenset({2, 1})
    )
    show_json({"thing": thing, "path": Path("a/b"), "model": Model(zh="客户"), "view": MappingProxyType({"a": 1})})
    assert json.loads(capsys.readouterr().out) == {
        "thing": {
            "day": "1994-03-30",
            "at": "2026-01-05T02:00:00Z",
            "money": "12.30",
            "colour": "red",
            "many": [1, 2],
        },
        "path": "a/b",
        "model": {"zh": "客户"},
        "view": {"a": 1},
    }


def test_json_of_numpy_is_numbers_and_of_nan_is_null() -> None:
    value = {"i": np.int64(3), "f": np.float32(0.5), "nan": float("nan"), "inf": np.float64("inf"), "a": np.arange(3)}
    assert json.loads(to_json(value)) == {"i": 3, "f": 0.5, "nan": None, "inf": None, "a": [0, 1, 2]}


def test_lines_and_errors_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show_line("[red]not markup[/red]")
    show_error(CultivaError("no such tag", code="x", seen="[aun]", allowed="aum", hint="did you mean 'aum'?"))
    shown = capsys.readouterr()
    assert shown.out == "[red]not markup[/red]\n"
    assert shown.err.splitlines() == [
        "error no such tag",
        "  seen    [aun]",
        "  allowed aum",
        "  do      did you mean 'aum'?",
    ]


def test_what_is_shown_goes_where_the_stream_points_now(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    show_line("here")
    assert stream.getvalue() == "here\n"


def test_a_name_that_is_none_of_those_allowed_is_to_be_chosen_anew() -> None:
    unknown = CultivaError("no such tag", code="x", kind=ErrorKind.NOT_FOUND, seen="zzz", allowed="aum, age")
    assert unknown.parts()[-1] == ("do", "choose one of these")
    assert CultivaError("no such tag", code="x", kind=ErrorKind.NOT_FOUND, seen="zzz").hint == ""


def test_moments_are_read_to_the_second() -> None:
    sheet = Sheet("holds", ("placed",), ((datetime(2026, 11, 24, 0, 40, 19, 615_525, tzinfo=UTC),),))
    assert sheet.cells() == [["2026-11-24 00:40:19+00:00"]]
