"""Signed links: only what the bank has signed is believed, with any key that is still known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.execution.content.links import LinkKeys, LinkKind, Links, read, sign
from cultiva.kit.errors import CultivaError

OLD, NEW = "k1:0123456789abcdef", "k2:fedcba9876543210"
KEYS = LinkKeys.of_text(f"{NEW},{OLD}")
IDS = st.text("abcdefXYZ0123456789_-", min_size=1, max_size=64)


@given(kind=st.sampled_from(LinkKind), delivery=IDS)
def test_what_was_signed_is_read_back(kind: LinkKind, delivery: str) -> None:
    found = read(KEYS, sign(KEYS, kind, delivery))
    assert (found.kind, found.delivery_id, found.key) == (kind, delivery, "k2")


@given(delivery=IDS, at=st.integers(0, 200), put=st.characters())
def test_one_other_character_is_enough_to_be_refused(delivery: str, at: int, put: str) -> None:
    token = sign(KEYS, LinkKind.CLICK, delivery)
    at %= len(token)
    bent = token[:at] + put + token[at + 1 :]
    if bent != token:
        with pytest.raises(CultivaError, match="not genuine"):
            read(KEYS, bent)


@given(token=st.text(max_size=120))
def test_anything_else_is_refused_alike(token: str) -> None:
    with pytest.raises(CultivaError) as found:
        read(KEYS, token)
    assert (found.value.code, found.value.seen) == ("content.bad_link", None)


def test_keys_rotate() -> None:
    old = sign(LinkKeys.of_text(OLD), LinkKind.UNSUBSCRIBE, "d1")
    assert read(KEYS, old).key == "k1"
    with pytest.raises(CultivaError, match="not genuine"):
        read(LinkKeys.of_text(NEW), old)
    assert sign(KEYS, LinkKind.CLICK, "d1").startswith("ck2.d1.")


def test_a_click_is_no_refusal() -> None:
    token = sign(KEYS, LinkKind.CLICK, "d1")
    with pytest.raises(CultivaError, match="not genuine"):
        read(KEYS, "u" + token[1:])


@pytest.mark.parametrize(
    "text", ["", "k1", "k1:short", f"{OLD},{OLD}", "K1:0123456789abcdef", f"{OLD},:0123456789abcdef"]
)
def test_bad_keys_are_refused_without_showing_a_secret(text: str) -> None:
    with pytest.raises(CultivaError) as found:
        LinkKeys.of_text(text)
    assert found.value.code == "content.link_keys" and "0123456789" not in str(found.value)
    assert "0123456789" not in repr(KEYS)


def test_addresses() -> None:
    links = Links("https://go.bank.example", KEYS)
    assert links.url(LinkKind.CLICK, "d1").startswith("https://go.bank.example/l/ck2.d1.")
    assert links.url(LinkKind.UNSUBSCRIBE, "d1").startswith("https://go.bank.example/u/uk2.d1.")
    with pytest.raises(CultivaError):
        links.url(LinkKind.CLICK, "d 1")
