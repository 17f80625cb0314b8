"""Tasks as the WeCom API takes them: what is said, by whom, to whom; and what the platform allows. Pure.

Source: developer.work.weixin.qq.com, documents 92135 (创建企业群发), 97610 (提醒成员群发), 95094 (企业发表内容到客户的
朋友圈), as they were on 2025-11-17.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cultiva.contracts.delivery import Message

ATTACHMENTS_MAX = 9
TEXT_BYTES_MAX = 4000
CUSTOMERS_MAX, GROUPS_MAX = 10_000, 2_000
"""Customers, or customer groups, of one task."""
REMINDERS_MAX, REMINDERS_WINDOW = 3, timedelta(hours=24)
LINK_TITLE_MAX, MOMENT_TITLE_MAX, LINK_URL_MAX = 128, 64, 2048
"""Bytes of a link's title, of that in a moment, and of its address."""


@dataclass(frozen=True)
class Task:
    """The same words of the same employee to several customers."""

    sender: str
    """The employee's user id."""
    text: str
    attachments: str
    """JSON list as the API takes it."""
    tags: str
    """For moments: customer tags, parted by commas; empty: all customers of the employee."""


def task_of(message: Message) -> Task:
    """The task that a message belongs to.

    `content` has `text`, and `attachments` (JSON) or `url` with `title` and, for moments, `cover` (the media id of a
    picture); `extra` has `sender`, and `tags` for moments.
    """
    return Task(
        message.extra.get("sender", ""),
        message.content.get("text", ""),
        message.content.get("attachments") or json.dumps(_link(message), ensure_ascii=False),
        message.extra.get("tags", ""),
    )


def problem_of(task: Task, address: str, *, moment: bool = False) -> str:
    """Why a task can never be created; empty: it can."""
    attachments = _attachments(task)
    if isinstance(attachments, str):
        return attachments
    problems = [_too_much(attachments, moment=moment)]
    if len(task.text.encode()) > TEXT_BYTES_MAX:
        problems.append(f"a text of {len(task.text.encode())} bytes; WeCom takes {TEXT_BYTES_MAX}")
    if not task.text and not attachments:
        problems.append("nothing to say: no text and no attachments")
    if not task.sender or not address:
        problems.append("no employee who sends it" if address else "no customer")
    return next((one for one in problems if one), "")


def _too_much(attachments: list[Any], *, moment: bool) -> str:
    """What is too much of attachments; empty: nothing."""
    if len(attachments) > ATTACHMENTS_MAX:
        return f"{len(attachments)} attachments; WeCom takes {ATTACHMENTS_MAX}"
    kinds = sorted({str(one["msgtype"]) for one in attachments})
    if moment and len(attachments) > 1 and kinds != ["image"]:
        return f"{len(attachments)} attachments ({', '.join(kinds)}); a moment has pictures, or one video, or one link"
    urls = [str((one.get("link") or {}).get("url", "")) for one in attachments if one["msgtype"] == "link"]
    longest = max((len(url.encode()) for url in urls), default=0)
    return f"a link of {longest} bytes; WeCom takes {LINK_URL_MAX}" if longest > LINK_URL_MAX else ""


def _attachments(task: Task) -> list[Any] | str:
    """The attachments, or what is wrong with them."""
    try:
        found = json.loads(task.attachments)
    except ValueError:
        return "the attachments are not JSON"
    right = isinstance(found, list) and all(isinstance(one, dict) and "msgtype" in one for one in found)
    return found if right else "the attachments are not a list of objects with msgtype"


def groups_of(messages: Iterable[Message], *, most: int | None = None) -> list[tuple[Task, list[Message]]]:
    """Messages by task, at most so many to each (`CUSTOMERS_MAX`); a customer is in a task once."""
    most = CUSTOMERS_MAX if most is None else most
    found: dict[Task, list[list[Message]]] = {}
    following: dict[tuple[Task, str], int] = {}
    for message in messages:
        task = task_of(message)
        groups = found.setdefault(task, [])
        turn = following.get((task, message.address), 0)
        while turn < len(groups) and len(groups[turn]) >= most:
            turn += 1
        if turn == len(groups):
            groups.append([])
        groups[turn].append(message)
        following[task, message.address] = turn + 1
    return [(task, members) for task, groups in found.items() for members in groups]


def message_body(task: Task, addresses: Sequence[str], *, group: bool) -> dict[str, Any]:
    """Of externalcontact/add_msg_template."""
    whom: dict[str, Any] = (
        {"chat_type": "group", "chat_id_list": list(addresses)}
        if group
        else {"chat_type": "single", "external_userid": list(addresses)}
    )
    return {**whom, "sender": task.sender, "allow_select": False, **_said(task)}


def moment_body(task: Task) -> dict[str, Any]:
    """Of externalcontact/add_moment_task."""
    seen_by: dict[str, Any] = {"sender_list": {"user_list": [task.sender]}}
    tags = [tag for tag in task.tags.split(",") if tag]
    if tags:
        seen_by["external_contact_list"] = {"tag_list": tags}
    return {"visible_range": seen_by, **_said(task)}


def may_remind(earlier: Iterable[datetime], at: datetime) -> bool:
    """Whether the platform takes one more reminder: three within 24 hours, to each task."""
    return sum(at - REMINDERS_WINDOW < one <= at for one in earlier) < REMINDERS_MAX


def _said(task: Task) -> dict[str, Any]:
    attachments = json.loads(task.attachments)
    return {
        **({"text": {"content": task.text}} if task.text else {}),
        **({"attachments": attachments} if attachments else {}),
    }


def _link(message: Message) -> list[dict[str, Any]]:
    url = message.content.get("url", "")
    if not url:
        return []
    title = message.content.get("title") or url
    cover = message.content.get("cover", "")
    most = MOMENT_TITLE_MAX if cover else LINK_TITLE_MAX
    link = {"title": title.encode()[:most].decode(errors="ignore"), "url": url}
    return [{"msgtype": "link", "link": {**link, "media_id": cover} if cover else link}]
