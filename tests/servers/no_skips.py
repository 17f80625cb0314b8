"""In CI nothing may be skipped but tests of public data that is not there: a skip nobody sees is a defect."""

from __future__ import annotations

import os

import pytest


class NoSkips:
    """Counts skips and fails the session in CI if there are any."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail") and "data" not in report.keywords:
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and os.environ.get("CI"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.skipped and os.environ.get("CI"):
            terminalreporter.section("skipped in CI, which counts as failed")
            for name in self.skipped:
                terminalreporter.line(name)
