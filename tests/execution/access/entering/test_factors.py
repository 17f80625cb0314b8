from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cultiva.execution.access.entering.factors import (
    RECOVERY_CODES,
    STEP_SECONDS,
    Seal,
    new_secret,
    offer,
    recovery_codes,
    recovery_hash,
    step_of,
)
from cultiva.kit.errors import CultivaError

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
AT = datetime(2026, 11, 23, 8, 0, 10, tzinfo=UTC)


def test_codes_are_those_of_the_standard() -> None:
    """RFC 6238, appendix B, SHA-1: at 59 s the code of 8 digits is 94287082, its last six are what telephones show."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert step_of(secret, "287082", datetime(1970, 1, 1, 0, 0, 59, tzinfo=UTC), after=0) == 1


@settings(deadline=None)
@given(st.integers(-4, 4), st.integers(0, 4))
def test_a_code_is_taken_a_step_around_and_never_again(steps: int, used: int) -> None:
    now = int(AT.timestamp()) // STEP_SECONDS
    code = pyotp.TOTP(SECRET).at(AT + timedelta(seconds=steps * STEP_SECONDS))
    after = now - 3 + used
    found = step_of(SECRET, f" {code[:3]} {code[3:]} ", AT, after=after)
    meant = now + steps
    assert found == (meant if abs(steps) <= 1 and meant > after else None)


@pytest.mark.parametrize("code", ["", "abc", "12345", "1234567", "１２３４５６", "0" * 10_000])
def test_what_is_no_code_is_none(code: str) -> None:
    assert step_of(SECRET, code, AT, after=0) is None


def test_an_offer_is_read_by_a_telephone() -> None:
    shown = offer(new_secret(), "wang.fang", "深耕")
    read = pyotp.parse_uri(shown.uri)
    assert (read.name, read.issuer) == ("wang.fang", "深耕")
    assert isinstance(read, pyotp.TOTP)
    assert read.secret == shown.secret


def test_recovery_codes_differ_and_are_read_however_they_are_typed() -> None:
    codes = recovery_codes()
    assert len(set(codes)) == RECOVERY_CODES == len(codes)
    typed = codes[0].upper().replace("-", " ")
    assert recovery_hash(typed, "u1") == recovery_hash(codes[0], "u1") != recovery_hash(codes[0], "u2")


@settings(deadline=None)
@given(st.text(max_size=50), st.text(max_size=10))
def test_what_is_sealed_opens_with_the_same_key_for_the_same_owner_only(text: str, owner: str) -> None:
    sealed = Seal("key").sealed(text, owner)
    assert Seal("key").opened(sealed, owner) == text
    for seal, whose in ((Seal("other"), owner), (Seal(), owner), (Seal("key"), owner + "x")):
        with pytest.raises(CultivaError) as caught:
            seal.opened(sealed, whose)
        assert caught.value.code == "factors.sealed"


def test_a_seal_does_not_show_its_key_and_without_one_the_text_is_plain() -> None:
    assert "swordfish" not in repr(Seal("swordfish"))
    assert SECRET not in Seal("swordfish").sealed(SECRET, "u1")
    assert Seal("swordfish").opened(Seal().sealed(SECRET, "u1"), "u1") == SECRET  # a key may come later
