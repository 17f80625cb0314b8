"""How many bad rows a table may have: above its share the run stops, with counts, examples and what to do."""

from __future__ import annotations

from collections import Counter

from cultiva.insight.sources.delivery import Census, Delivery
from cultiva.insight.sources.desk import Desk
from cultiva.insight.sources.quarantine import examples
from cultiva.insight.sources.result import BrokenContract, Counts
from cultiva.kit.errors import Fault

RULES_SHOWN = 5
"""So many of the most frequent broken contracts are listed in the error."""
EXAMPLES_MAX = 1000
"""Bad rows looked at for examples where the run stops anyway."""


def broken_by_census(delivery: Delivery, census: Census) -> list[BrokenContract]:
    """Broken contracts of the rows as delivered, most frequent first."""
    found: Counter[tuple[str, str, str]] = Counter()
    for (number, fault), rows in census.bad.items():
        contract = delivery.mappings[number].contracts[fault - 1]
        found[delivery.mappings[number].mapping.name, contract.rule, contract.column] += rows
    for (number, rule), rows in census.rejected.items():
        found[delivery.mappings[number].mapping.name, rule, ""] += rows
    return ordered(found)


def ordered(found: Counter[tuple[str, str, str]]) -> list[BrokenContract]:
    """Broken contracts by (mapping, rule, column), most frequent first, then by name."""
    return [BrokenContract(*names, rows) for names, rows in sorted(found.items(), key=lambda item: (-item[1], item[0]))]


def is_over(delivery: Delivery, mapping: int, counts: Counts) -> bool:
    """Whether a mapping has more bad rows than its tolerated share, and more than a few."""
    one = delivery.mappings[mapping].mapping
    return counts.quarantined - counts.erased > max(one.bad_rows_max * counts.read, one.bad_rows_few)


def too_many_bad_rows(
    desk: Desk, delivery: Delivery, mapping: int, counts: Counts, broken: list[BrokenContract]
) -> Fault:
    """The fault of a mapping that is over its share.

    Args:
        desk: Its quarantine has examples.
        delivery: The table.
        mapping: The mapping's number.
        counts: Its rows.
        broken: Broken contracts of the table.
    """
    one = delivery.mappings[mapping].mapping
    lines = [_line(desk, delivery, contract) for contract in broken if contract.mapping == one.name]
    rest = len(lines) - RULES_SHOWN
    seen = "; ".join(lines[:RULES_SHOWN]) + (f"; and {rest} more rules" if rest > 0 else "")
    return Fault(
        ", ".join(delivery.mappings[mapping].relation.files[:3]),
        0,
        0,
        "sources.too_many_bad_rows",
        f"{counts.quarantined:,} of {counts.read:,} rows ({counts.quarantined / counts.read:.2%}) "
        f"of mapping {one.name} to table {delivery.schema.name} are bad: the run stops, nothing is published",
        seen=seen,
        allowed=f"bad_rows_max {one.bad_rows_max:.2%} of the rows"
        + (f", or {one.bad_rows_few}" * (one.bad_rows_few > 0)),
        hint="ask for a mended delivery, or mend the mapping; raise its bad_rows_max only if these rows may be lost",
    )


def _line(desk: Desk, delivery: Delivery, contract: BrokenContract) -> str:
    found = examples(desk, delivery.schema.name, contract)
    named = f"{contract.rule} {contract.column}".strip()
    return f"{named}: {contract.rows:,} rows" + (f", e.g. {' | '.join(found)}" if found else "")
