"""What became of tasks: confirmed by the employee, delivered to the customer, or not, and why.

Source: developer.work.weixin.qq.com, documents 93338 (获取企业的全部群发记录) and 95095 (获取客户朋友圈企业发表的列表).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cultiva.contracts.delivery import Report
from cultiva.execution.channels.wecom.api import WecomApi

SENT_BY_EMPLOYEE = 2
"""status of get_groupmsg_task."""
RESULTS = {1: ("delivered", ""), 2: ("failed", "not a customer any more"), 3: ("failed", "over the customer's quota")}
"""status of get_groupmsg_send_result -> kind of report, and why; 0: not sent yet."""
JOB_DONE = 3
PAGE = 100


def reference_of(task_id: str, address: str) -> str:
    """How a message is known: the task and the customer within it."""
    return f"{task_id}/{address}"


def message_reports(
    api: WecomApi, *, chat_type: str, days: int, at: datetime, waiting: dict[str, datetime]
) -> Iterator[Report]:
    """Results of the tasks of the last days, whoever created them: nothing has to be remembered for it.

    Args:
        api: The platform.
        chat_type: single or group.
        days: How many.
        at: Now.
        waiting: Is told of tasks that an employee has not confirmed, and since when they wait.
    """
    window = {"start_time": int((at - timedelta(days=days)).timestamp()), "end_time": int(at.timestamp())}
    body = {"chat_type": chat_type, "filter_type": 0, "limit": PAGE, **window}
    for task in api.pages("externalcontact/get_groupmsg_list_v2", body, "group_msg_list"):
        since = datetime.fromtimestamp(int(task.get("create_time") or at.timestamp()), UTC)
        yield from _task_reports(api, str(task["msgid"]), at, waiting=waiting, since=since)


def moment_reports(api: WecomApi, job_id: str, *, at: datetime) -> Iterator[Report]:
    """Which employees have published a moment; empty while its job goes on."""
    found = api.asked("externalcontact/get_moment_task_result", jobid=job_id)
    result = found.data.get("result") or {}
    if found.data.get("status") != JOB_DONE or not result.get("moment_id"):
        return
    body = {"moment_id": result["moment_id"], "limit": PAGE}
    for entry in api.pages("externalcontact/get_moment_task", body, "task_list"):
        if entry.get("publish_status") == 1:
            yield _report(job_id, str(entry["userid"]), "confirmed", at)


def _task_reports(
    api: WecomApi, task_id: str, at: datetime, *, waiting: dict[str, datetime], since: datetime
) -> Iterator[Report]:
    for member in api.pages("externalcontact/get_groupmsg_task", {"msgid": task_id, "limit": PAGE}, "task_list"):
        if member.get("status") != SENT_BY_EMPLOYEE:
            waiting[task_id] = since
            continue
        body = {"msgid": task_id, "userid": member["userid"], "limit": PAGE}
        for entry in api.pages("externalcontact/get_groupmsg_send_result", body, "send_list"):
            yield from _entry_reports(task_id, entry, at)


def _entry_reports(task_id: str, entry: Mapping[str, Any], at: datetime) -> Iterator[Report]:
    address = str(entry.get("external_userid") or entry.get("chat_id") or "")
    moment = datetime.fromtimestamp(entry["send_time"], UTC) if entry.get("send_time") else at
    yield _report(task_id, address, "confirmed", moment)
    kind, why = RESULTS.get(int(entry.get("status") or 0), ("", ""))
    if kind:
        yield _report(task_id, address, kind, moment, why)


def _report(task_id: str, address: str, kind: str, at: datetime, why: str = "") -> Report:
    reference = reference_of(task_id, address)
    detail = {"why": why} if why else {}
    return Report(f"{reference}:{kind}", kind, at, reference=reference, detail=detail)
