from __future__ import annotations

import json
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.api.banks import EVERYTHING, Api, copy_of
from tests.api.server import SECONDS, Server, serving
from tests.cli.commands import cultiva, done

from cultiva.client import ApiProblem, Client
from cultiva.client.shapes import OutcomeReport
from cultiva.kit.clock import utc_now


@pytest.fixture(scope="module")
def served(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Server]]:
    """Two workers over a copy of the bank."""
    root = copy_of(bank, tmp_path_factory.mktemp("served") / "bank")
    with serving(root, workers=2) as server:
        ready(server.address)
        yield root, server


def new_key(root: Path, scopes: str = ",".join(EVERYTHING), *more: object) -> str:
    return done("key", "create", root, "--name", "crm", "--scopes", scopes, *more).out.strip()


def ready(address: str) -> None:
    def asked() -> bool:
        try:
            return httpx.get(f"{address}/ready").status_code == 200
        except httpx.TransportError:
            return False

    wait_for(asked)


def wait_for(holds: Callable[[], bool]) -> None:
    for _ in range(300):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("it has not come to pass in half a minute")


def test_the_client_works_over_a_socket_with_two_workers(served: tuple[Path, Server]) -> None:
    root, server = served
    with Client(server.address, new_key(root)) as client:
        assert client.ready().newest_date == client.customer(51).business_date
        assert client.count("aum > 0").count > 0
        assert list(client.members("borrowers", page=20))
        report = OutcomeReport(outcome_id="o", customer="51", name="converted", at=utc_now())
        with ThreadPoolExecutor(8) as pool:
            taken = list(pool.map(lambda _: client.report(report, once="same"), range(16)))
        assert {one.taken for one in taken} == {"new"}  # repeats waited for the first and got its answer
        with client.export_segment("borrowers", tags=["aum"], file_format="parquet") as pieces:
            assert b"".join(pieces).startswith(b"PAR1")


def test_two_workers_share_one_rate(served: tuple[Path, Server]) -> None:
    root, server = served
    key = new_key(root, "segments", "--per-minute", 20)
    headers = {"Authorization": f"Bearer {key}"}
    with ThreadPoolExecutor(8) as pool:
        codes = list(
            pool.map(lambda _: httpx.get(f"{server.address}/v1/segments", headers=headers).status_code, range(24))
        )
    assert 5 <= codes.count(200) <= 7  # five at once, and one every three seconds
    assert codes.count(429) == len(codes) - codes.count(200)


def test_the_client_waits_as_it_is_told(served: tuple[Path, Server]) -> None:
    root, server = served
    with Client(server.address, new_key(root, "segments", "--per-minute", 60)) as client:
        for _ in range(17):  # fifteen at once, then one a second
            assert client.segment("borrowers").customers > 0


def test_keys_are_made_listed_and_revoked_on_the_command_line(served: tuple[Path, Server]) -> None:
    root, server = served
    made = done("key", "create", root, "--name", "ops", "--scopes", "segments", "--days", 1, "--json").data
    listed = {row["key_id"]: row for row in done("key", "list", root, "--json").data}
    assert listed[made["key_id"]]["name"] == "ops"
    assert made["key"] not in json.dumps(listed)
    with Client(server.address, made["key"]) as client:
        assert client.segment("borrowers").customers > 0
        done("key", "revoke", root, made["key_id"])
        with pytest.raises(ApiProblem) as caught:
            client.segment("borrowers")
    assert caught.value.status == 401
    assert cultiva("key", "create", root, "--name", "x", "--scopes", "all").code == 2
    assert cultiva("key", "revoke", root, "none").code == 3


def test_metrics_add_up_over_the_workers_and_name_no_customer(served: tuple[Path, Server]) -> None:
    root, server = served
    key = new_key(root)
    for _ in range(20):
        httpx.get(f"{server.address}/v1/customers/51", headers={"Authorization": f"Bearer {key}"})
    text = httpx.get(f"{server.address}/metrics").text
    line = r'cultiva_api_request_seconds_count\{method="GET",route="/v1/customers/\{customer\}",status="200"\} (\d+)'
    found = re.search(line, text)
    assert found is not None
    assert float(found[1]) >= 20
    assert "customers/51" not in text


def test_every_line_of_the_log_is_json_and_nothing_personal_is_in_it(served: tuple[Path, Server]) -> None:
    root, server = served
    key = new_key(root)
    asked = {"headers": {"Authorization": f"Bearer {key}"}}
    answered = httpx.get(f"{server.address}/v1/customers/core:C13812345678?date=1994-03-30", **asked)  # type: ignore[arg-type]
    time.sleep(0.3)
    entries = [one for one in server.entries if one["event"] == "request"]
    mine = next(one for one in entries if one["request"] == answered.headers["x-request-id"])
    assert (mine["status"], mine["route"], mine["caller"]) == (404, "/v1/customers/{customer}", "crm")
    assert mine["took_ms"] > 0
    whole = "\n".join(server.lines)
    assert key not in whole
    assert "13812345678" not in whole


def test_requests_that_have_begun_are_answered_before_it_ends(bank: Path, tmp_path: Path) -> None:
    root = copy_of(bank, tmp_path / "bank")
    key = new_key(root)
    body = b'{"rule": "aum > 0"}'
    head = f"POST /v1/counts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    with serving(root) as server:
        ready(server.address)
        host, port = server.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=SECONDS) as begun:
            begun.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:5])
            wait_for(lambda: "cultiva_api_requests_open 2.0" in httpx.get(f"{server.address}/metrics").text)
            server.process.send_signal(signal.SIGTERM)
            wait_for(lambda: any("Shutting down" in line for line in server.lines))
            begun.sendall(body[5:])
            answered = b""
            while piece := begun.recv(65536):
                answered += piece
        code = server.process.wait(SECONDS)
    assert answered.startswith(b"HTTP/1.1 200")
    assert b'"count":' in answered
    assert code in (0, -signal.SIGTERM)


def test_a_store_or_lake_that_does_not_answer_is_not_ready(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    http = api.http()
    assert http.get("/health").json() == {"status": "ok"}
    assert http.get("/ready").json()["newest_date"] == "1994-03-30"
    monkeypatch.setattr(api.parts.lake, "root", Path("/nowhere"))
    gone = http.get("/ready")
    assert (gone.status_code, gone.json()["code"]) == (503, "api.lake_unavailable")
    assert gone.headers["retry-after"]
    assert http.get("/health").status_code == 200
