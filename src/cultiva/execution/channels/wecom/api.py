"""Calls of the WeCom API: an access token kept as long as it is valid, JSON out, JSON in, codes told apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cultiva.contracts.delivery import Sent
from cultiva.execution.channels.web import Call, Reply, Web, said

STALE = frozenset({40014, 42001})
"""The access token is wrong or too old: a new one, and once more."""
CODES: Mapping[int, Sent] = {
    0: Sent.ACCEPTED,
    40058: Sent.REFUSED,  # a parameter is wrong
    40096: Sent.REFUSED,  # no such customer
    41048: Sent.REFUSED,  # nobody is left to send it to
    84061: Sent.REFUSED,  # not this employee's customer
}
"""Code -> what it means for a message. All other codes (busy, over the rate, not allowed) are LATER."""
RATE = frozenset({45009, 45011, 45033})
"""Over the rate."""
RATE_SECONDS = 60.0
"""What the platform's rates are counted by."""
EARLY_SECONDS = 120.0
"""How long before its end a token is not used any more."""


@dataclass(frozen=True)
class Outcome:
    """What came of a call."""

    sent: Sent
    data: Mapping[str, Any]
    problem: str = ""
    retry_after: float | None = None

    @property
    def good(self) -> bool:
        """Whether it did what was asked."""
        return self.sent is Sent.ACCEPTED


class WecomApi:
    """One application's access to the API.

    Args:
        web: Requests.
        base: `https://qyapi.weixin.qq.com`, or a gateway before it.
        corp_id: The bank.
        secret: The application's.
        seconds: A count of seconds that only grows.
    """

    def __init__(self, web: Web, base: str, *, corp_id: str, secret: str, seconds: Callable[[], float]) -> None:
        self._web = web
        self._base = base.rstrip("/")
        self._login = {"corpid": corp_id, "corpsecret": secret}
        self._seconds = seconds
        self._token = ""
        self._valid_until = 0.0

    def asked(self, path: str, body: Mapping[str, Any] | None = None, **query: str) -> Outcome:
        """One call; GET without a body.

        Args:
            path: Below `/cgi-bin/`.
            body: JSON.
            query: Beside the access token.
        """
        found = self._once(path, body, query)
        if found.data.get("errcode") in STALE:
            self._token = ""
            found = self._once(path, body, query)
        return found

    def pages(self, path: str, body: Mapping[str, Any], items: str) -> Iterator[Mapping[str, Any]]:
        """All entries of a list that is given page by page; ends early where a page does not come."""
        cursor = ""
        while True:
            found = self.asked(path, {**body, "cursor": cursor})
            yield from found.data.get(items) or ()
            following = str(found.data.get("next_cursor") or "")
            if not found.good or not following or following == cursor:
                return
            cursor = following

    def _once(self, path: str, body: Mapping[str, Any] | None, query: Mapping[str, str]) -> Outcome:
        token = self._access_token()
        if isinstance(token, Outcome):
            return token
        url = f"{self._base}/cgi-bin/{path}?{urlencode({'access_token': token, **query})}"
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return outcome(self._web.one(Call("GET" if body is None else "POST", url, {}, content)))

    def _access_token(self) -> str | Outcome:
        """The kept token, or a new one; an outcome if there is none. Without one nothing has been asked."""
        if self._token and self._seconds() < self._valid_until:
            return self._token
        found = outcome(self._web.one(Call("GET", f"{self._base}/cgi-bin/gettoken?{urlencode(self._login)}")))
        if not found.good:
            return Outcome(Sent.LATER, {}, f"no access token: {found.problem}", found.retry_after)
        self._token = str(found.data["access_token"])
        valid = float(found.data.get("expires_in") or 0)
        self._valid_until = self._seconds() + max(valid - EARLY_SECONDS, valid / 2)
        return self._token


def outcome(reply: Reply) -> Outcome:
    """What a reply means: the API answers 200 and says the rest by `errcode`."""
    document = reply.json() if reply.status == 200 else None
    if not isinstance(document, dict) or not isinstance(document.get("errcode", 0), int):
        sure = reply.status == 0 and not reply.reached
        return Outcome(Sent.LATER if sure else Sent.UNKNOWN, {}, reply.problem or f"HTTP {reply.status}")
    code = document.get("errcode", 0)
    sent = CODES.get(code, Sent.LATER)
    problem = "" if code == 0 else f"errcode {code}: {said(str(document.get('errmsg', '')).encode())}"
    return Outcome(sent, document, problem, RATE_SECONDS if code in RATE else None)
