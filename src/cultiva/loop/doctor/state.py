"""The store, the audit, the stream, and how far the bank's days have come; nothing is changed by looking."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from cultiva.execution.audit.service import Audit
from cultiva.execution.erasure.service import Erasures
from cultiva.kit.clock import utc_now
from cultiva.kit.errors import CultivaError
from cultiva.kit.words import Words
from cultiva.loop.doctor.findings import Case, Finding, fault, fine, warn
from cultiva.loop.erasing.keys import OWN_FILE, VARIABLE, erasure_key
from cultiva.store import RunState
from cultiva.store.database import Database
from cultiva.store.migrate import HEAD, revision_of
from cultiva.store.repositories.runs import Runs
from cultiva.store.repositories.snapshots import Snapshots
from cultiva.stream import open_hot, open_log

SKEW_WARN, SKEW_FAULT = 2.0, 60.0
"""Seconds between the store's clock and ours."""
AGE_WARN_DAYS = 4
"""A weekend and a holiday."""


def store(case: Case) -> Iterator[Finding]:
    """The store answers, has the tables of this version, and is one for a bank."""
    with _database(case) as database:
        with database.reading() as connection:
            found = revision_of(connection)
        yield fine("store.reachable", database.shown)
        if found == HEAD:
            yield fine("store.migrated", HEAD)
        elif found is None or found < HEAD:
            do = "任何打开它的命令都会升级；请先备份", "any command that opens it brings it up; make a backup first"
            yield warn("store.migrated", f"{found or 'empty'}, this version has {HEAD}", *do)
        else:
            yield fault("store.migrated", found, "安装更新的 Cultiva", "install the newer Cultiva")
        if database.has_many_writers:
            yield fine("store.server", "PostgreSQL")
        else:
            do_ = Words(zh="生产环境使用 PostgreSQL", en="use PostgreSQL for a bank: several machines, backups, roles")
            yield case.strict("store.server", "SQLite", do_)


def clock(case: Case) -> Iterator[Finding]:
    """The store's clock and ours agree: leases and sessions rest on it."""
    with _database(case) as database:
        there = database.clock()
        if there is None:
            yield fine("store.clock", "the same machine")
            return
        skew = abs((there - utc_now()).total_seconds())
    do = "在两台机器上启用 NTP", "keep both clocks by NTP"
    if skew > SKEW_FAULT:
        yield fault("store.clock", f"{skew:.1f} s apart", *do)
    elif skew > SKEW_WARN:
        yield warn("store.clock", f"{skew:.1f} s apart", *do)
    else:
        yield fine("store.clock", f"{skew:.1f} s apart")


def audit(case: Case) -> Iterator[Finding]:
    """Nobody has changed a line."""
    with _migrated(case) as database:
        if database is None:
            return
        found = Audit(database).verify()
    if found.whole:
        yield fine("audit.whole", f"{found.lines:,} lines")
    else:
        do = "立即调查；比对锚点", "look into it at once; compare with an anchor: cultiva audit --verify --anchor"
        yield fault("audit.whole", f"line {found.broken}: {found.what}", *do)


def erasure(case: Case) -> Iterator[Finding]:
    """No erasure was interrupted, and its key is there and kept apart."""
    with _migrated(case) as database:
        if database is None:
            return
        erasures = Erasures(database)
        unfinished, stones = erasures.unfinished(), erasures.tombstones()
        if unfinished:
            seen = f"{len(unfinished)} interrupted"
            yield fault("erasure.finished", seen, "执行 cultiva erase --resume", "cultiva erase WORKSPACE --resume")
        if not stones:
            return
        erasures.refuse_other_key(erasure_key(case.root, environment=case.environment))
    if (case.root / OWN_FILE).exists() and not case.environment.get(VARIABLE):
        do_ = Words(zh="移到密钥管理，经环境变量提供", en=f"keep it with the other secrets, and give it by {VARIABLE}")
        yield case.strict("erasure.key", f"{OWN_FILE}, beside what it protects", do_)
    else:
        yield fine("erasure.key", f"{len(stones):,} tombstones")


def stream(case: Case) -> Iterator[Finding]:
    """The log and the hot store answer, where there is a live side."""
    live = case.workspace.settings.live
    if not live.enabled:
        yield fine("stream.log", "no live side")
        return
    with closing(open_log(live, case.root)) as log:
        records = sum(log.end(one) for one in range(log.partitions))
        yield fine("stream.log", f"{live.log.partition('://')[0]}, {records:,} positions")
    with closing(open_hot(live, case.root)) as hot:
        hot.position(0)
        yield fine("stream.hot", live.hot.partition("://")[0])
    if live.log.startswith("sqlite") or live.hot.startswith("sqlite"):
        do = "多台机器时使用 NATS 与 Redis", "use NATS and Redis as soon as there is more than one machine"
        yield warn("stream.servers", "SQLite", *do)


def days(case: Case) -> Iterator[Finding]:
    """The newest run has finished and is of these days."""
    with _migrated(case) as database:
        if database is None:
            return
        kept = {one.business_date for one in Snapshots(database).published() if one.table == "profile"}
        last, runs = Runs(database).newest(state=RunState.FINISHED), Runs(database).history()
    if last is None or not kept:
        yield warn("days.newest", "no run", "执行 cultiva run", "cultiva run WORKSPACE --date YYYY-MM-DD")
        return
    yield fine("days.kept", f"{len(kept)} from {min(kept)} to {max(kept)}")
    newest = max(runs, key=lambda one: one.business_date)
    if newest.state is RunState.FAILED:
        do = "查看失败步骤后重跑", "see the failed step, mend its cause, run the date again"
        yield fault("days.state", f"{newest.business_date} failed", *do)
    age = (case.at.date() - last.business_date).days
    do_ = Words(zh="检查夜间调度", en="see to the schedule of the night")
    seen = f"{last.business_date}, {age} days ago"
    yield fine("days.newest", seen) if age <= AGE_WARN_DAYS else case.strict("days.newest", seen, do_)


@contextmanager
def _database(case: Case) -> Iterator[Database]:
    database = Database(case.workspace.settings.store.url, case.root)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _migrated(case: Case) -> Iterator[Database | None]:
    """The database if its tables are those of this version; None else: `store` has said so."""
    with _database(case) as database:
        try:
            with database.reading() as connection:
                ready = revision_of(connection) == HEAD
        except CultivaError:
            ready = False
        yield database if ready else None
