"""The adviser's page says what the advice says, in both languages, and leaves out what is not for the customer."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.insight.assets.bank import ON, pack, portfolios

from cultiva.definitions.frontier import model_weights
from cultiva.insight.assets.advice import Advice, Situation, Standing, advice
from cultiva.kit.masking import mask_name
from cultiva.loop.report.assets_page import data, sheets, write_page


@pytest.fixture
def found() -> Advice:
    """A customer with everything liquid and one proposal."""
    situation = Situation(
        customer_id=7,
        name=mask_name("王小芳"),
        model="c3_middle",
        rating="C3",
        rated_on=ON,
        age=48,
        held={"liquid": Decimal(200_000), "protection": None, "steady": None, "aggressive": None},
        needs=(60_000.0, 12_000.0),
        passed_over={},
        found=[
            {
                "bucket": "steady",
                "offer": "steady_fund",
                "amount": Decimal("108672.00"),
                "income": Decimal("652.03"),
                "given_up": Decimal("1521.41"),
            }
        ],
    )
    return advice(situation, portfolios(), model_weights(portfolios()), standing=Standing.VALID, on=ON)


@pytest.mark.parametrize(
    ("language", "title", "fund", "bank"),
    [
        ("zh", "资产配置建议", "稳健债券基金 (R2)", "银行年收入"),
        ("en", "Asset allocation", "Steady bond fund (R2)", "bank, a year"),
    ],
)
def test_the_page_has_bars_proposals_and_the_banks_income_but_for_the_handout(
    found: Advice, tmp_path: Path, language: str, title: str, fund: str, bank: str
) -> None:
    for handout in (False, True):
        file = tmp_path / "pages" / f"{handout}.html"
        write_page(found, pack(), file, language=language, handout=handout)
        html = file.read_text(encoding="utf-8")
        assert title in html and fund in html and "王**" in html and "小芳" not in html
        assert html.count("<svg") == 1 and html.count("<rect") == 8
        assert (bank in html) is not handout
        assert ("(-869)" in html) is not handout


def test_the_terminal_and_the_data_say_the_same_as_the_page(found: Advice) -> None:
    buckets, proposed = sheets(found, pack(), language="en")
    assert [row[3] for row in buckets.rows] == [one.gap for one in found.lines]
    assert proposed.rows[0][:2] == ("Steady bond fund (R2)", Decimal("108672.00"))
    said = data(found, pack(), language="en")
    assert sum(said["gaps"].values()) == 0
    assert said["net"] == {"steady_fund": Decimal("-869.38")}
