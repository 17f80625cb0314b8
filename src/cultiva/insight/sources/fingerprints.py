"""What the inputs of a run are, short enough to pin: a changed file has another fingerprint."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from pathlib import Path

from cultiva.definitions.sources import Input
from cultiva.definitions.workspace import Workspace
from cultiva.insight.sources.database import database_url
from cultiva.insight.sources.files import Window, find_files
from cultiva.kit.errors import Faults
from cultiva.kit.hashing import content_hash

WHOLE_BYTES_MAX = 4 * 2**20
"""Files up to this size are hashed whole."""
EDGE_BYTES = 2**20
"""Of larger files so many bytes of the beginning and of the end, with size and time of change."""


def input_fingerprints(workspace: Workspace, on: date, *, since: date | None = None) -> dict[str, str]:
    """The fingerprint of every input of a workspace for a business date, by its name.

    It says how it was made: `whole:` (content of all files), `edges:` (at least one file is large: size, time of
    change, first and last MiB), `query:` (address without password, query and date; what a database holds is not
    known before it is read), `missing:` (a run would stop).

    Args:
        workspace: Its inputs.
        on: The business date.
        since: The last date published before, for inputs with one file per date; None: only the file of the date.
    """
    window = Window(on, since or on - timedelta(days=1))
    return {source.name: _fingerprint(source, workspace, window) for source in workspace.sources.inputs}


def _fingerprint(source: Input, workspace: Workspace, window: Window) -> str:
    try:
        if source.query is not None:
            url = database_url(source, workspace.root).render_as_string(hide_password=True)
            return f"query:{content_hash([url, source.query, window.on])}"
        files = find_files(str(source.file), workspace.root, workspace.settings.vars, window)
    except Faults as faults:
        return f"missing:{content_hash([fault.message for fault in faults.faults])}"
    marks = [(file.shown, *_mark(file.path)) for file in files]
    way = "whole" if all(kind == "whole" for _, kind, _ in marks) else "edges"
    return f"{way}:{content_hash(marks)}"


def _mark(path: Path) -> tuple[str, str]:
    stat = path.stat()
    with path.open("rb") as stream:
        if stat.st_size <= WHOLE_BYTES_MAX:
            return "whole", hashlib.sha256(stream.read()).hexdigest()
        edges = hashlib.sha256(f"{stat.st_size}:{stat.st_mtime_ns}".encode())
        edges.update(stream.read(EDGE_BYTES))
        stream.seek(-EDGE_BYTES, 2)
        edges.update(stream.read(EDGE_BYTES))
        return "edges", edges.hexdigest()
