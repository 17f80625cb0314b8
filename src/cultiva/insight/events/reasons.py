"""Why an event is set aside."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from cultiva.kit.words import Words


class Reason(StrEnum):
    """Why an event is set aside; the sender has to see to it."""

    MALFORMED = "malformed"
    """It is not a message of the Segment spec."""
    TOO_LARGE = "too_large"
    """More than 32 KB."""
    UNKNOWN_CALL = "unknown_call"
    """Its `type` is none of the spec's."""
    UNKNOWN_EVENT = "unknown_event"
    """events.yaml does not declare it."""
    NOBODY = "nobody"
    """It has neither userId nor anonymousId."""
    BAD_ID = "bad_id"
    """An id is empty, too long, or has a control character."""
    MISSING_PROPERTY = "missing_property"
    """A required property is not there."""
    WRONG_TYPE = "wrong_type"
    """A property is not of its declared type."""
    AHEAD = "ahead"
    """It lies in the future."""
    TOO_LATE = "too_late"
    """It is older than events may be."""
    NO_ZONE = "no_zone"
    """A time without its zone."""
    UNKNOWN_SYSTEM = "unknown_system"
    """Nobody says whose id the userId is."""
    ERASED = "erased"
    """It is about a person who was erased; nothing of it is kept."""


LABELS: Mapping[Reason, Words] = {
    Reason.MALFORMED: Words(zh="不是有效的消息", en="not a message"),
    Reason.TOO_LARGE: Words(zh="消息过大", en="too large"),
    Reason.UNKNOWN_CALL: Words(zh="未知调用类型", en="unknown call"),
    Reason.UNKNOWN_EVENT: Words(zh="未登记的事件", en="event not declared"),
    Reason.NOBODY: Words(zh="没有用户标识", en="nobody named"),
    Reason.BAD_ID: Words(zh="标识不合规", en="bad id"),
    Reason.MISSING_PROPERTY: Words(zh="缺少必填属性", en="property missing"),
    Reason.WRONG_TYPE: Words(zh="属性类型不符", en="property of another type"),
    Reason.AHEAD: Words(zh="时间在未来", en="in the future"),
    Reason.TOO_LATE: Words(zh="时间过早", en="too late"),
    Reason.NO_ZONE: Words(zh="时间缺少时区", en="time without zone"),
    Reason.UNKNOWN_SYSTEM: Words(zh="来源系统不明", en="source system not known"),
    Reason.ERASED: Words(zh="客户已删除", en="about an erased person"),
}
"""For people."""


class Refusal(Exception):
    """A message cannot be accepted.

    Args:
        reason: Why.
        field: The member concerned, as the sender writes it.
        allowed: What was allowed.
    """

    def __init__(self, reason: Reason, field: str = "", allowed: str = "") -> None:
        self.reason, self.field, self.allowed = reason, field, allowed
        super().__init__(reason.value)
