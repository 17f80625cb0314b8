"""The live side without a person: who is known at the door, the log, the hot store."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing

from cultiva.execution.erasure.people import Act, Done, People
from cultiva.loop.live.intake import FOLDER, publish_newest_identities
from cultiva.loop.parts import Parts
from cultiva.stream import open_hot, open_log


def erase_identities(parts: Parts) -> Iterator[Done]:
    """Publishes who is known without them, and removes every older map; doors follow within seconds."""
    root = parts.root / FOLDER
    before = [one for one in root.glob("*") if one.is_dir()]
    if not before:
        return
    newest = publish_newest_identities(parts)
    for old in before:
        if old != newest:
            shutil.rmtree(old, ignore_errors=True)
            yield Done("stream/identities", Act.MENDED, 1)


def erase_stream(parts: Parts, people: People) -> Iterator[Done]:
    """Removes their events from the log, and their states and timers from the hot store."""
    settings = parts.workspace.settings.live
    if not settings.enabled:
        return
    with closing(open_log(settings, parts.root, clock=parts.clock)) as log:
        yield Done("stream/log", Act.REMOVED, log.erase(people.customers))
    with closing(open_hot(settings, parts.root)) as hot:
        yield Done("stream/hot", Act.REMOVED, hot.erase(people.customers))
