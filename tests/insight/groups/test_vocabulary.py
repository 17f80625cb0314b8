"""What the columns of a profile are called: whatever a rule may name has a name for people, in both languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import cultiva
from cultiva.definitions.base import Label
from cultiva.definitions.loading import load_workspace
from cultiva.definitions.portfolios import GAP_COLUMNS, MODEL_COLUMN
from cultiva.definitions.scopes import profile_scope
from cultiva.definitions.workspace import Workspace
from cultiva.insight.groups.vocabulary import vocabulary

PACK = Path(cultiva.__file__).parent / "packs" / "retail_bank"


@pytest.fixture(scope="module")
def bank() -> Workspace:
    """The starter pack."""
    return load_workspace(PACK)


def test_every_name_of_the_profile_has_a_label(bank: Workspace) -> None:
    words = vocabulary(bank)
    missing = {name for name in profile_scope(bank).names if name not in words.tags} - {"customer_id"}
    assert not missing
    assert words.tag("gap_liquid") == Label(zh="活钱缺口", en="Gap in liquid money")
    assert set(GAP_COLUMNS.values()) <= words.money and MODEL_COLUMN not in words.money


def test_codes_of_canonical_columns_are_said_in_words(bank: Workspace) -> None:
    assert vocabulary(bank).value("party_type", "organisation").zh == "机构"
    assert vocabulary(bank).value("occupation", "教师") == Label(zh="教师", en="教师")


def test_without_model_portfolios_there_are_no_gaps(bank: Workspace) -> None:
    assert not set(GAP_COLUMNS.values()) & set(vocabulary(replace(bank, portfolios=None)).tags)
