"""What answers and silences of a server mean for a message, and values taken out of its JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.contracts.delivery import Message, Receipt, Sent
from cultiva.definitions.providers import ReportFields
from cultiva.execution.channels.filling import at_path, filled
from cultiva.execution.channels.reading import reports_in
from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.web import Reply, receipt_of, traced
from cultiva.kit.errors import CultivaError

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)


def _sent(status: int, *, reached: bool = True) -> Sent:
    return receipt_of("k", Reply(status, reached=reached), lambda _: Receipt("k", Sent.ACCEPTED)).sent


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (Sent.ACCEPTED, (200, 201, 202, 204)),
        (Sent.REFUSED, (400, 410, 413, 422)),
        (Sent.LATER, (301, 401, 403, 404, 408, 429, 503)),
        (Sent.UNKNOWN, (0, 409, 500, 502, 504, 520)),
    ],
)
def test_a_status_means_what_is_surely_true(sent: Sent, statuses: tuple[int, ...]) -> None:
    assert {_sent(status) for status in statuses} == {sent}


def test_what_never_reached_the_server_is_for_later() -> None:
    assert _sent(0, reached=False) is Sent.LATER


@given(st.integers(100, 599).filter(lambda status: status != 404 and not 200 <= status < 300))
def test_only_a_404_says_absent(status: int) -> None:
    assert traced("k", Reply(status), lambda _: "").sent is Sent.UNKNOWN
    assert traced("k", Reply(404), lambda _: "").sent is Sent.ABSENT


def test_what_a_provider_said_is_kept_without_personal_data() -> None:
    reply = Reply(422, b'{"error": "13812345678 and fang@example.com are bad"}' + b"x" * 5000)
    problem = receipt_of("k", reply, lambda _: Receipt("k", Sent.ACCEPTED)).problem
    assert "13812345678" not in problem
    assert "fang@" not in problem
    assert len(problem) < 250


@given(JSON, st.lists(st.sampled_from(["a", "b", "0", "1"]), max_size=4))
def test_a_path_finds_what_walking_finds(data: object, parts: list[str]) -> None:
    walked = data
    for part in parts:
        try:
            walked = walked[int(part)] if isinstance(walked, list) else walked[part]  # type: ignore[index]
        except (KeyError, IndexError, TypeError, ValueError):
            walked = None
            break
    found = at_path(data, ".".join(parts))
    assert found == (None if isinstance(walked, str) and parts and found is None else walked)


@given(st.text(max_size=50))
def test_a_customers_text_is_filled_in_and_not_read(said: str) -> None:
    message = Message("k", "a", {"text": said})
    assert filled({"x": ["{content.text}", 1, None]}, message) == {"x": [said, 1, None]}
    assert json.loads(json.dumps(filled({"x": "{content.text}"}, message)))["x"] == said


@given(JSON)
def test_reports_of_any_shape_are_read_or_left_out(document: object) -> None:
    for items in ("", "a", "a.b"):
        for report in reports_in(document, ReportFields(items=items, kind="a", at="b"), received=NOW):
            assert report.kind
            assert report.at.tzinfo is not None


def test_times_of_any_make_are_utc() -> None:
    at = [1763888400, "2026-11-23T17:00:00+08:00", "2026-11-23T09:00:00", "soon", None]
    document = [{"id": str(n), "kind": "delivered", "at": one} for n, one in enumerate(at)]
    found = [report.at for report in reports_in(document, ReportFields(items=""), received=NOW)]
    assert found == [datetime.fromtimestamp(1763888400, UTC), NOW, NOW, NOW, NOW]


def test_a_secret_of_a_file_is_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t-1\n")
    assert revealed("Bearer ${file:token}", root=tmp_path) == "Bearer t-1"
    with pytest.raises(CultivaError, match="secret"):
        revealed("${file:none}", root=tmp_path)
