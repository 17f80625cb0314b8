"""A real Spark standalone cluster on loopback: a master and two workers from the pip-installed PySpark.

It is started by the first test that needs it and shared by all processes of pytest-xdist; the last one to leave
stops it. `CULTIVA_SPARK_MASTER` names a cluster to use instead.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cultiva.engine.session import require_java

MASTER_VARIABLE = "CULTIVA_SPARK_MASTER"
START_SECONDS = 300
WORKERS = 2
JAVA_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xss2m"
"""Small and quick to start: the tests' data are small, the machine is shared."""
DRIVER_OPTIONS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.driver.extraJavaOptions": JAVA_OPTIONS,
    "spark.executor.extraJavaOptions": JAVA_OPTIONS,
    "spark.executor.memory": "768m",
    "spark.executor.cores": "1",
    "spark.cores.max": str(WORKERS),
    "spark.default.parallelism": str(WORKERS),
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.autoBroadcastJoinThreshold": "10m",
}
"""Options of a test's driver: one small executor per worker. A driver lives for a hundred tests and keeps what it has
planned: with less memory it spends its time looking for some."""


@contextmanager
def shared_cluster(folder: Path) -> Iterator[str]:
    """The master's URL, for as long as any process uses it.

    Args:
        folder: The same for all processes of one test session.
    """
    given = os.environ.get(MASTER_VARIABLE)
    if given:
        yield given
        return
    require_java()
    folder.mkdir(parents=True, exist_ok=True)
    master = _join(folder)
    try:
        yield master
    finally:
        _leave(folder)


@contextmanager
def connect_server(master: str, folder: Path) -> Iterator[str]:
    """A Spark Connect server on a cluster; its `sc://` address.

    Args:
        master: The cluster's master.
        folder: For its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, log = _free_port(), folder / "connect.log"
    options = {
        **DRIVER_OPTIONS,
        "spark.ui.enabled": "false",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
    }
    arguments = ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--master", master]
    arguments += [word for name, value in options.items() for word in ("--conf", f"{name}={value}")]
    process = _spawn("spark-submit", [*arguments, "spark-internal"], log, memory="768m")
    try:
        _await(log, "Spark Connect server started", process)
        yield f"sc://127.0.0.1:{port}"
    finally:
        _stop([process])


def _join(folder: Path) -> str:
    with _state(folder) as state:
        if not state.get("users"):
            state.update(_start(folder))
        state["users"] = state.get("users", 0) + 1
        return str(state["master"])


def _leave(folder: Path) -> None:
    with _state(folder) as state:
        state["users"] -= 1
        if not state["users"]:
            _stop(state["processes"])


@contextmanager
def _state(folder: Path) -> Iterator[dict[str, Any]]:
    """What the processes know of the cluster, under a lock; kept if the block succeeds."""
    with (folder / "state.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        state: dict[str, Any] = json.loads(file.read() or "{}")
        yield state
        file.seek(0)
        file.truncate()
        file.write(json.dumps(state))


def _start(folder: Path) -> dict[str, Any]:
    port = _free_port()
    master = f"spark://127.0.0.1:{port}"
    processes: list[int] = []
    try:
        arguments = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
        processes.append(_launch("master.Master", arguments, folder / "master.log"))
        _await(folder / "master.log", r"I have been elected leader|New state: ALIVE", processes[0])
        for number in range(WORKERS):
            work = folder / f"worker-{number}"
            arguments = ["--host", "127.0.0.1", "--webui-port", "0", "--work-dir", str(work)]
            arguments += ["--cores", "8", "--memory", "8g", master]  # what may be asked for; executors are small
            processes.append(_launch("worker.Worker", arguments, folder / f"worker-{number}.log"))
        for number, process in enumerate(processes[1:]):
            _await(folder / f"worker-{number}.log", r"Successfully registered with master", process)
    except BaseException:
        _stop(processes)
        raise
    return {"master": master, "processes": processes}


def _launch(main_class: str, arguments: list[str], log: Path) -> int:
    return _spawn("spark-class", [f"org.apache.spark.deploy.{main_class}", *arguments], log, memory="256m")


def _spawn(program: str, arguments: list[str], log: Path, *, memory: str) -> int:
    import pyspark

    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": memory,
        "SPARK_DAEMON_JAVA_OPTS": f"{JAVA_OPTIONS} -Dspark.ui.enabled=false -Dspark.master.rest.enabled=false",
    }
    command = [str(home / "bin" / program), *arguments]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
    return process.pid


def _await(log: Path, pattern: str, process: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and os.waitpid(process, os.WNOHANG) == (0, 0):
        if re.search(pattern, log.read_text()):
            return
        time.sleep(0.1)
    raise RuntimeError(f"Spark ended or did not start within {START_SECONDS} s; {log} says:\n{log.read_text()[-3000:]}")


def _stop(processes: list[int]) -> None:
    """Ends the process groups, workers before their master."""
    for process in reversed(processes):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process, number)
            except ProcessLookupError:
                break
            time.sleep(0.3)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
