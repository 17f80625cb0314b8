"""Faults of portfolios.yaml have their place, and say what was allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.definitions.conftest import FILES, Check

from cultiva.definitions.portfolios import GAP_COLUMNS
from cultiva.definitions.scopes import platform_columns

TAGS = FILES["tags/tags.yaml"] + "".join(
    f"""- name: {name}_balance
  label: {{ zh: 桶, en: Bucket }}
  type: money
  aggregate: {{ table: holding, function: sum, value: balance, where: asset_class = '{name}' }}
"""
    for name in ("liquid", "protection", "steady", "aggressive")
)
PORTFOLIOS = """\
as_of: 1994-01-01
source: { zh: 来源, en: Source }
applies: party_type = 'person'
buckets:
  liquid: { label: { zh: 活, en: L }, balance: liquid_balance, expected_return: 0.005, volatility: 0.001 }
  protection: { label: { zh: 保, en: P }, balance: protection_balance, expected_return: 0.02, volatility: 0.005 }
  steady:
    label: { zh: 稳, en: S }
    balance: steady_balance
    expected_return: 0.03
    volatility: 0.03
    risk_level: R2
    offers: [{ offer: deposit, margin: 0.01 }]
  aggressive:
    label: { zh: 进, en: A }
    balance: aggressive_balance
    expected_return: 0.08
    volatility: 0.2
    risk_level: R4
correlations:
  - { between: [steady, aggressive], correlation: 0.3 }
  - { between: [liquid, steady], correlation: 0.1 }
cash_need: aum * 0.1
protection_need: aum * 0.05
age_bands:
  - { name: young, label: { zh: 青, en: Young } }
  - { name: old, label: { zh: 老, en: Old }, from: 50, risk: 0.5 }
models:
  - { rating: C1, volatility_max: 0.01 }
  - { rating: C2, volatility_max: 0.02, limits: { steady: { max: 0.5 } } }
  - { rating: C3, volatility_max: 0.03 }
  - { rating: C4, volatility_max: 0.08 }
  - { rating: C5, volatility_max: 0.12, limits: { aggressive: { max: 0.6 } } }
unrated: { volatility_max: 0.01, limits: { aggressive: { max: 0 } } }
"""
FILE = "portfolios.yaml"


def files(text: str = PORTFOLIOS) -> dict[str, str | None]:
    return {"tags/tags.yaml": TAGS, FILE: text}


def test_a_workspace_with_model_portfolios_is_clean_and_has_their_columns(check: Check) -> None:
    found = check(files=files())
    assert found.faults == []
    assert found.workspace is not None
    assert {"model_portfolio", *GAP_COLUMNS.values()} <= set(platform_columns(found.workspace))


def test_without_the_file_there_are_no_gaps(check: Check) -> None:
    found = check()
    assert found.workspace is not None
    assert not {"model_portfolio", *GAP_COLUMNS.values()} & set(platform_columns(found.workspace))


@pytest.mark.parametrize(
    ("old", "new", "place", "code"),
    [
        ("balance: steady_balance", "balance: stedy_balance", f"{FILE}:9:14", "unknown_numeric_tag"),
        ("balance: steady_balance", "balance: liquid_balance", f"{FILE}:9:14", "portfolio_balance"),
        ("offer: deposit", "offer: deposits", f"{FILE}:13:23", "unknown_offer"),
        ("[liquid, steady]", "[aggressive, steady]", f"{FILE}:22:16", "portfolio_pair"),
        ("[liquid, steady]", "[steady, steady]", f"{FILE}:22:16", "portfolio_pair"),
        ("cash_need: aum", "cash_need: aun", f"{FILE}:23:12", "unknown_name"),
        ("protection_need: aum * 0.05", "protection_need: stage", f"{FILE}:24:18", "unknown_name"),
        ("from: 50, risk", "risk", f"{FILE}:27:5", "band_order"),
        ("name: old", "name: young", f"{FILE}:27:13", "duplicate_name"),
        ("rating: C2", "rating: C1", f"{FILE}:30:15", "duplicate_name"),
        ("volatility_max: 0.02", "volatility_max: 0.005", f"{FILE}:30:35", "portfolio_order"),
        ("{ steady: { max", "{ aggressive: { max", f"{FILE}:30:51", "portfolio_unsuitable"),
        ("{ steady: { max", "{ protection: { max", f"{FILE}:30:51", "portfolio_limit"),
        ("max: 0.6", "min: 0.7, max: 0.6", f"{FILE}:33:51", "portfolio_limit"),
        ("max: 0.6", "max: 0.12345", f"{FILE}:33:51", "portfolio_limit"),
        ("max: 0.6 }", "max: 0.1 }, steady: { max: 0.1 }, liquid: { max: 0.1 }", f"{FILE}:33:41", "portfolio_limit"),
        ("max: 0.03 }", "max: 0.03, limits: { steady: { min: 1 } } }", f"{FILE}:31:35", "portfolio_budget"),
    ],
)  # fmt: skip
def test_a_fault_has_its_place(check: Check, old: str, new: str, place: str, code: str) -> None:
    assert old in PORTFOLIOS
    found = check(files=files(PORTFOLIOS.replace(old, new, 1)))
    errors = [(at, found_code.rpartition(".")[2]) for at, found_code in found.at()]
    assert (place, code) in errors, errors


def test_correlations_that_cannot_be_true_together_are_refused(check: Check) -> None:
    pairs = ("[liquid, steady], correlation: 0.9", "[aggressive, liquid], correlation: -0.9")
    text = PORTFOLIOS.replace("correlation: 0.3", "correlation: 0.9").replace(
        "[liquid, steady], correlation: 0.1", pairs[0]
    )
    text = text.replace("cash_need", f"  - {{ between: {pairs[1]} }}\ncash_need", 1)
    fault = check(files=files(text)).only()
    assert fault.code == "definitions.portfolio_correlations"
    assert fault.line == 20
    assert fault.allowed == "none below 0"


def test_a_rating_above_its_products_says_what_was_allowed(check: Check) -> None:
    fault = check((FILE, "{ steady: { max: 0.5 } }", "{ aggressive: { max: 0.5 } }"), files=files()).only()
    assert fault.message == "C2 may not hold 'aggressive': its products begin at R4"
    assert (fault.seen, fault.allowed) == ("R4", "R2 and below")


def test_a_rating_without_a_model_is_a_warning(check: Check) -> None:
    found = check((FILE, "  - { rating: C4, volatility_max: 0.08 }\n", ""), files=files())
    assert [fault.warning for fault in found.faults] == [True]
    assert found.workspace is not None


def test_a_broken_file_causes_no_faults_in_rules_that_use_its_columns(check: Check, tmp_path: Path) -> None:
    broken = files(PORTFOLIOS.replace("unrated:", "unratd:"))
    strategies = FILES["strategies/strategies.yaml"].replace("aum * 0.01", "gap_steady * 0.01")
    found = check(files={**broken, "strategies/strategies.yaml": strategies})
    assert {fault.file.rpartition("/")[2] for fault in found.faults} == {FILE}
