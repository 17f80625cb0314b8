"""Files that pages load: ours and the pinned packages', under an address that changes with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from cultiva.kit.errors import CultivaError, ErrorKind

FOLDER = Path(__file__).parent / "static"
PREFIX = "/static"
FOREVER = "public, max-age=31536000, immutable"
NEEDED = ("vendor/tabler.min.css", "vendor/tabler.min.js", "vendor/htmx.min.js", "vendor/echarts.min.js")
NOT_SERVED = frozenset({"vendor/axe.min.js"})
"""For tests alone."""


@cache
def fingerprint() -> str:
    """Of all files together; part of every address.

    Raises:
        CultivaError: if the packages' files were never brought.
    """
    missing = [name for name in NEEDED if not (FOLDER / name).is_file()]
    if missing:
        raise CultivaError(
            "the console's third-party files are missing",
            code="console.no_assets",
            kind=ErrorKind.UNAVAILABLE,
            seen=", ".join(missing),
            allowed="an installed wheel, or a checkout after `make setup`",
            hint="python -m tools.assets",
        )
    whole = hashlib.sha256()
    for file in sorted(FOLDER.rglob("*")):
        if file.is_file():
            whole.update(file.relative_to(FOLDER).as_posix().encode() + file.read_bytes())
    return whole.hexdigest()[:16]


def address(name: str) -> str:
    """Where a file is found, e.g. of `console.css`."""
    return f"{PREFIX}/{fingerprint()}/{name}"


class Files(StaticFiles):
    """Serves the files; compressed twins to whom takes them, and kept by browsers for ever."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        name = path.partition("/")[2]
        if name in NOT_SERVED:
            return Response(status_code=404)
        headers = {key.decode().lower(): value.decode() for key, value in scope["headers"]}
        packed = "gzip" in headers.get("accept-encoding", "") and (FOLDER / f"{name}.gz").is_file()
        found = await super().get_response(f"{name}.gz" if packed else name, scope)
        if found.status_code in {200, 304}:
            found.headers["Cache-Control"] = FOREVER
            found.headers["Vary"] = "Accept-Encoding"
        if packed:
            found.headers["Content-Encoding"] = "gzip"
            found.headers["Content-Type"] = {".css": "text/css", ".js": "text/javascript"}[Path(name).suffix]
        return found
