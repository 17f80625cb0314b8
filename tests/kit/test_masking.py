from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultiva.kit.masking import MASKS, mask_text, mask_value


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 13812345678 now", "call 138******78 now"),
        ("+8613812345678", "+861********78"),
        ("+420 601 123 456", "+420 *** *** *56"),
        ("138-1234-5678", "138-****-**78"),
        ("电话13812345678。", "电话138******78。"),
        ("身份证11010519491231002X", "身份证11**************2X"),
        ("6222021234567890123", "62***************23"),
        ("6222 0212 3456 7890", "62** **** **** **90"),
        ("to wang.fang+bank@mail.example.com.", "to w*************@mail.example.com."),
        ("6222021234567890 on 1994-03-30", "62************90 on 1994-03-30"),
    ],
)
def test_what_looks_personal_is_masked(text: str, masked: str) -> None:
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "20000000 rows in 12.5 s",
        "1994-03-30.1",
        "2026-01-05 02:00:00.123456",
        "from 1993-01-01 to 1994-03-31",
        "lake/profile/date=1994-03-30/1994-03-30.1.1/part-0.parquet",
        "0.30000000000000004",
        "3.141592653589793e-05",
        "f3b0c44298fc1c14",
        "customer 10000000",
        "127.0.0.1:5432",
        "",
    ],
)
def test_what_is_not_personal_stays_readable(text: str) -> None:
    assert mask_text(text) == text


@given(st.from_regex(r"\A1[3-9][0-9]{9}\Z"), st.text(alphabet=" ,;:'\"()[]户 a", max_size=5))
def test_no_mobile_number_survives_whatever_stands_before_it(phone: str, before: str) -> None:
    if not before.endswith("a"):
        assert phone not in mask_text(before + phone)


@given(st.text())
def test_masking_never_fails_and_never_changes_the_length_of_a_text(text: str) -> None:
    assert len(mask_text(text)) == len(text)


@given(st.sampled_from(sorted(MASKS)), st.text(min_size=3))
def test_a_personal_column_never_shows_its_whole_value(column: str, value: str) -> None:
    if any(character.isalnum() for character in value):
        assert mask_value(column, value) != value


def test_a_null_stays_null() -> None:
    assert mask_value("phone", None) is None
