"""Those who live together share a cap from the relationships of the bank to the reservation of a touch."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from tests.stories.workspaces import table

from cultiva import bootstrap
from cultiva.definitions.policy import Cap
from cultiva.execution.budget.service import Budget
from cultiva.execution.budget.touches import TouchRequest
from cultiva.execution.recipients.people import Recipient
from cultiva.execution.recipients.service import Recipients
from cultiva.loop.recipients import refresh

pytestmark = pytest.mark.xdist_group("cli")
DAY = date(1994, 3, 30)
AT = datetime(1994, 3, 30, 8, tzinfo=UTC)


def ask(who: Recipient, worth: float) -> TouchRequest:
    return TouchRequest(
        touch_id=f"t{who.customer_id}", customer_id=who.customer_id, household_id=who.household_id, channel="app",
        offer="", strategy="s", launch_id="", step="", worth=worth, counts_on=DAY,
    )  # fmt: skip


def test_a_couple_of_the_bank_is_one_household_and_shares_the_cap_when_touches_are_reserved(
    bank: Path, tmp_path: Path
) -> None:
    root = tmp_path / "mybank"
    shutil.copytree(bank, root)
    homes = table(root, "household", DAY)
    together = homes.group_by("household_id").agg(pl.col("customer_id").sort()).sort("household_id")
    couple = [int(one) for one in together["customer_id"][0]]
    everybody = table(root, "profile", DAY)["customer_id"]
    single = int(everybody.filter(~everybody.is_in(homes["customer_id"].implode())).min())  # type: ignore[arg-type]
    with bootstrap.opened(root) as parts:
        assert refresh(parts, [*couple, single], DAY) == 3
        known = Recipients(parts.store.database).of([*couple, single])
        assert {known[one].household_id for one in couple} == {couple[0]}
        assert known[single].household_id is None
        budget = Budget(parts.store.database, [Cap(scope="household", days=7, contacts_max=1)])
        asked = [ask(known[couple[0]], 1), ask(known[couple[1]], 2), ask(known[single], 0)]
        verdicts = budget.reserve(None, asked, AT)
    assert [one.granted for one in verdicts] == [False, True, True]
