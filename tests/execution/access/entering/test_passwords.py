from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.execution.access.entering.people import CHEAP

from cultiva.execution.access.entering.passwords import HashCost, check_password, common, compared, hashed
from cultiva.execution.access.entering.users import login_key
from cultiva.kit.errors import CultivaError


@pytest.mark.parametrize(
    "password",
    ["", "short", "elevenchars", "x" * 257, "password1234", "PassWord1234", "ｐassword1234", "aaaaaaaaaaaa",
     "abcabcabcabc", "my name is wang.fang", "WANG.FANG 2026 x", "correct horse battery staple"],
)  # fmt: skip
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(CultivaError) as caught:
        check_password(password, "wang.fang@bank.example")
    assert caught.value.code == "passwords.weak"
    assert not password or password not in str(caught.value)


@pytest.mark.parametrize("password", ["twelve chars", "四个互不相干的词语组成一句话", "a" * 200 + "b" * 56])
def test_length_is_enough_no_mixture_of_signs_is_asked(password: str) -> None:
    check_password(password, "wang.fang")


def test_the_list_of_common_ones_holds_only_what_the_length_lets_through() -> None:
    assert len(common()) > 150
    assert all(len(one) >= 12 for one in common() if one.isascii())


@settings(max_examples=30, deadline=None)
@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=60))
def test_a_kept_password_opens_for_itself_alone(one: str, other: str) -> None:
    kept = hashed(one, CHEAP)
    assert one not in kept or len(one) < 4
    assert compared(kept, one, CHEAP).right
    assert compared(kept, other, CHEAP).right == (one == other)
    assert kept != hashed(one, CHEAP)


def test_a_hash_at_another_cost_is_renewed_once() -> None:
    dearer = HashCost(passes=2, memory_kib=16, lanes=1)
    renewed = compared(hashed("four words of mine", CHEAP), "four words of mine", dearer).renewed
    assert "m=16,t=2" in renewed
    assert compared(renewed, "four words of mine", dearer).renewed == ""


def test_nobodys_password_is_compared_at_the_same_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    from argon2 import PasswordHasher

    seen: list[str] = []
    plain = PasswordHasher.verify

    def watched(self: PasswordHasher, kept: str, password: str) -> bool:
        seen.append(kept.rsplit("$", 2)[0])
        return plain(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", watched)
    assert not compared(hashed("four words of mine", CHEAP), "wrong words", CHEAP).right
    assert not compared("", "nobody has this password", CHEAP).right
    assert seen[0] == seen[1]
    assert "argon2id" in seen[0]


def test_a_kept_text_that_is_no_hash_opens_for_nothing() -> None:
    assert not compared("broken", "four words of mine", CHEAP).right


@settings(deadline=None)
@given(st.text(max_size=40))
def test_folding_a_login_twice_changes_nothing_more(login: str) -> None:
    assert login_key(login_key(login)) == login_key(login)
