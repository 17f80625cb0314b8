"""Spark sessions: started once per process, shared by engines, set so that Parquet reads alike everywhere."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from threading import Lock
from typing import Any

from cultiva.engine.parquet import COMPRESSION, COMPRESSION_LEVEL, ROW_GROUP_ROWS
from cultiva.kit.errors import CultivaError, ErrorKind

SESSION_SETTINGS: Mapping[str, str] = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    # A timestamp without zone, everywhere: the bank's local time.
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    # A folder's path says `date=...`; that is the lake's affair, not a column.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
"""Set on every session, whatever the user's options say: meaning depends on them."""

DEFAULTS: Mapping[str, str] = {
    "spark.app.name": "cultiva",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""Set when a session is started, unless the user's options say otherwise."""

WRITE_OPTIONS: Mapping[str, str] = {
    "compression": COMPRESSION,
    "parquet.compression.codec.zstd.level": str(COMPRESSION_LEVEL),
    "parquet.block.row.count.limit": str(ROW_GROUP_ROWS),
    "mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}
"""Options of every Parquet write, so that Spark's files are like the other engine's."""

_lock = Lock()
_users: dict[int, int] = {}


def open_session(master: str, options: Mapping[str, str]) -> Any:
    """A session on a cluster; engines of one process share it.

    Args:
        master: `spark://host:port`, `yarn`, `k8s://...`, `local[*]`, or `sc://host:port` for Spark Connect.
        options: Further Spark settings; those that fix the meaning of data are not theirs to change.

    Raises:
        CultivaError: if PySpark or Java is missing, or the cluster cannot be reached.
    """
    with _lock:
        session = _started(master, options)
        for key, value in SESSION_SETTINGS.items():
            session.conf.set(key, value)
        _users[id(session)] = _users.get(id(session), 0) + 1
        return session


def close_session(session: Any) -> None:
    """Stops a session when its last engine closes."""
    with _lock:
        left = _users.get(id(session), 1) - 1
        _users[id(session)] = left
        if left == 0:
            del _users[id(session)]
            session.stop()


def _started(master: str, options: Mapping[str, str]) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise _unavailable("PySpark is not installed", master, "install `cultiva[spark]`") from error
    remote = master.startswith("sc://")
    if not remote:
        require_java()
        # Functions over batches run in the workers' Python, which has to know this package: the same path there as
        # here, unless PYSPARK_PYTHON or the option says which.
        os.environ.setdefault("PYSPARK_PYTHON", options.get("spark.pyspark.python", sys.executable))
    builder = SparkSession.builder.remote(master) if remote else SparkSession.builder.master(master)
    settings = options if remote else {**DEFAULTS, **options}
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # whatever py4j or gRPC raises, the user needs one message
        raise _unavailable("Spark cannot be reached", master, f"see that it runs: {error}") from error


def require_java() -> None:
    """Sees that there is a Java to run Spark's driver.

    Raises:
        CultivaError: if there is none.
    """
    home = os.environ.get("JAVA_HOME")
    if not (shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")):
        raise _unavailable(
            "Spark needs Java, and there is none", home or "no java on the PATH", "install Java 17, or set JAVA_HOME"
        )


def _unavailable(message: str, seen: str, hint: str) -> CultivaError:
    return CultivaError(
        message,
        code="engine.spark_unavailable",
        kind=ErrorKind.UNAVAILABLE,
        seen=seen,
        allowed="a Spark 4 cluster, and Java 17 or newer on this machine",
        hint=hint,
    )
