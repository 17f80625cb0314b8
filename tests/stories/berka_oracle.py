"""What the Berka files say about a day, worked out from the raw files with pandas and nothing of Cultiva.

Written apart from the workspace in examples/berka, from the definitions in its descriptions, so that the two can be
held against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

HALER = 100
"""Haléř in a crown: money is counted in whole haléř."""
_TRANSACTIONS = "trans_1993-01-01_to_1994-03-31.asc.gz"
_PURPOSES = {
    "UROK": "interest",
    "SANKC. UROK": "penalty_interest",
    "SLUZBY": "fee",
    "SIPO": "household",
    "DUCHOD": "pension",
    "POJISTNE": "insurance_premium",
    "UVER": "loan_payment",
}
_OPERATIONS = {
    "VKLAD": "cash_in",
    "VYBER": "cash_out",
    "VYBER KARTOU": "card_cash_out",
    "PREVOD Z UCTU": "transfer_in",
    "PREVOD NA UCET": "transfer_out",
}


@dataclass(frozen=True)
class BerkaFacts:
    """The numbers of one day."""

    rows: Mapping[str, int]
    """Rows of each canonical table; facts up to the day."""
    sums: Mapping[str, Decimal]
    """Sums in crowns, to the haléř."""
    segments: Mapping[str, int]
    """Members of each segment."""
    members: Mapping[str, frozenset[str]]
    """client_id of the members of each segment."""
    stages: Mapping[str, int]
    """Customers of each lifecycle stage."""
    customers: pd.DataFrame
    """One row per client, by client_id: the tags that the segments use."""


def berka_facts(data: Path, today: date) -> BerkaFacts:
    """Everything about one day.

    Args:
        data: Folder with the .asc.gz files.
        today: The business date.
    """
    files = _Files(data, pd.Timestamp(today))
    customers = _customers(files)
    stage = _stages(customers)
    members = {name: frozenset(customers.index[holds]) for name, holds in _segments(customers).items()}
    return BerkaFacts(
        rows=_rows(files),
        sums=_sums(files, customers),
        segments={name: len(clients) for name, clients in members.items()},
        members=members,
        stages={str(name): int(count) for name, count in stage.value_counts().items()},
        customers=customers.assign(stage=stage),
    )


class _Files:
    """The raw files, read as text and typed."""

    def __init__(self, data: Path, today: pd.Timestamp) -> None:
        self.today = today
        self.client = _read(data, "client.asc.gz")
        self.disp = _read(data, "disp.asc.gz")
        self.district = _read(data, "district.asc.gz")
        self.order = _read(data, "order.asc.gz")
        self.account = _read(data, "account.asc.gz").assign(opened=lambda t: _days(t["date"]))
        self.loan = _read(data, "loan.asc.gz").assign(opened=lambda t: _days(t["date"]))
        self.card = _read(data, "card.asc.gz").assign(opened=lambda t: _days(t["issued"].str[:6]))
        self.trans = _typed_transactions(_read(data, _TRANSACTIONS))
        self.moved = self.trans[self.trans["day"] <= today]


def _read(data: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(data / name, sep=";", dtype=str, keep_default_na=False)


def _days(text: Any) -> Any:
    return pd.to_datetime("19" + text, format="%Y%m%d")


def _halers(text: Any) -> Any:
    """Whole haléř of an amount with one or two digits after the point."""
    parts = text.str.split(".", expand=True).reindex(columns=[0, 1])
    minus = parts[0].str.startswith("-")
    whole = parts[0].str.lstrip("-").astype("int64") * HALER
    rest = parts[1].fillna("0").str.pad(2, side="right", fillchar="0").astype("int64")
    return (whole + rest).where(~minus, -(whole + rest))


def _typed_transactions(trans: pd.DataFrame) -> pd.DataFrame:
    amount = _halers(trans["amount"])
    purpose = trans["k_symbol"].str.strip()
    return trans.assign(
        day=_days(trans["date"]),
        signed=amount.where(trans["type"] == "PRIJEM", -amount),
        balance=_halers(trans["balance"]),
        number=trans["trans_id"].astype("int64"),
        kind=purpose.map(_PURPOSES).fillna(trans["operation"].map(_OPERATIONS)),
        counter=trans["operation"].isin(["VKLAD", "VYBER"]) & ~purpose.isin(["UROK", "SANKC. UROK", "SLUZBY"]),
    )


def _rows(files: _Files) -> dict[str, int]:
    day_balances = files.moved.groupby(["account_id", "day"]).ngroups
    return {
        "party": len(files.client),
        "account": len(files.account) + len(files.loan) + len(files.card),
        "holder": len(files.disp) + len(files.loan) + len(files.card),
        "branch": len(files.district),
        "relationship": len(files.order),
        "transaction": len(files.moved),
        "balance": day_balances + len(_loan_schedule(files)),
        "accounts_open": int((files.account["opened"] <= files.today).sum()),
        "loans_open": int((files.loan["opened"] <= files.today).sum()),
        "cards_open": int((files.card["opened"] <= files.today).sum()),
    }


def _sums(files: _Files, customers: pd.DataFrame) -> dict[str, Decimal]:
    signed = files.moved["signed"]
    return {
        "money_in": _crowns(signed[signed > 0].sum()),
        "money_out": _crowns(-signed[signed < 0].sum()),
        "fees": _crowns(-signed[files.moved["kind"] == "fee"].sum()),
        "pensions": _crowns(signed[files.moved["kind"] == "pension"].sum()),
        "deposits": _crowns(customers["aum"].sum()),
        "deposits_90d_ago": _crowns(customers["aum_90d_ago"].sum()),
        "inflow_90d": _crowns(customers["inflow_90d"].sum()),
        "outflow_90d": _crowns(customers["outflow_90d"].sum()),
        "value_fees": _crowns(customers["value_fees"].sum()),
        "value_servicing_cost": _crowns(customers["value_servicing_cost"].sum()),
        "loans_granted": _crowns(_halers(files.loan["amount"][files.loan["opened"] <= files.today]).sum()),
        "loans_owed": _crowns(customers["loan_owed"].sum()),
    }


def _crowns(halers: Any) -> Decimal:
    return (Decimal(int(halers)) / HALER).quantize(Decimal("0.01"))


def end_of_day_balances(moved: pd.DataFrame) -> pd.DataFrame:
    """The balance per account and day: the recorded one nearest to the running sum, of equal ones the last number."""
    daily = moved.groupby(["account_id", "day"], as_index=False)["signed"].sum().sort_values(["account_id", "day"])
    daily["running"] = daily.groupby("account_id")["signed"].cumsum()
    both = moved.merge(daily[["account_id", "day", "running"]], on=["account_id", "day"])
    both["gap"] = (both["balance"] - both["running"]).abs()
    best = both.sort_values(["account_id", "day", "gap", "number"], ascending=[True, True, True, False])
    return best.drop_duplicates(["account_id", "day"])[["account_id", "day", "balance", "running"]]


def _loan_schedule(files: _Files) -> pd.DataFrame:
    """What is owed after every full month since the loan was granted, up to the day."""
    rows = []
    for loan in files.loan.itertuples():
        for month in range(int(loan.duration) + 1):
            day = loan.opened + pd.DateOffset(months=month)
            if day <= files.today:
                paid = month * int(Decimal(loan.payments) * HALER)
                rows.append((loan.account_id, day, max(int(Decimal(loan.amount) * HALER) - paid, 0)))
    return pd.DataFrame(rows, columns=["account_id", "day", "owed"])


def _customers(files: _Files) -> pd.DataFrame:
    """One row per client with the tags that segments and stages use."""
    people = files.client.set_index("client_id")
    month = people["birth_number"].str[2:4].astype(int)
    shift = month.where(month <= 50, month - 50).astype(str).str.zfill(2)
    born = pd.to_datetime("19" + people["birth_number"].str[:2] + shift + people["birth_number"].str[4:])
    today = files.today
    had_birthday = (born.dt.month * 100 + born.dt.day) <= (today.month * 100 + today.day)
    found = pd.DataFrame(
        {
            "gender": (month > 50).map({True: "female", False: "male"}),
            "birth_date": born,
            "age": today.year - born.dt.year - (~had_birthday).astype(int),
        }
    )
    for name, values in {**_holdings(files), **_movements(files)}.items():
        found[name] = values.reindex(found.index)
    unknown = ("tenure_days", "days_since_movement")  # stay missing where there is nothing to count from
    counts = [name for name in found if name not in ("gender", "birth_date", "age", *unknown)]
    found[counts] = found[counts].fillna(0).astype("int64")
    return found


def _holdings(files: _Files) -> dict[str, Any]:
    today = files.today
    opened = files.account[files.account["opened"] <= today]
    dispositions = files.disp.merge(opened, on="account_id")
    own = dispositions[dispositions["type"] == "OWNER"]
    owner = own.set_index("account_id")["client_id"]
    balances = end_of_day_balances(files.moved)
    loans = files.loan[files.loan["opened"] <= today]
    cards = files.card[files.card["opened"] <= today].merge(files.disp, on="disp_id")
    owed = _loan_schedule(files).sort_values("day").groupby("account_id")["owed"].last()
    by_owner = files.disp[files.disp["type"] == "OWNER"].set_index("account_id")["client_id"]
    return {
        "own_accounts": own.groupby("client_id").size(),
        "used_accounts": dispositions[dispositions["type"] == "DISPONENT"].groupby("client_id").size(),
        "cards": cards.groupby("client_id").size(),
        "loans": loans.groupby(loans["account_id"].map(by_owner)).size(),
        "loan_owed": owed.groupby(owed.index.map(by_owner)).sum(),
        "aum": _balance_on(balances, today, owner),
        "aum_90d_ago": _balance_on(balances, today - pd.Timedelta(days=90), owner),
    }


def _balance_on(balances: pd.DataFrame, day: pd.Timestamp, owner: Any) -> Any:
    last = balances[balances["day"] <= day].sort_values("day").groupby("account_id")["balance"].last()
    return last.groupby(last.index.map(owner)).sum()


def _movements(files: _Files) -> dict[str, Any]:
    owner = files.disp[files.disp["type"] == "OWNER"].set_index("account_id")["client_id"]
    moved = files.moved.assign(client_id=files.moved["account_id"].map(owner))
    recent = moved[moved["day"] > files.today - pd.Timedelta(days=90)]
    year = moved[moved["day"] > files.today - pd.Timedelta(days=365)]
    caused = moved[~moved["kind"].isin(["interest", "penalty_interest", "fee"])]

    def total(rows: pd.DataFrame) -> Any:
        return rows.groupby("client_id")["signed"].sum()

    return {
        "days_since_movement": (files.today - caused.groupby("client_id")["day"].max()).dt.days,
        "movements_90d": recent.groupby("client_id").size(),
        "inflow_90d": total(recent[recent["signed"] > 0]),
        "outflow_90d": -total(recent[recent["signed"] < 0]),
        "pension_90d": total(recent[recent["kind"] == "pension"]),
        "transfers_in_90d": total(recent[recent["kind"] == "transfer_in"]),
        "counter_cash_90d": recent[recent["counter"]].groupby("client_id").size(),
        "penalties_365d": -total(year[year["kind"] == "penalty_interest"]),
        "value_fees": -total(year[year["kind"].isin(["fee", "penalty_interest"])]),
        "value_servicing_cost": -total(year.assign(signed=year["counter"].map({True: 9 * HALER, False: HALER}))),
        "tenure_days": (files.today - _first_account(files)).dt.days,
    }


def _first_account(files: _Files) -> Any:
    """When the first account, loan or card of each owner that exists by the day was opened."""
    owner = files.disp[files.disp["type"] == "OWNER"].set_index("account_id")["client_id"]
    cards = files.card.merge(files.disp, on="disp_id")
    every = pd.concat(
        [
            pd.DataFrame({"client_id": files.account["account_id"].map(owner), "opened": files.account["opened"]}),
            pd.DataFrame({"client_id": files.loan["account_id"].map(owner), "opened": files.loan["opened"]}),
            cards[["client_id", "opened"]],
        ]
    )
    return every[every["opened"] <= files.today].groupby("client_id")["opened"].min()


def _segments(c: pd.DataFrame) -> dict[str, Any]:
    crowns = HALER
    return {
        "owners": c["own_accounts"] > 0,
        "affluent": c["aum"] >= 60_000 * crowns,
        "small_balance": (c["own_accounts"] > 0) & (c["aum"] < 10_000 * crowns),
        "seniors": c["age"] >= 60,
        "young": c["age"] < 25,
        "pensioners": c["pension_90d"] > 0,
        "wage_earners": (c["transfers_in_90d"] >= 9_000 * crowns) & ~(c["pension_90d"] > 0),
        "borrowers": c["loans"] > 0,
        "new_customers": c["tenure_days"] <= 90,
        "co_users": (c["used_accounts"] > 0) & ~(c["own_accounts"] > 0),
        "card_candidates": (c["cards"] == 0) & (c["counter_cash_90d"] >= 6) & c["age"].between(18, 70),
        "draining": _draining(c),
    }


def _draining(c: pd.DataFrame) -> Any:
    """Fallen by more than two fifths, in whole haléř: 5 x now < 3 x before."""
    return (c["aum_90d_ago"] >= 10_000 * HALER) & (c["aum"] * 5 < c["aum_90d_ago"] * 3)


def _stages(c: pd.DataFrame) -> Any:
    rules = [
        ("prospect", c["own_accounts"] == 0),
        ("first_contact", c["tenure_days"] <= 7),
        ("honeymoon", c["tenure_days"] <= 90),
        ("dormant", c["days_since_movement"].fillna(c["tenure_days"]) > 60),
        ("at_risk", _draining(c) | (c["penalties_365d"] > 0)),
        ("mature", c["tenure_days"] >= 365),
    ]
    stage = pd.Series("growing", index=c.index)
    for name, holds in reversed(rules):
        stage[holds] = name
    return stage
