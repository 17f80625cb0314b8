"""A mail as bytes: whatever is written is read again by somebody else's reader."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.contracts.delivery import Message
from cultiva.execution.channels.mail import Sender, written

AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
SENDER = Sender("深耕银行 <bank@example.org>", "stop@example.org")
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=300)
LINES = st.lists(WORDS, min_size=1, max_size=20)


@given(WORDS, LINES, LINES)
def test_a_mail_is_read_as_it_was_written(subject: str, text: list[str], html: list[str]) -> None:
    content = {"subject": subject, "text": "\n".join(text), "html": "\r\n".join(html)}
    raw = written(Message("k1", "fang@example.com", content), SENDER, at=AT)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    got = email.message_from_bytes(raw, policy=email.policy.default)
    assert got["subject"].split() == subject.split()  # folding may turn one kind of space into another
    assert got["from"].addresses[0].display_name == "深耕银行"
    assert got["date"].datetime == AT
    assert (_lines(got, "plain"), _lines(got, "html")) == (text, html)


def _lines(mail: Any, kind: str) -> list[str]:
    """The lines of a body; the last line end belongs to the boundary behind it."""
    payload = mail.get_body((kind,)).get_payload(decode=True).decode()
    return payload.removesuffix("\r\n").split("\r\n")


@pytest.mark.parametrize("field", ["subject", "unsubscribe"])
@pytest.mark.parametrize("bad", ["x\r\nBcc: a@b.c", "x\nBcc: a@b.c", "x\r y", "x\0"])
def test_a_header_does_not_break_out_of_its_line(field: str, bad: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        written(Message("k", "a@example.com", {"text": "x", field: bad}), SENDER, at=AT)


def test_one_click_is_for_https_only() -> None:
    def headers(url: str) -> tuple[str | None, str | None]:
        raw = written(Message("k", "a@example.com", {"text": "x", "unsubscribe": url}), Sender("b@example.org"), at=AT)
        got = email.message_from_bytes(raw, policy=email.policy.default)
        return got["list-unsubscribe"], got["list-unsubscribe-post"]

    assert headers("https://b.example/u") == ("<https://b.example/u>", "List-Unsubscribe=One-Click")
    assert headers("http://b.example/u") == ("<http://b.example/u>", None)
    assert headers("") == (None, None)
