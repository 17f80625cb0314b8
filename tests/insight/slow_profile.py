"""The profile of the small bank, computed customer by customer in plain Python, without any of Cultiva's parts."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.insight.bank import Deliveries, Row

CENT = Decimal("0.01")


def cents(value: float) -> Decimal:
    """A double to the cent, half away from zero."""
    scaled = abs(value) * 100
    return Decimal(math.copysign(math.floor(scaled + 0.5), value)).scaleb(-2).quantize(CENT)


def slow_profile(
    bank: Deliveries, on: date, stages: Mapping[int, str] | None = None, scores: Mapping[int, float] | None = None
) -> list[Row]:
    """Every customer's profile, in order of their ids."""
    rows = [_before_peers(bank, person, on, (scores or {}).get(person["customer_id"])) for person in bank.customers]
    for row in rows:
        _value(row, rows)
        _stage(row, None if stages is None else stages.get(row["customer_id"]))
    return rows


def _before_peers(bank: Deliveries, person: Row, on: date, score: float | None) -> Row:
    key = person["customer_id"]
    held, moved = bank.of("holdings", key), bank.of("transactions", key)
    happened = bank.of("events", key)
    row = {name: person[name] for name in ("customer_id", "name", "birth_date", "party_type")}
    row |= {"region": person["region_code"], "score": score, "complaints": None}
    row |= _holding_tags(held) | _transaction_tags(moved, on) | _event_columns(happened, on)
    row["rating"] = next((_points(one["points"]) for one in bank.of("ratings", key)), None)
    row["age"] = None if person["birth_date"] is None else _years(person["birth_date"], on)
    row["is_adult"] = None if row["age"] is None else row["age"] >= 18
    band = "senior" if row["age"] is None or row["age"] >= 60 else "middle" if row["age"] >= 30 else "young"
    row["age_band"] = band
    row["monthly_aum"] = cents(float(row["aum"]) / 12)
    row["tenure_days"] = None if row["opened_on"] is None else (on - row["opened_on"]).days
    year = [one for one in moved if _within(one["at"], on, 365)]
    deposits = [
        cents(float(one["balance"]) * 0.0173) for one in held if one["category"] == "deposit" and one["is_open"]
    ]
    row["value_deposits"] = sum(deposits, Decimal("0.00"))
    row["value_servicing"] = cents(-0.333) * len(year)
    row["value_surveys"] = None
    row["current_value"] = row["value_deposits"] + row["value_servicing"]
    return row


def _holding_tags(held: list[Row]) -> Row:
    return {
        "opened_on": min((one["opened_on"] for one in held), default=None),
        "aum": sum(
            (one["balance"] for one in held if one["is_open"] and one["category"] not in ("loan", None)),
            Decimal("0.00"),
        ),
        "open_products": len({one["product_id"] for one in held if one["is_open"]}),
        "accounts_ever": len(held),
        "postage": cents(1.205) * len(held),
    }


def _transaction_tags(moved: list[Row], on: date) -> Row:
    recent = [one for one in moved if _within(one["at"], on, 30)]
    kinds = sorted((one["at"], one["kind"]) for one in moved if one["kind"] is not None)
    total = sum((one["amount"] for one in moved), Decimal(0))
    average = (total / len(moved)).quantize(CENT, rounding=ROUND_HALF_UP) if moved else None
    return {
        "inflow_30d": sum((one["amount"] for one in recent if one["amount"] > 0), Decimal("0.00")),
        "movements_30d": len(recent),
        "average_amount": average,
        "last_kind": kinds[-1][1] if kinds else None,
    }


