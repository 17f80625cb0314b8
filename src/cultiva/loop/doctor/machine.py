"""The machine: versions, disk, time zone."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cultiva.kit.words import Words
from cultiva.loop.doctor.findings import Case, Finding, Standing, fault, fine, warn

PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest that are tested."""
FREE_SHARE_FEW, FREE_SHARE_NONE = 0.15, 0.05
"""Share of the disk that is free."""
LAKES_FREE = 1.0
"""A run and an erasure write beside what is there: so many times the lake should be free."""


def versions(case: Case) -> Iterator[Finding]:
    """Python and DuckDB are those that are tested."""
    del case
    found = sys.version_info[:2]
    shown = ".".join(map(str, sys.version_info[:3]))
    if PYTHONS[0] <= found <= PYTHONS[1]:
        yield fine("machine.python", shown)
    else:
        yield fault("machine.python", shown, "请使用 Python 3.11 至 3.13", "use Python 3.11 to 3.13")
    duckdb = version("duckdb")
    if duckdb.startswith("1."):
        yield fine("machine.duckdb", duckdb)
    else:
        yield fault("machine.duckdb", duckdb, "请安装 uv.lock 中的版本", "install the version of uv.lock")


def disk(case: Case) -> Iterator[Finding]:
    """The lake can be written, and there is room."""
    lake = case.root / case.workspace.settings.lake.path
    place = next(one for one in (lake, *lake.parents) if one.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            yield fine("machine.lake", str(lake))
    except OSError as error:
        yield fault("machine.lake", f"{place}: {error.strerror}", "授予写权限", "give the right to write")
    usage = shutil.disk_usage(place)
    free, size = usage.free / usage.total, _size(lake)
    shown = f"{usage.free / 1e9:,.1f} GB, {free:.0%}; the lake has {size / 1e9:,.2f} GB"
    if free < FREE_SHARE_NONE or usage.free < LAKES_FREE * size:
        yield fault("machine.disk", shown, "腾出空间或缩短 lake.keep_days", "make room, or shorten lake.keep_days")
    elif free < FREE_SHARE_FEW:
        yield warn("machine.disk", shown, "尽快腾出空间", "make room soon")
    else:
        yield fine("machine.disk", shown)


def zone(case: Case) -> Iterator[Finding]:
    """The bank's time zone is one."""
    name = case.workspace.settings.timezone
    try:
        local = case.at.astimezone(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError):
        yield fault("machine.timezone", name, "使用 IANA 时区名", "use the IANA name of a zone")
        return
    yield fine("machine.timezone", f"{name}: {local:%Y-%m-%d %H:%M}")


def rights(case: Case) -> Iterator[Finding]:
    """What names customers is readable by this account only."""
    own = case.root / ".cultiva"
    open_ones = [str(one.relative_to(case.root)) for one in (own, case.root / "lists") if one.exists() and _open(one)]
    if open_ones:
        do = Words(zh="chmod 700", en=f"chmod 700 {' '.join(open_ones)}")
        yield case.strict("machine.rights", f"{', '.join(open_ones)}: others may read", do)
    elif own.exists():
        yield fine("machine.rights", "700")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        yield Finding(
            "machine.account",
            Standing.WARN,
            "root",
            Words(zh="使用专用的非特权账户运行", en="run it under an account of its own without rights"),
        )


def _open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) if folder.exists() else 0
