"""What a report means for its delivery, for plays, and for consent. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from cultiva.contracts.delivery import Report
from cultiva.execution.dispatch.records import State, name_of

OPTED_OUT = "opted_out"
"""Kind of report that withdraws consent."""
UNFOLLOWED = "unfollowed"
"""Kind of report that the customer has cut off a channel: removed the employee, the app, the chat."""
WITHDRAWING = frozenset({OPTED_OUT, UNFOLLOWED})
"""Kinds after which the customer is left alone: everywhere, or on that channel."""
ARRIVED = frozenset({"delivered", "opened", "clicked", "replied"})
"""Kinds that show that the customer has it."""
MISSED = frozenset({"bounced", "failed"})
"""Kinds that show that the customer will never have it."""
EVERY_CHANNEL = "*"
"""Channel of an opt-out that belongs to no message of ours."""


@dataclass(frozen=True)
class Sender:
    """The delivery that a report belongs to."""

    delivery_id: str
    customer_id: int
    touch_id: str
    channel: str
    state: State


@dataclass
class Taken:
    """What became of reports."""

    new: int = 0
    """Seen for the first time."""
    repeated: int = 0
    """Taken before."""
    unmatched: int = 0
    """New, and of no delivery that is known yet."""

    def plus(self, other: Taken) -> Taken:
        """Both together."""
        return Taken(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


def receipt_id(provider: str, report: Report) -> str:
    """The report's name over all providers."""
    return name_of("receipt", provider, report.report_id)


def next_state(kind: str, state: State) -> State | None:
    """Where a report moves its delivery; None: it stays. What has arrived stays arrived.

    Examples:
        >>> next_state("opened", State.UNKNOWN), next_state("failed", State.DELIVERED)
        (<State.DELIVERED: 'delivered'>, None)
    """
    if kind in ARRIVED and state is not State.DELIVERED:
        return State.DELIVERED
    if kind in MISSED and state in {State.SENDING, State.SENT, State.UNKNOWN}:
        return State.FAILED
    if kind == "confirmed" and state in {State.SENDING, State.UNKNOWN}:
        return State.SENT
    return None


def concerned(kind: str, customer_id: int, channel: str) -> tuple[int, str, str]:
    """Whom the no of an address concerns, without a touch: on every channel, or the one that was cut off.

    Examples:
        >>> concerned("opted_out", 7, "wecom"), concerned("unfollowed", 7, "wecom")
        ((7, '', '*'), (7, '', 'wecom'))
    """
    return customer_id, "", EVERY_CHANNEL if kind == OPTED_OUT else channel


def body_of(report: Report) -> dict[str, Any]:
    """The report as it is kept."""
    kept = {"report_id": report.report_id, "key": report.key, "reference": report.reference}
    return {**kept, "address": report.address, "detail": dict(report.detail)}


def report_of(kind: str, at: datetime, body: Mapping[str, Any]) -> Report:
    """The report as it was kept."""
    return Report(kind=kind, at=at, **body)


def signal_of(provider: str, report: Report, *, customer_id: int, touch_id: str, received: datetime) -> dict[str, Any]:
    """The row that plays wait for and the lake takes as an outcome; one per report and customer."""
    return {
        "signal_id": name_of("report", provider, report.report_id, customer_id),
        "customer_id": customer_id,
        "name": report.kind,
        "at": report.at,
        "amount": None,
        "touch_id": touch_id,
        "source": provider,
        "detail": dict(report.detail),
        "received": received,
    }


def withdrawal_of(
    provider: str, report: Report, *, customer_id: int, channel: str, received: datetime
) -> dict[str, Any]:
    """Consent withdrawn, with what proves it."""
    of_channel = [channel] if report.kind == UNFOLLOWED else []  # an address may be cut off on several channels
    return {
        "change_id": name_of("opt-out", provider, report.report_id, customer_id, *of_channel),
        "customer_id": customer_id,
        "channel": channel,
        "granted": False,
        "at": report.at,
        "evidence": f"report {report.report_id} of {provider}",
        "actor": provider,
        "through": "provider",
        "recorded": received,
    }
