"""The audit is searched by who, what, of which and when, and verified."""

from __future__ import annotations

from datetime import timedelta

from tests.console.desks import ConsoleUnderTest

from cultiva.execution.access.roles import Role
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import Audit
from cultiva.loop.customers import unmasking_of


def test_lines_are_found_by_who_what_which_and_when(own_console: ConsoleUnderTest) -> None:
    window, now = own_console.as_role(Role.AUDITOR), own_console.parts.clock()
    audit = Audit(own_console.parts.store.database)
    audit.write(Entry(now, "li", "launch.approved", "launch:7", {"remark": "fine"}))
    audit.write(Entry(now - timedelta(days=9), "wang", "export.made", "export:3", {"rows": 12}))
    assert "launch:7" in window.text("/admin/audit") and "export:3" in window.text("/admin/audit")
    for query, seen, unseen in (
        ({"actor": "li"}, "launch:7", "export:3"),
        ({"action": "export."}, "export:3", "launch:7"),
        ({"subject": "launch:7"}, "launch:7", "export:3"),
        ({"since": f"{now:%Y-%m-%d}"}, "launch:7", "export:3"),
        ({"until": f"{now - timedelta(days=5):%Y-%m-%d}"}, "export:3", "launch:7"),
    ):
        text = window.text("/admin/audit", **query)
        assert seen in text and unseen not in text, query
    assert "The chain holds" in window.get("/admin/audit/verify", part=True).text


def test_who_was_shown_whose_personal_data_is_listed_with_the_reason(own_console: ConsoleUnderTest) -> None:
    unmasking_of(own_console.parts).open("u1", "Wang", 7, "she asked for a call back", own_console.parts.clock())
    text = own_console.as_role(Role.AUDITOR).text("/admin/audit/unmasked")
    assert "Wang" in text and "she asked for a call back" in text and "/customers/7" in text
