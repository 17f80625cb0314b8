"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from benchmarks.harness import keep, machine

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """Names of the benchmarks: modules that describe themselves."""
    return sorted(path.stem for path in FOLDER.glob("*.py") if "\nDESCRIPTION" in path.read_text())


def main() -> int:
    """Lists the benchmarks, or runs one; its last line on stdout is one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", help="which one; without it, the list")
    parser.add_argument("--size", help="for example 0.1m, 1m, 10m customers; each benchmark has its own default")
    given = parser.parse_args()
    if given.name is None:
        for name in names():
            print(f"{name:<12}{importlib.import_module(f'benchmarks.{name}').DESCRIPTION}")
        return 0
    if given.name not in names():
        print(f"no benchmark {given.name!r}; there are: {', '.join(names())}", file=sys.stderr)
        return 2
    result = importlib.import_module(f"benchmarks.{given.name}").run(given.size)
    if given.name != "results":
        result = {"benchmark": given.name, **result, "machine": machine()}
        keep(result)
    print(json.dumps(result, ensure_ascii=False, default=str))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
