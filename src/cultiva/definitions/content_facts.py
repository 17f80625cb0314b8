"""What templates may speak of: the customer's profile, the offer, the adviser, the branch, and the bank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from cultiva.contracts.tables import BRANCH, STAFF
from cultiva.contracts.types import DataType, TableSchema
from cultiva.definitions.scopes import extra_columns, platform_columns
from cultiva.definitions.sender import BANK_FACTS
from cultiva.definitions.templates.values import LINKS
from cultiva.definitions.workspace import Workspace

CUSTOMER_NAME = "name"
"""`customer.name`: the name in the customer's resolved party record, where no tag is called so."""
OFFER_FACTS: Mapping[str, DataType] = {"name": DataType.TEXT, "category": DataType.TEXT, "price": DataType.NUMBER}
"""What templates may say of the offer, as `offer.<fact>`; the name is its label in the content's language."""
ROOTS = ("customer", "offer", "adviser", "branch", "bank", *LINKS)
"""First words of the names that templates may use."""
SAMPLES: Mapping[DataType, Mapping[str, Any]] = {
    DataType.BOOLEAN: {"zh": True, "en": True},
    DataType.INTEGER: {"zh": 30, "en": 30},
    DataType.NUMBER: {"zh": 0.35, "en": 0.35},
    DataType.MONEY: {"zh": Decimal("12345.67"), "en": Decimal("12345.67")},
    DataType.TEXT: {"zh": "示例文字", "en": "some text"},
    DataType.DATE: {"zh": date(2026, 11, 23), "en": date(2026, 11, 23)},
    DataType.TIMESTAMP: {"zh": datetime(2026, 11, 23, 10, 30), "en": datetime(2026, 11, 23, 10, 30)},  # noqa: DTZ001
    DataType.LIST: {"zh": ["甲", "乙"], "en": ["one", "two"]},
}
"""Type -> language -> a value of usual length, to see how long a message becomes."""
SAMPLE_NAME = {"zh": "欧阳小芳", "en": "Anna Novak"}
"""Language -> a name of usual length."""


@dataclass(frozen=True)
class Vocabulary:
    """Every name that a template of a workspace may use."""

    names: Mapping[str, Mapping[str, DataType]]
    """First word -> second word -> type."""
    bank: Mapping[str, Mapping[str, str]]
    """Language -> what is said of the bank."""

    def known(self) -> list[str]:
        """All names, with dots; links besides."""
        return [*(f"{root}.{name}" for root, found in self.names.items() for name in found), *LINKS]

    def sample(self, language: str) -> dict[str, Any]:
        """Facts of usual length in a language."""
        facts: dict[str, Any] = {
            root: {name: SAMPLES[kind][language] for name, kind in found.items()} for root, found in self.names.items()
        }
        facts["customer"][CUSTOMER_NAME] = SAMPLE_NAME[language]
        return {**facts, **LINKS, "bank": dict(self.bank[language])}


def vocabulary(workspace: Workspace) -> Vocabulary:
    """Every name that a template of a workspace may use."""
    tags = {name: tag.type for name, tag in workspace.tags.items()}
    return Vocabulary(
        names={
            "customer": {CUSTOMER_NAME: DataType.TEXT, **platform_columns(workspace), **tags},
            "offer": OFFER_FACTS,
            "adviser": _columns(workspace, STAFF),
            "branch": _columns(workspace, BRANCH),
            "bank": dict.fromkeys(BANK_FACTS, DataType.TEXT),
        },
        bank={language: workspace.sender.facts(language) for language in ("zh", "en")},
    )


def _columns(workspace: Workspace, table: TableSchema) -> dict[str, DataType]:
    return {**{one.name: one.type for one in table.columns}, **extra_columns(workspace, table.name)}
