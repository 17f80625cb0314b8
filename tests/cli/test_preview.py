"""`cultiva preview`: what a customer would read, masked."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from tests.cli.commands import cultiva, done

from cultiva.bootstrap import opened
from cultiva.execution.content.facts import Needs
from cultiva.kit.clock import parse_business_date
from cultiva.loop.previews import values_of

DAY = parse_business_date("1994-03-30")


def test_it_says_what_a_customer_would_read_without_a_name(bank: Path) -> None:
    told = done("preview", bank, "wecom_adviser_check_up", "--customer", 51, "--json").data
    text = told["message"]["content"]["text"]
    with opened(bank) as parts:
        row = values_of(parts, Needs(("customer.aum", "customer.name")), [51], DAY).row(0, named=True)
    assert row["customer.name"] not in text and f"{row['customer.name'][0]}*" in text
    assert f"{round(row['customer.aum']):,}元" in text
    english = done("preview", bank, "wecom_adviser_check_up", "--customer", 51, "--language", "en").out
    assert "this is your adviser at Cultiva Bank" in english and "CNY" in english
    assert "2 parts" in done("preview", bank, "sms_payroll_bonus", "--customer", 51).out


def test_what_is_not_there_is_said(bank: Path) -> None:
    wrong = cultiva("preview", bank, "sms_payrol_bonus", "--customer", 51)
    assert wrong.code == 3 and "sms_payroll_bonus" in wrong.err
    assert cultiva("preview", bank, "sms_payroll_bonus", "--customer", 51, "--language", "fr").code == 3
    assert cultiva("preview", bank, "sms_payroll_bonus", "--customer", 51, "--offer", "loan").code == 3
    assert cultiva("preview", bank, "sms_payroll_bonus", "--customer", 9_999_999).code == 3


def test_values_of_a_batch_come_in_the_order_asked_with_nulls_for_the_unknown(bank: Path) -> None:
    needs = Needs.of(["customer.aum", "customer.name", "adviser.role", "branch.name", "bank.name", "offer.name"])
    with opened(bank) as parts:
        found = values_of(parts, needs, [52, 9_999_999, 51], DAY)
        profile = pl.concat([values_of(parts, needs, [one], DAY) for one in (52, 9_999_999, 51)])
    assert found.columns == ["customer_id", "adviser.role", "branch.name", "customer.aum", "customer.name"]
    assert found.equals(profile) and found["customer_id"].to_list() == [52, 9_999_999, 51]
    assert found.row(1)[1:] == (None, None, None, None)
    assert None not in found["branch.name"].gather([0, 2]).to_list()
