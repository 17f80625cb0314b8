"""The part of the WeCom API that mass messages and moments need, with the platform's own limits.

Employees confirm when the test says so: `POST /confirm {"userid": ...}`. A customer gets `--quota` messages; what is
above has status 3. Each customer of a task is a line in the record, keyed by the customer's id.
"""

from __future__ import annotations

import asyncio
import json
import time
from argparse import ArgumentParser
from functools import partial
from typing import Any

from tests.simulators.command import Desk, run
from tests.simulators.desk_routes import common
from tests.simulators.http import DROPPED, Answer, Request, serve


class Platform:
    """Tokens, tasks and what customers have got."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.tokens: dict[str, float] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.moments: dict[str, dict[str, Any]] = {}
        self.got: dict[str, int] = {}
        self.token_calls = 0

    async def handle(self, request: Request) -> Answer:
        """Answers one request."""
        if not request.path.startswith("/cgi-bin/"):
            return self.told(request) or common(self.desk, request) or Answer(404, {})
        route = request.path.removeprefix("/cgi-bin/")
        if route == "gettoken":
            return self.token(request)
        if self.tokens.get(request.query.get("access_token", ""), 0) < time.monotonic():
            return code(42001, "access_token expired")
        return await self.call(route.removeprefix("externalcontact/"), request)

    def told(self, request: Request) -> Answer | None:
        """What a test says and asks."""
        if request.path == "/confirm":
            return self.confirm(request.json()["userid"])
        if request.path == "/revoke":
            self.tokens.clear()
            return Answer(200, {})
        return Answer(200, {"count": self.token_calls}) if request.path == "/token_calls" else None

    def token(self, request: Request) -> Answer:
        self.token_calls += 1
        if request.query.get("corpsecret") != self.desk.given.secret:
            return code(40001, "invalid credential")
        token = f"t-{self.token_calls}"
        self.tokens[token] = time.monotonic() + self.desk.given.token_seconds
        return code(0, access_token=token, expires_in=7200)

    async def call(self, name: str, request: Request) -> Answer:
        body = request.json() or {}
        if name in ("add_msg_template", "add_moment_task"):
            return await self.created(name, body)
        if name == "remind_groupmsg_send":
            task = self.tasks[body["msgid"]]
            task["reminders"] += 1
            return code(0) if task["reminders"] <= 3 else code(41094, "reminded too often")
        if name == "get_moment_task_result":
            moment = self.moments[request.query["jobid"]]
            return code(0, status=3, type="add_moment_task", result={"errcode": 0, "moment_id": moment["id"]})
        lists = {
            "get_groupmsg_list_v2": self.task_list,
            "get_groupmsg_task": self.member_list,
            "get_groupmsg_send_result": self.send_list,
            "get_moment_task": self.publish_list,
        }
        return lists[name](body) if name in lists else code(40066, "no such path")

    async def created(self, name: str, body: dict[str, Any]) -> Answer:
        problem = wrong(body)
        if problem:
            return code(40058, problem)
        moment = name == "add_moment_task"
        customers: list[str] = body.get("external_userid") or body.get("chat_id_list") or []
        whom: list[str] = body["visible_range"]["sender_list"]["user_list"] if moment else customers
        drawn = self.desk.moods.drawn(whom[0])
        if "slow" in drawn:
            await asyncio.sleep(self.desk.moods.now.slow_seconds)
        if "drop_before" in drawn:
            return DROPPED
        if "refuse" in drawn:
            return code(41048, "no customer to send to")
        if "busy" in drawn:
            return code(45009, "reach max api daily quota limit")
        strangers = [one for one in whom if one.startswith("stranger")]
        known = [one for one in whom if one not in strangers]
        number = f"m{len(self.tasks) + len(self.moments) + 1}"
        for one in known:
            self.desk.record.accept(one, one, task=number, body=body)
        if moment:
            self.moments[number] = {"id": f"moment-{number}", "sender": whom[0], "published": False}
        else:
            self.tasks[number] = {"body": body, "whom": known, "sent": {}, "reminders": 0, "at": int(time.time())}
        if "drop_after" in drawn:
            return DROPPED
        return code(0, jobid=number) if moment else code(0, msgid=number, fail_list=strangers)

    def confirm(self, userid: str) -> Answer:
        for task in self.tasks.values():
            if task["body"]["sender"] == userid and not task["sent"]:
                for one in task["whom"]:
                    self.got[one] = self.got.get(one, 0) + 1
                    task["sent"][one] = 1 if self.got[one] <= self.desk.given.quota else 3
        for moment in self.moments.values():
            moment["published"] = moment["published"] or moment["sender"] == userid
        return Answer(200, {})

    def task_list(self, body: dict[str, Any]) -> Answer:
        within = [
            {"msgid": number, "create_time": task["at"]}
            for number, task in self.tasks.items()
            if task["body"]["chat_type"] == body["chat_type"]
            and body["start_time"] <= task["at"] <= body["end_time"] + 5
        ]
        return page(within, body, "group_msg_list")

    def member_list(self, body: dict[str, Any]) -> Answer:
        task = self.tasks[body["msgid"]]
        return page([{"userid": task["body"]["sender"], "status": 2 if task["sent"] else 0}], body, "task_list")

    def send_list(self, body: dict[str, Any]) -> Answer:
        task = self.tasks[body["msgid"]]
        name = "chat_id" if task["body"]["chat_type"] == "group" else "external_userid"
        found = [
            {name: one, "userid": body["userid"], "status": status, "send_time": task["at"]}
            for one, status in task["sent"].items()
        ]
        return page(found, body, "send_list")

    def publish_list(self, body: dict[str, Any]) -> Answer:
        moment = next(one for one in self.moments.values() if one["id"] == body["moment_id"])
        return page([{"userid": moment["sender"], "publish_status": int(moment["published"])}], body, "task_list")


def wrong(body: dict[str, Any]) -> str:
    """What the platform checks of a task."""
    attachments = body.get("attachments", [])
    if len(attachments) > 9:
        return "too many attachments"
    if any(one["msgtype"] not in one for one in attachments):
        return "attachment without content"
    if not attachments and not body.get("text", {}).get("content"):
        return "empty message"
    if body.get("chat_type") == "group" and not body.get("sender"):
        return "no sender"
    if len(body.get("chat_id_list", [])) > 2000 or len(body.get("external_userid", [])) > 10_000:
        return "too many"
    return "text too long" if len(body.get("text", {}).get("content", "").encode()) > 4000 else ""


def page(items: list[dict[str, Any]], body: dict[str, Any], name: str) -> Answer:
    """At most three entries at a time, so that every list has several pages."""
    begin = int(body.get("cursor") or 0)
    following = str(begin + 3) if begin + 3 < len(items) else ""
    return Answer(200, {"errcode": 0, name: items[begin : begin + 3], "next_cursor": following})


def code(number: int, message: str = "ok", **more: Any) -> Answer:
    """Everything is answered with 200."""
    return Answer(200, json.loads(json.dumps({"errcode": number, "errmsg": message, **more})))


async def start(desk: Desk) -> dict[str, int]:
    """Opens the socket."""
    platform = Platform(desk)
    port = await serve(partial(Platform.handle, platform), port=desk.given.port)
    return {"port": port, "http_port": port}


def _options(parser: ArgumentParser) -> None:
    parser.add_argument("--secret", default="secret")
    parser.add_argument("--quota", type=int, default=1, help="messages that a customer gets")
    parser.add_argument("--token-seconds", type=float, default=7200)


if __name__ == "__main__":
    run(start, options=_options)
