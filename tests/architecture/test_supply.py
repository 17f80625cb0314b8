"""What Cultiva rests on is permissive, and a check that could not be made is never reported as passed."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tools import supply
from tools.supply import Package, bad_licences, judged, main, needed, packages_in, read_audit, unanswered

HERE = Package("certifi", "2026.1.1")


@contextmanager
def service(status: int, body: object) -> Iterator[str]:
    """An advisory service that gives one answer."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_everything_that_is_needed_to_run_has_a_licence_that_is_allowed() -> None:
    packages = needed()
    names = {one.name for one in packages}
    assert {"duckdb", "fastapi", "psycopg"} <= names and "pytest" not in names and "cultiva" not in names
    assert list(bad_licences(packages)) == []
    assert set(supply.EXCEPTIONS) <= names, "an exception that nobody needs any more"


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "GNU Lesser General Public License v3", "MPL-2.0", "BUSL-1.1", "?"]
)
def test_copyleft_and_what_nobody_knows_is_refused(licence: str) -> None:
    assert judged("somebody", licence)


def test_a_service_that_does_not_know_versions_is_not_taken_for_one_that_knows_no_faults() -> None:
    """A mirror answers 404 for every version, of which pip-audit says that no vulnerabilities are known."""
    with service(404, {}) as base:
        assert "404" in unanswered(HERE, base)
    with service(200, {"info": {}}) as base:
        assert unanswered(HERE, base)
    with service(200, {"vulnerabilities": []}) as base:
        assert unanswered(HERE, base) == ""
    assert unanswered(HERE, "http://127.0.0.1:9")


def test_silence_fails_only_where_an_answer_is_required(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(supply, "needed", lambda: [HERE])
    monkeypatch.setattr(supply, "unanswered", lambda _: "no network")
    monkeypatch.delenv(supply.ASKED, raising=False)
    assert main([]) == 0
    assert "NOT LOOKED FOR" in capsys.readouterr().out
    monkeypatch.setenv(supply.ASKED, "required")
    assert main([]) == 1


def test_a_known_vulnerability_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = {"dependencies": [{"name": "certifi", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}]}
    monkeypatch.setattr(supply, "needed", lambda: [HERE])
    monkeypatch.setattr(supply, "unanswered", lambda _: "")
    monkeypatch.setattr(supply, "audited", lambda _: read_audit(json.dumps(found)))
    assert main([]) == 1
    assert "PYSEC-1, mended in 2" in capsys.readouterr().err


def test_requirements_are_read_with_their_markers() -> None:
    assert packages_in("a-b==1.0 ; python_version < '3.13'\n# c==2\n    # via d\n") == [Package("a-b", "1.0")]
