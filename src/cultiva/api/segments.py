"""Segments: how large, what sets them apart, who is in them; and exact counts of a fresh rule."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, cast

from fastapi import Path
from pydantic import Field

from cultiva.api.customers import On
from cultiva.api.guard import OurDesk, Seeing, needs, router
from cultiva.api.paging import PAGE_DEFAULT, Cursor, Limit, cut, read_cursor
from cultiva.api.shapes import Page, Shape
from cultiva.execution.access.keys import Scope
from cultiva.insight.groups.audience import audience
from cultiva.loop import questions
from cultiva.loop.customers import label_of
from cultiva.loop.shows import read

RULE_CHARACTERS_MAX = 4000
routes = router("/segments", "segments")
counts = router("/counts", "segments")
SegmentName = Annotated[str, Path(max_length=200, description="Name of a segment.", examples=["payroll"])]


class SegmentShape(Shape):
    """A segment on a business date."""

    name: str
    label: str
    purpose: str
    """value, needs or marketing."""
    customers: int
    """Members whom the key sees."""
    share: float
    """Of all customers whom the key sees."""
    entered: int | None
    """Since the run before; null at the first, and for a key that sees less than the whole bank."""
    left: int | None
    words: str
    """What sets it apart, in one sentence."""
    business_date: date


class MembersShape(Page[int]):
    """Some of a segment's members, by id."""

    business_date: date
    """Stays the same from page to page, whatever runs meanwhile."""
    customers: int
    """All members whom the key sees."""


class CountRequest(Shape):
    """A condition over the profile."""

    rule: str = Field(min_length=1, max_length=RULE_CHARACTERS_MAX, examples=["aum >= 300000 and stage = 'mature'"])
    """In the rule language."""
    business_date: date | None = None
    """Business date; left out: the newest run."""


class CountShape(Shape):
    """How many customers a condition is true for, exactly."""

    rule: str
    count: int
    customers: int
    """All customers of that date whom the key sees."""
    share: float
    business_date: date


@routes.get("", **needs(Scope.SEGMENTS, 404))
def segments(
    desk: OurDesk, sight: Seeing, on: On = None, limit: Limit = PAGE_DEFAULT, cursor: Cursor = None
) -> Page[SegmentShape]:
    """Every segment, by name."""
    day = desk.day(on)
    query = ["segments", None if on is None else on.isoformat()]
    after = read_cursor(cursor, query, str) or ""
    rows = sorted(read(desk.parts, "segments", day).to_dicts(), key=lambda row: str(row["segment"]))
    sizes = None if sight.whole_bank else questions.segment_sizes(desk.parts, day, sight=sight)
    found = [_segment(desk, row, day, sizes) for row in rows if row["segment"] > after]
    page, rest = cut(found, limit, query, lambda one: one.name)
    return Page[SegmentShape](items=page, next_cursor=rest)


@routes.get("/{segment}", **needs(Scope.SEGMENTS, 404))
def segment(segment: SegmentName, desk: OurDesk, sight: Seeing, on: On = None) -> SegmentShape:
    """One segment."""
    day = desk.day(on)
    name = questions.checked_segment(desk.parts, segment)
    rows = [row for row in read(desk.parts, "segments", day).to_dicts() if row["segment"] == name]
    if not rows:  # defined after that day's run: the same error as for its members
        audience(desk.parts.lake.files_current("memberships", day), name, day)
    sizes = None if sight.whole_bank else questions.segment_sizes(desk.parts, day, sight=sight)
    return _segment(desk, rows[0], day, sizes)


@routes.get("/{segment}/members", **needs(Scope.SEGMENTS, 404))
def members(
    segment: SegmentName,
    desk: OurDesk,
    sight: Seeing,
    on: On = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> MembersShape:
    """Who is in a segment, by customer id."""
    query = ["members", segment, None if on is None else on.isoformat()]
    place = read_cursor(cursor, query, list)
    day, after = _place(place) if place is not None else (desk.day(on), -1)
    known = questions.members_of(desk.parts, segment, day, sight=sight)
    found = cast("Sequence[int]", known)  # a bitmap: in order, and cut without unpacking it
    begin = bisect_right(found, after)
    page, rest = cut(found[begin : begin + limit + 1], limit, query, lambda one: [day.isoformat(), one])
    return MembersShape(items=page, next_cursor=rest, business_date=day, customers=len(found))


@counts.post("", **needs(Scope.SEGMENTS, 404, 409, 413))
def count(asked: CountRequest, desk: OurDesk, sight: Seeing) -> CountShape:
    """Count the customers for whom a condition is true, exactly. Changes nothing, so it needs no idempotency key."""
    with desk.engine() as parts:
        found = questions.count(parts, asked.rule, desk.day(asked.business_date), sight=sight)
    return CountShape(
        rule=found.rule, count=found.count, customers=found.customers, share=found.share, business_date=found.on
    )


def _segment(
    desk: OurDesk, row: dict[str, Any], day: date, sizes: Mapping[str, questions.SegmentSize] | None
) -> SegmentShape:
    """A segment; with the sizes given, for those who see less than the whole bank."""
    mine = None if sizes is None else sizes[row["segment"]]
    language = desk.parts.workspace.settings.language
    return SegmentShape(
        name=row["segment"],
        label=label_of(desk.parts, "segment", row["segment"]),
        purpose=row["purpose"],
        customers=row["size"] if mine is None else mine.customers,
        share=row["share"] if mine is None else mine.share,
        entered=row["entered"] if mine is None else None,
        left=row["left"] if mine is None else None,
        words=row[f"words_{language}"],
        business_date=day,
    )


def _place(position: list[Any]) -> tuple[date, int]:
    """Day and last member of a cursor's place."""
    return date.fromisoformat(str(position[0])), int(position[1])
