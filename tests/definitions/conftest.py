"""A small workspace that checks clean, and changes to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cultiva.definitions.loading import check_workspace
from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import Fault

FILES = {
    "cultiva.toml": 'name = "bank"\n\n[vars]\ndata = "data"\n',
    "sources/core.yaml": """\
inputs:
  - name: customers
    file: ${data}/customers.csv
  - name: accounts
    file: ${data}/accounts.csv
tables:
  - table: party
    name: core
    from: customers
    columns:
      source_system: system
      source_id: id
      party_type: { from: kind, codes: { P: person, O: organisation } }
      birth_date: born
      branch_id: branch
  - table: account
    name: core
    select: select id as account_id, product as product_id, opened as opened_on from accounts
  - table: holder
    name: core
    from: accounts
    columns:
      account_id: id
      source_system: { value: core }
      source_id: owner
      role: { value: owner }
  - table: balance
    name: core
    from: accounts
    columns: { account_id: id, date: day, balance: balance }
  - table: product
    name: core
    from: accounts
    columns: { product_id: product, category: { value: deposit } }
  - table: event
    name: app
    from: customers
    columns: { event_id: id, source_system: system, source_id: id, at: at, name: name }
  - table: consent
    name: core
    from: customers
    columns:
      { source_system: system, source_id: id, purpose: purpose, channel: channel, granted: granted, at: at }
""",
    "events.yaml": """\
- name: loan_started
  label: { zh: 开始申请, en: Loan started }
  properties: { amount: number }
""",
    "tags/tags.yaml": """\
- name: party_type
  label: { zh: 类型, en: Type }
  type: text
  column: party_type
- name: birth_date
  label: { zh: 生日, en: Birthday }
  type: date
  column: birth_date
- name: branch_id
  label: { zh: 网点, en: Branch }
  type: text
  column: branch_id
- name: aum
  label: { zh: 资产, en: Assets }
  type: money
  aggregate: { table: holding, function: sum, value: balance, where: is_open and category = 'deposit' }
- name: age
  label: { zh: 年龄, en: Age }
  type: integer
  expression: years_between(birth_date, today)
""",
    "segments/segments.yaml": """\
- name: adults
  label: { zh: 成人, en: Adults }
  rule: age >= 18
- name: wealthy
  label: { zh: 富裕, en: Wealthy }
  rule: |
    segment('adults')
      and aum >= 50000
""",
    "lifecycle.yaml": """\
stages:
  - name: new
    label: { zh: 新, en: New }
    rule: aum < 100
  - name: mature
    label: { zh: 成熟, en: Mature }
    rule: true
""",
    "value.yaml": """\
parameters: { rate: 0.01 }
components:
  - name: spread
    label: { zh: 利差, en: Spread }
    aggregate: { table: holding, function: sum, value: balance * rate }
potential: { peers: [party_type] }
tierings:
  - name: value_tier
    label: { zh: 分层, en: Tier }
    of: comprehensive_value
    bands:
      - { name: low, label: { zh: 低, en: Low } }
      - { name: high, label: { zh: 高, en: High }, from: 100 }
""",
    "offers/offers.yaml": """\
- name: deposit
  label: { zh: 存款, en: Deposit }
  kind: product
  eligible: age >= 18
""",
    "strategies/strategies.yaml": """\
- name: grow
  label: { zh: 提升, en: Grow }
  objective: { metric: aum }
  audience: segment('wealthy')
  stages: [mature]
  tiers: [high]
  offers: [deposit]
  channels: [app]
  rank: aum * 0.01
  reason: "{age} 岁"
""",
    "contact_policy.yaml": """\
channels:
  - name: app
    label: { zh: 手机, en: App }
    kind: message
caps:
  - { scope: channel, channel: app, days: 7, contacts_max: 2 }
suppressions:
  - name: minor
    label: { zh: 未成年, en: Minor }
    rule: age < 18
""",
}
"""The files of the small workspace."""


@dataclass(frozen=True)
class Checked:
    """A workspace after checking."""

    workspace: Workspace | None
    faults: list[Fault]
    root: Path

    def only(self) -> Fault:
        """The one fault there is, with its file relative to the workspace."""
        assert len(self.faults) == 1, "\n".join(map(str, self.faults))
        return self.faults[0]

    def at(self) -> list[tuple[str, str]]:
        """Place within the workspace and code of every fault."""
        prefix = f"{self.root.as_posix()}/"
        return [(fault.place().removeprefix(prefix), fault.code) for fault in self.faults]


Check = Callable[..., Checked]
"""Writes the small workspace with changes and checks it."""


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """`check({"tags/tags.yaml": text})` replaces a file, `check(("age", "agee"), file=...)` replaces a text in one."""

    def run(
        *changes: tuple[str, str, str], files: Mapping[str, str | None] | None = None, **options: object
    ) -> Checked:
        texts: dict[str, str | None] = {**FILES, **(files or {})}
        for name, old, new in changes:
            text = texts[name]
            assert text is not None and old in text, f"{old!r} is not in {name}"
            texts[name] = text.replace(old, new, 1)
        for name, text in texts.items():
            if text is not None:
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        workspace, faults = check_workspace(tmp_path, **options)  # type: ignore[arg-type]
        return Checked(workspace, faults, tmp_path)

    return run
