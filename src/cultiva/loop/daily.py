"""The main job of a business date: deliveries become customers, profiles, groups, decisions, lists and a report."""

from __future__ import annotations

from datetime import date

from cultiva.kit.words import Words
from cultiva.loop.day import Day
from cultiva.loop.parts import Parts
from cultiva.loop.steps import Plan, Step


def daily_plan(parts: Parts, on: date) -> Plan:
    """The steps of a business date, in order."""
    day = Day(parts, on)
    return (
        Step("sources", Words("数据接入", "deliveries"), (), day.sources),
        Step("identity", Words("客户拉通", "identity"), ("sources",), day.identity),
        Step("customer", Words("客户主档", "customers"), ("identity",), day.customer),
        Step("holding", Words("账户持有", "holdings"), ("customer",), day.holding),
        Step("profile", Words("标签画像、价值、生命周期", "profile, value, lifecycle"), ("holding",), day.profile),
        Step("standing", Words("阶段价值网格与标签目录", "grid and catalogue"), ("profile",), day.standing),
        Step("segments", Words("客群", "segments"), ("profile",), day.segments),
        Step("microsegments", Words("微客群", "micro-segments"), ("segments",), day.microsegments),
        Step("plan", Words("名单计划", "plan"), ("segments",), day.plan),
        Step("lists", Words("名单", "worklists"), ("plan",), day.lists),
        Step("report", Words("报告", "report"), (*EARLIER,), day.report),
    )


EARLIER = ("sources", "identity", "holding", "plan", "lists")
"""Steps whose findings the report tells."""
