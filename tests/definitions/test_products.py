"""Product templates: what they become, and every fault at its place."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.definitions.conftest import FILES, Check

from cultiva.definitions.products import levels_of

PRODUCTS = """\
- name: cash_loan
  label: { zh: 现金贷, en: Cash loan }
  kind: product
  category: loan
  eligible: age >= 18
  unit_cost: 1
  benefits: [gift]
  parameters:
    - { name: rate, label: { zh: 利率, en: Rate }, unit: rate, value: 0.07, floor: 0.06, ceiling: 0.08, step: 0.005 }
    - { name: term, label: { zh: 期限, en: Term }, unit: months, value: 36, floor: 12, ceiling: 60 }
  pricing:
    parameter: rate
    better: lower
    levels: [0.08, 0.07, 0.065, 0.06]
    groups: [party_type]
    margin: amount * (rate - treasury) * horizon_days / 365
    amount: 40000
    authority:
      - { role: adviser, label: { zh: 客户经理, en: Adviser }, limit: 0.065 }
      - { role: head_office, label: { zh: 总行, en: Head office }, limit: 0.06 }
    granted_by: adviser
"""
GIFT = "- name: gift\n  label: { zh: 礼, en: Gift }\n  kind: benefit\n  unit_cost: 2.5\n"
WITH = {
    "products/loans.yaml": PRODUCTS,
    "fairness.yaml": "protected: [gender, age]\n",
    "offers/offers.yaml": FILES["offers/offers.yaml"] + GIFT,
    "value.yaml": FILES["value.yaml"].replace("{ rate: 0.01 }", "{ rate: 0.01, treasury: 0.03 }"),
    "strategies/strategies.yaml": FILES["strategies/strategies.yaml"].replace("[deposit]", "[deposit, cash_loan]"),
    "tags/tags.yaml": FILES["tags/tags.yaml"] + "- name: band\n  label: { zh: 段, en: Band }\n  type: text\n"
    "  expression: case when age > 40 then 'old' else 'new' end\n",
    "segments/segments.yaml": FILES["segments/segments.yaml"] + "- name: new_ones\n  label: { zh: 新, en: New }\n"
    "  rule: band = 'new'\n",
}
"""The small workspace with a template, and what it refers to."""
FILE = "products/loans.yaml"


def test_a_template_becomes_one_offer_per_level(check: Check) -> None:
    found = check(files=WITH)
    assert [str(fault) for fault in found.faults if not fault.warning] == []
    assert found.workspace is not None
    made = [offer for offer in found.workspace.offers.values() if offer.group == "cash_loan"]
    assert [one.name for one in made] == ["cash_loan@800", "cash_loan@700", "cash_loan@650", "cash_loan@600"]
    assert [one.price for one in made] == [0.08, 0.07, 0.065, 0.06]
    assert {(one.category, one.eligible, one.unit_cost) for one in made} == {("loan", "age >= 18", 3.5)}
    assert made[0].label.en == "Cash loan at 8.00%" and made[0].label.zh == "现金贷 8.00%"


def test_who_names_the_template_names_all_its_variants(check: Check) -> None:
    lever = "levers:\n  - { name: push, label: { zh: 推, en: Push }, kind: business, factor: 2, offers: [cash_loan] }\n"
    found = check(files={**WITH, "arbitration.yaml": lever})
    assert found.workspace is not None
    variants = ("cash_loan@800", "cash_loan@700", "cash_loan@650", "cash_loan@600")
    assert found.workspace.strategies["grow"].offers == ("deposit", *variants)
    assert found.workspace.arbitration.levers[0].offers == variants


def test_a_template_is_part_of_the_version_and_so_are_its_variants(check: Check) -> None:
    one = check(files=WITH).workspace
    other = check((FILE, "0.065, 0.06]", "0.06]"), files=WITH).workspace
    assert one is not None and other is not None
    assert one.version != other.version
    assert ("offer", "cash_loan@650") in one.hashes and ("offer", "cash_loan@650") not in other.hashes
    assert one.hashes["product", "cash_loan"] != other.hashes["product", "cash_loan"]


def test_without_levels_every_step_is_one_and_the_best_comes_last(check: Check) -> None:
    found = check((FILE, "    levels: [0.08, 0.07, 0.065, 0.06]\n", ""), files=WITH).workspace
    assert found is not None
    assert levels_of(found.products["cash_loan"]) == (0.08, 0.075, 0.07, 0.065, 0.06)


def test_a_deposit_is_better_the_more_it_brings(check: Check) -> None:
    changes = [(FILE, "better: lower", "better: higher"), (FILE, "limit: 0.06 }", "limit: 0.08 }")]
    found = check(*changes, files=WITH).workspace
    assert found is not None
    assert levels_of(found.products["cash_loan"]) == (0.06, 0.065, 0.07, 0.08)


@dataclass(frozen=True)
class Case:
    name: str
    old: str
    new: str
    place: str
    code: str
    seen: str = ""
    hint: str = ""


CASES = [
    Case("floor above ceiling", "floor: 0.06,", "floor: 0.09,", "9:82", "price_floor", "0.09"),
    Case("floor of another parameter", "floor: 12,", "floor: 72,", "10:82", "price_floor", "72"),
    Case("list value outside", "value: 36", "value: 72", "10:71", "price_value", "72"),
    Case("step that does not divide", "step: 0.005", "step: 0.003", "9:109", "price_step", "0.003"),
    Case("no step", ", step: 0.005", "", "9:15", "price_limits", "rate", "add step:"),
    Case("level outside", "0.065, 0.06]", "0.065, 0.055]", "14:33", "price_level", "0.055"),
    Case("level between steps", "0.065, 0.06]", "0.0675, 0.06]", "14:26", "price_level", "0.0675"),
    Case("level twice", "0.065, 0.06]", "0.06, 0.06]", "14:32", "price_level", "0.06"),
    Case("list value that is no level", "[0.08, 0.07, 0.065, 0.06]", "[0.08, 0.065, 0.06]", "9:69", "price_value",
         "0.07"),
    Case("one level", "[0.08, 0.07, 0.065, 0.06]", "[0.07]", "11:3", "price_levels", "1"),
    Case("unknown parameter", "parameter: rate", "parameter: rat", "12:16", "unknown_parameter", "rat",
         "did you mean 'rate'?"),
    Case("unknown group", "groups: [party_type]", "groups: [partytype]", "15:14", "unknown_text_tag", "partytype",
         "did you mean 'party_type'?"),
    Case("group that is no text", "groups: [party_type]", "groups: [aum]", "15:14", "unknown_text_tag", "aum"),
    Case("protected group", "groups: [party_type]", "groups: [age]", "15:14", "protected_group", "age"),
    Case("group made of what is protected", "groups: [party_type]", "groups: [band]", "15:14", "protected_group",
         "band"),
    Case("no authority", "    authority:\n"
         "      - { role: adviser, label: { zh: 客户经理, en: Adviser }, limit: 0.065 }\n"
         "      - { role: head_office, label: { zh: 总行, en: Head office }, limit: 0.06 }\n", "", "11:3",
         "missing_field", hint="add authority:"),
    Case("level that nobody may grant", "limit: 0.06 }", "limit: 0.065 }", "18:5", "authority_missing", "0.065"),
    Case("limit off the ladder", "limit: 0.065", "limit: 0.063", "19:67", "authority_limit", "0.063"),
    Case("roles in the wrong order", "limit: 0.065", "limit: 0.06", "20:73", "authority_order", "0.065"),
    Case("unknown role", "granted_by: adviser", "granted_by: advisor", "21:17", "unknown_role", "advisor",
         "did you mean 'adviser'?"),
    Case("unknown benefit", "benefits: [gift]", "benefits: [gifts]", "7:14", "unknown_offer", "gifts",
         "did you mean 'gift'?"),
    Case("margin without the price", "(rate - treasury)", "(0.1 - treasury)", "16:13", "margin"),
    Case("price of its own", "  unit_cost: 1\n", "  unit_cost: 1\n  price: 3\n", "7:3", "template_field",
         hint="remove price"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_is_found_at_its_place(case: Case, check: Check) -> None:
    changes = [(FILE, case.old, case.new)]
    if case.name == "roles in the wrong order":
        changes.append((FILE, "Head office }, limit: 0.06 }", "Head office }, limit: 0.065 }"))
    faults = [fault for fault in check(*changes, files=WITH).faults if not fault.warning]
    found = [(fault.code, f"{fault.line}:{fault.column}", fault.seen) for fault in faults]
    assert (f"definitions.{case.code}", case.place, case.seen) in found, "\n".join(map(str, faults))
    hints = [fault.hint for fault in faults if fault.code == f"definitions.{case.code}"]
    assert case.hint in " ".join(hints)


def test_a_broken_ladder_is_told_once(check: Check) -> None:
    fault = check((FILE, "floor: 0.06,", "floor: 0.09,"), files=WITH).only()
    assert fault.code == "definitions.price_floor"


def test_a_margin_is_a_rule_with_the_value_models_parameters(check: Check) -> None:
    fault = check((FILE, "- treasury)", "- tresury)"), files=WITH).only()
    assert (fault.code, fault.line, fault.seen) == ("rules.unknown_name", 16, "tresury")
    assert "did you mean 'treasury'?" in fault.hint


def test_a_loss_at_a_level_is_told(check: Check) -> None:
    found = check(("value.yaml", "treasury: 0.03", "treasury: 0.065"), files=WITH)
    told = [fault for fault in found.faults if fault.code == "definitions.margin_loss"]
    assert len(told) == 1 and told[0].warning and "0.065, 0.06" in told[0].message


def test_an_attribute_that_protects_nobody_is_a_typing_error(check: Check) -> None:
    fault = check(("fairness.yaml", "gender", "gendr"), files=WITH).only()
    assert (fault.line, fault.column, fault.code) == (1, 13, "definitions.unknown_tag")
    assert fault.hint == "did you mean 'gender'?"


def test_a_template_that_nobody_proposes_is_told(check: Check) -> None:
    found = check(("strategies/strategies.yaml", "[deposit, cash_loan]", "[deposit]"), files=WITH)
    assert "definitions.unused_product" in {fault.code for fault in found.faults}
