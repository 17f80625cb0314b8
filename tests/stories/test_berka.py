"""A real bank's day, held against an independent calculation from the raw files (berka_oracle)."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from tests.cli.commands import done
from tests.stories.berka_oracle import HALER, BerkaFacts
from tests.stories.workspaces import DAY, facts, lake_folder, published, table

from cultiva.insight.groups.memberships import EVERYBODY, read_members

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.xdist_group("berka")]

CLIENTS = 5369
MONEY = {
    "aum", "aum_90d_ago", "loan_owed", "inflow_90d", "outflow_90d", "pension_90d", "transfers_in_90d",
    "penalties_365d", "value_fees", "value_servicing_cost",
}  # fmt: skip
"""Columns that both sides have, the oracle in whole haléř."""
NUMBERS = {
    "age", "own_accounts", "used_accounts", "cards", "loans", "days_since_movement", "movements_90d",
    "counter_cash_90d", "tenure_days",
}  # fmt: skip
TEXTS = {"gender", "stage"}


@pytest.fixture(scope="module")
def profile(berka: Path) -> pl.DataFrame:
    """The profile, with the client numbers of the raw files."""
    ids = table(berka, "identity_map").select("customer_id", client_id="source_id")
    return table(berka, "profile").join(ids, on="customer_id", how="left").sort("customer_id")


@pytest.fixture(scope="module")
def decisions(berka: Path) -> pl.DataFrame:
    return table(berka, "decisions")


def total(frame: pl.DataFrame, column: str) -> Decimal:
    """The exact sum of a money column."""
    return sum(frame[column].drop_nulls(), Decimal(0))


def test_every_row_of_the_raw_files_arrives(berka: Path, oracle: BerkaFacts) -> None:
    whole = ("party", "holder", "branch", "relationship")
    counted = {name: table(berka, name).height for name in whole}
    counted |= {name: facts(berka, name).height for name in ("transaction", "balance")}
    assert counted == {name: oracle.rows[name] for name in counted}
    assert table(berka, "quarantine").height == 0


def test_an_account_opened_after_the_business_date_does_not_exist_yet(berka: Path, oracle: BerkaFacts) -> None:
    accounts = table(berka, "account")
    kinds = {"accounts_open": "P_ACCOUNT", "loans_open": "P_LOAN", "cards_open": "P_CARD"}
    for name, product in kinds.items():
        opened = accounts.filter(pl.col("product_id").str.starts_with(product))
        assert opened.height == oracle.rows[name], name
    assert accounts.height == sum(oracle.rows[name] for name in kinds) < oracle.rows["account"]
    for found in (accounts, table(berka, "holding")):
        assert found.filter(pl.col("opened_on") > DAY).height == 0


def test_money_reconciles_to_the_haler(berka: Path, oracle: BerkaFacts, profile: pl.DataFrame) -> None:
    moved = facts(berka, "transaction")
    amount = pl.col("amount")
    found = {
        "money_in": total(moved.filter(amount > 0), "amount"),
        "money_out": -total(moved.filter(amount < 0), "amount"),
        "fees": -total(moved.filter(pl.col("kind") == "fee"), "amount"),
        "pensions": total(moved.filter(pl.col("kind") == "pension"), "amount"),
        "deposits": total(profile, "aum"),
        "deposits_90d_ago": total(profile, "aum_90d_ago"),
        "inflow_90d": total(profile, "inflow_90d"),
        "outflow_90d": total(profile, "outflow_90d"),
        "value_fees": total(profile, "value_fees"),
        "value_servicing_cost": total(profile, "value_servicing_cost"),
        "loans_owed": total(profile, "loan_owed"),
    }
    assert found == {name: oracle.sums[name] for name in found}


def test_every_client_is_one_customer(berka: Path, profile: pl.DataFrame) -> None:
    ids = table(berka, "identity_map")
    assert profile.height == ids.height == table(berka, "customer").height == CLIENTS
    assert profile["customer_id"].to_list() == list(range(1, CLIENTS + 1))
    assert ids["source_id"].n_unique() == CLIENTS


def test_every_tag_of_every_customer_is_as_worked_out_by_hand(profile: pl.DataFrame, oracle: BerkaFacts) -> None:
    ours = profile.to_pandas().set_index("client_id").reindex(oracle.customers.index)
    wrong = []
    for name in sorted(MONEY | NUMBERS | TEXTS):
        expected, found = oracle.customers[name], ours[name]
        if name in MONEY:
            found = found.map(lambda amount: int(amount * HALER), na_action="ignore")
        if name in MONEY | NUMBERS:
            unequal = ~((found.astype("Float64") == expected.astype("Float64")) | (found.isna() & expected.isna()))
        else:
            unequal = found != expected
        clients = unequal[unequal.fillna(True)].index
        if len(clients):
            first = clients[0]
            wrong.append(f"{name}: {len(clients)} customers, e.g. {first}: {found[first]} not {expected[first]}")
    assert wrong == []
    births = pd.to_datetime(ours["birth_date"])
    assert (births == oracle.customers["birth_date"]).all()


def test_stages_are_exactly_those_of_the_oracle(profile: pl.DataFrame, oracle: BerkaFacts) -> None:
    counted = dict(profile["stage"].value_counts().iter_rows())
    assert counted == oracle.stages
    assert sum(counted.values()) == CLIENTS


def test_an_owner_without_an_open_account_is_a_prospect(berka: Path, profile: pl.DataFrame) -> None:
    owners = table(berka, "holder").filter(role="owner").select("account_id", client_id="source_id")
    deposits = owners.filter(pl.col("account_id").str.contains("^[0-9]+$"))
    assert deposits.height == 4500
    later = deposits.join(table(berka, "account"), on="account_id", how="anti")
    assert later.height == 4500 - 1229
    assert set(later.join(profile, on="client_id")["stage"]) == {"prospect"}
    assert ((profile["stage"] == "prospect") == (profile["own_accounts"] == 0)).all()


def test_members_of_every_segment_are_exactly_those_of_the_oracle(
    berka: Path, profile: pl.DataFrame, oracle: BerkaFacts
) -> None:
    folder = lake_folder(berka, published(berka)["memberships", DAY])
    members = read_members([folder])
    client = dict(profile.select("customer_id", "client_id").iter_rows())
    assert {name: len(found) for name, found in members.segments.items()} == oracle.segments
    for name, found in members.segments.items():
        assert {client[one] for one in found} == oracle.members[name], name
    assert len(members.everybody) == CLIENTS
    assert EVERYBODY not in members.segments


def test_the_value_of_every_customer_adds_up_to_the_haler(profile: pl.DataFrame) -> None:
    parts = [name for name in profile.columns if name.startswith("value_") and name != "value_tier"]
    assert len(parts) == 6
    added = profile.select(pl.sum_horizontal(pl.col(name).fill_null(0) for name in parts))["value_deposit_spread"]
    assert (added == profile["current_value"].fill_null(0)).all()
    assert profile["current_value"].n_unique() > 1000


def test_the_grid_and_the_transitions_count_everybody_once(berka: Path, profile: pl.DataFrame) -> None:
    grid = table(berka, "grid")
    assert grid["customers"].sum() == CLIENTS
    for stage, tier, customers in grid.select("stage", "value_tier", "customers").iter_rows():
        assert customers == profile.filter(stage=stage, value_tier=tier).height
    assert total(grid, "aum") == total(profile, "aum")
    assert total(grid, "current_value") == total(profile, "current_value")
    moves = table(berka, "transitions")
    assert set(moves["from_stage"]) == {"none"}
    assert moves["customers"].sum() == CLIENTS


STRATEGIES = {
    "welcome": ("new_customers", {"first_contact", "honeymoon"}),
    "card_instead_of_counter": ("card_candidates", {"honeymoon", "growing", "mature"}),
    "account_of_ones_own": ("co_users", {"prospect"}),
}
"""Strategy -> segment of its audience, and its stages."""


def test_every_member_of_a_strategys_audience_has_one_fate(
    profile: pl.DataFrame, decisions: pl.DataFrame, oracle: BerkaFacts
) -> None:
    assert decisions.select("customer_id", "strategy", "offer").is_duplicated().sum() == 0
    client = dict(profile.select("customer_id", "client_id").iter_rows())
    stage = oracle.customers["stage"]
    for strategy, (segment, stages) in STRATEGIES.items():
        mine = decisions.filter(strategy=strategy)
        audience = {one for one in oracle.members[segment] if stage[one] in stages}
        assert {client[one] for one in mine["customer_id"]} == audience, strategy
        assert mine.filter(fate="chosen").height > 0, strategy
        assert mine.filter(fate="held_out").height > 0, strategy


def test_no_capacity_is_exceeded_and_none_is_left_unused(decisions: pl.DataFrame) -> None:
    chosen = decisions.filter(fate="chosen")
    per_branch = chosen.group_by("strategy", "branch_id").len()
    for strategy, limit in (("welcome", 2), ("account_of_ones_own", 3)):
        assert per_branch.filter(strategy=strategy)["len"].max() == limit
    assert chosen.filter(strategy="card_instead_of_counter").height == 100
    queued = decisions.filter(strategy="card_instead_of_counter", fate="no_capacity")["rank_value"]
    proposed = chosen.filter(strategy="card_instead_of_counter")["rank_value"]
    assert min(proposed) >= max(queued)


def test_worklists_hold_the_chosen_and_nobody_else(berka: Path, decisions: pl.DataFrame) -> None:
    listed = []
    for path in (berka / "lists" / str(DAY)).glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            listed += [(int(row["customer_id"]), row["strategy"], row["offer"]) for row in csv.DictReader(file)]
    chosen = decisions.filter(fate="chosen").select("customer_id", "strategy", "offer")
    assert sorted(listed) == sorted(chosen.iter_rows())


def test_count_and_the_profile_agree_on_any_condition(berka: Path, profile: pl.DataFrame) -> None:
    rule = "segment('draining') and age >= 60"
    answer = done("count", berka, rule, "--set", "data=/nowhere", "--json").data
    drained = (pl.col("aum_90d_ago") >= 10000) & (pl.col("aum") * 5 < pl.col("aum_90d_ago") * 3)
    assert answer["count"] == profile.filter(drained & (pl.col("age") >= 60)).height
