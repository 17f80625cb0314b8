"""A business date is written in one way only."""

from __future__ import annotations

from datetime import date

import pytest

from cultiva.kit.clock import parse_business_date
from cultiva.kit.errors import CultivaError


def test_a_business_date_is_read() -> None:
    assert parse_business_date("1996-02-29") == date(1996, 2, 29)


@pytest.mark.parametrize("text", ["19940330", "1994-W13-3", "1994-3-30", "1995-02-29", "30.03.1994", ""])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(CultivaError, match="not a business date"):
        parse_business_date(text)
