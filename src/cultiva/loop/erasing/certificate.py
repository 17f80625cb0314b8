"""The certificate of an erasure: what was erased where, what was kept and why; sealed, and without anybody's name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cultiva.execution.erasure.people import Act, Done, Order
from cultiva.kit.words import Words, say

KEPT: Sequence[tuple[str, Words]] = (
    (
        "tombstones",
        Words(
            zh="身份标识的加密摘要：保证同一个人不再被导入；没有密钥无法辨认",
            en="keyed hashes of what the person was known by, so that nobody brings them back; they say nothing "
            "without the key",
        ),
    ),
    (
        "store/delivery",
        Words(
            zh="已发送消息的行：渠道费用核算需要；已改用随机编号并清空地址与内容",
            en="rows of messages that went out, whose cost is accounted for: under random ids, without address "
            "and content",
        ),
    ),
    (
        "store/benefit_grant",
        Words(
            zh="已发放权益的行：成本核算需要；已改用随机编号",
            en="rows of benefits given, whose cost is accounted for: under random ids",
        ),
    ),
    (
        "store/audit",
        Words(
            zh="审计记录：仅追加，依法留存；其中的客户编号已不指向任何人",
            en="the audit: append-only, kept by law; a customer's number in it leads to nobody any more",
        ),
    ),
    (
        "lake, totals",
        Words(
            zh="汇总数（网格、效果、模型、标签统计）：不涉及单个客户",
            en="totals (grid, readouts, models, statistics of tags): about no single customer",
        ),
    ),
    (
        "source systems",
        Words(
            zh="银行源系统及其交付文件：不归本系统所有，再次交付时将被拒收",
            en="the bank's own systems and the files that they deliver: not ours; what they deliver again is refused",
        ),
    ),
)
"""What stays, and why."""
_TITLE = Words(zh="个人信息删除证明", en="Certificate of erasure")
_LABELS: Mapping[str, Words] = {
    "erasure": Words(zh="删除编号", en="erasure"),
    "reason": Words(zh="事由", en="reason"),
    "asked_by": Words(zh="经办人", en="asked for by"),
    "begun": Words(zh="开始", en="begun"),
    "ended": Words(zh="完成", en="ended"),
    "customers": Words(zh="客户数", en="customers"),
    "rows": Words(zh="处理行数", en="rows dealt with"),
    "search": Words(zh="删除后检索", en="search afterwards"),
}
_ACTS: Mapping[str, Words] = {
    Act.REMOVED: Words(zh="删除", en="removed"),
    Act.UNLINKED: Words(zh="去标识", en="unlinked"),
    Act.MENDED: Words(zh="更正", en="mended"),
}
_NOTHING = Words(zh="未发现任何残留", en="nothing found")


def certificate_of(order: Order, done: Sequence[Done], stones: Mapping[str, int], at: datetime) -> dict[str, Any]:
    """What was done, as JSON-like data.

    Args:
        order: The order.
        done: What was done where.
        stones: Tombstones by kind.
        at: When it ended.
    """
    where = [{"place": one.place, "act": one.act.value, "rows": one.rows} for one in done if one.rows]
    return {
        "erasure": order.erasure_id,
        "reason": order.reason,
        "asked_by": order.asked_by,
        "begun": order.begun.isoformat(timespec="seconds"),
        "ended": at.isoformat(timespec="seconds"),
        "customers": order.people,
        "rows": sum(one.rows for one in done),
        "where": where,
        "kept": [{"what": what, "why_zh": why.zh, "why_en": why.en} for what, why in KEPT],
        "tombstones": dict(sorted(stones.items())),
        "left": {},
    }


def seal_of(certificate: Mapping[str, Any]) -> str:
    """SHA-256 of a certificate, as the audit keeps it.

    Examples:
        >>> seal_of({"b": 1, "a": 2}) == seal_of({"a": 2, "b": 1})
        True
    """
    text = json.dumps(certificate, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def readable(certificate: Mapping[str, Any], seal: str, language: str) -> str:
    """The certificate for people, in the workspace's language."""
    head = [f"{say(_LABELS[name], language)}: {certificate[name]}" for name in _LABELS if name in certificate]
    where = [
        f"  {say(_ACTS[Act(one['act'])], language):<10}{one['rows']:>10,}  {one['place']}"
        for one in certificate["where"]
    ]
    kept = [f"  {one['what']}: {one[f'why_{language}']}" for one in certificate["kept"]]
    search = f"{say(_LABELS['search'], language)}: {say(_NOTHING, language)}"
    return "\n".join([say(_TITLE, language), "", *head, "", *where, "", *kept, "", search, f"SHA-256: {seal}", ""])