def _event_columns(happened: list[Row], on: date) -> Row:
    loans = [one for one in happened if one["name"] == "loan_started"]
    opened = [one for one in happened if one["name"] == "app_opened"]
    asked = [one for one in loans if _property(one, "online") is True and (_amount(one) or 0) > 1000]
    cars = [one for one in loans if _property(one, "product") == "car" and _within(one["at"], on, 30)]
    return {
        "logins": len(opened),
        "loans_asked": sum(_within(one["at"], on, 60) for one in asked),
        "event_count('loan_started', 7)": sum(_within(one["at"], on, 7) for one in loans),
        "event_count('loan_started', 1)": sum(_within(one["at"], on, 1) for one in loans),
        "car_loans": sum(_amount(one) or 0.0 for one in cars),
        "last_opened": max((one["at"].date() for one in opened), default=None),
        "last_opened_app": max((one["at"].date() for one in opened if one["channel"] == "app"), default=None),
    }


def _property(event: Row, name: str) -> Any:
    try:
        return json.loads(event["properties"] or "{}").get(name)
    except json.JSONDecodeError:
        return None


def _amount(event: Row) -> float | None:
    try:
        return float(_property(event, "amount"))
    except (TypeError, ValueError):
        return None


def _points(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _years(born: date, on: date) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _within(at: datetime, on: date, days: int) -> bool:
    return on - timedelta(days=days - 1) <= at.date() <= on


def _value(row: Row, rows: Iterable[Row]) -> None:
    peers: list[Callable[[Row], bool]] = [
        lambda other: (other["party_type"], other["age_band"]) == (row["party_type"], row["age_band"]),
        lambda other: other["party_type"] == row["party_type"],
        lambda other: True,
    ]
    cells = [sorted(other["current_value"] for other in rows if alike(other)) for alike in peers]
    cell = next((cell for cell in cells if len(cell) >= 12), cells[-1])
    reached = cell[math.ceil(Decimal("0.8") * len(cell)) - 1]
    chance = 0.35 if row["movements_30d"] > 0 else 0.05
    row["potential_value"] = cents(max(float(reached) - float(row["current_value"]), 0.0) * chance)
    row["relationship_value"] = cents(row["open_products"] * 1.005)
    row["activity_value"] = cents(-0.125 * row["movements_30d"])
    parts = [float(row[f"{part}_value"]) for part in ("current", "potential", "relationship", "activity")]
    row["comprehensive_value"] = cents(1.0 * parts[0] + 0.5 * parts[1] + 1.0 * parts[2] + 1.0 * parts[3])
    whole = float(row["comprehensive_value"])
    row["value_tier"] = "top" if whole >= 600.5 else "plus" if whole >= 100 else "basic"
    row["age_tier"] = "high" if (row["age"] or 0) >= 40 else "low"


def _stage(row: Row, before: str | None) -> None:
    row["previous_stage"] = before
    if row["accounts_ever"] == 0:
        row["stage"] = "prospect"
    elif before == "dormant" and row["movements_30d"] > 0:
        row["stage"] = "won_back"
    elif row["tenure_days"] <= 90:
        row["stage"] = "honeymoon"
    elif row["movements_30d"] == 0 and row["value_tier"] != "top":
        row["stage"] = "dormant"
    else:
        row["stage"] = "growing"


def in_segment(row: Row, on: date) -> dict[str, bool]:
    """Which segments a customer is in."""
    wealthy = row["aum"] >= 20000
    pilot = row["customer_id"] in (3, 5, 7)
    ago = None if row["last_opened"] is None else (on - row["last_opened"]).days
    return {
        "wealthy": wealthy,
        "wealthy_adults": wealthy and bool(row["is_adult"]) and not pilot,
        "pilot": pilot,
        "known_pilot": row["customer_id"] in (2, 4),
        "borrowers": row["event_count('loan_started', 7)"] >= 1 or row["car_loans"] > 500,
        "quiet": (ago is not None and ago > 20) or row["last_opened_app"] is None,
        "nobody": row["aum"] < -1_000_000,
        "southern_growing": row["region"] in ("south", "南")
        and row["stage"] == "growing"
        and row["value_tier"] != "basic",
    }
