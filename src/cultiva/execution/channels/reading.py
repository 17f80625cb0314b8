"""A provider's JSON reports read by the paths of its settings; what names no kind is left out.

A report without an id of its own is known by its content, so that one handed over twice is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from cultiva.contracts.delivery import Report
from cultiva.definitions.providers import ReportFields
from cultiva.execution.channels.filling import at_path, text_at
from cultiva.kit.hashing import content_hash

KINDS = ("delivered", "bounced", "opened", "clicked", "replied", "opted_out", "confirmed", "failed")
"""What a report can be of; a word that is none of these and is not mapped is kept as it is, in lower case."""


def reports_in(document: Any, fields: ReportFields, *, received: datetime) -> Iterator[Report]:
    """The reports of a document.

    Args:
        document: JSON.
        fields: Where in it everything is.
        received: Stands for a time that is missing or cannot be read.
    """
    found = at_path(document, fields.items)
    for item in found if isinstance(found, list) else [found] if isinstance(found, dict) else []:
        kind = text_at(item, fields.kind)
        if kind:
            yield Report(
                report_id=text_at(item, fields.id) or content_hash(item),
                kind=fields.kinds.get(kind, kind.lower()),
                at=_moment(at_path(item, fields.at), received),
                key=text_at(item, fields.key),
                reference=text_at(item, fields.reference),
                address=text_at(item, fields.address),
                detail={"said": kind},
            )


def _moment(value: Any, received: datetime) -> datetime:
    """A time in UTC; one without a zone is taken as UTC."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        found = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return received
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
