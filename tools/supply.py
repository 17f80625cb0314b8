"""The supply chain: licences of what Cultiva needs to run, and known vulnerabilities of the versions in uv.lock.

Usage: python -m tools.supply [--sbom FILE]

Licences are read from what is installed. Vulnerabilities are asked of the advisory service of PyPI by pip-audit. Where
the service does not answer for versions (a mirror, no network), that is said in so many words and nothing is claimed;
with CULTIVA_ADVISORIES=required it is a failure.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

PROJECT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
ASKED = "CULTIVA_ADVISORIES"
"""`required`: an advisory service that does not answer is a failure."""
PROBE_SECONDS, AUDIT_SECONDS = 5.0, 120.0
ALLOWED = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Unlicense|Zlib|0BSD|HPND|CC0|Boost|BSL-1\.0|PostgreSQL|"
    r"Public Domain)\b",
    re.IGNORECASE,
)
FORBIDDEN = re.compile(
    r"\b(A?GPL|LGPL|GNU|SSPL|EUPL|MPL|Mozilla|EPL|Eclipse|CDDL|BUSL|Business Source|Commons Clause|Proprietary)",
    re.IGNORECASE,
)
EXCEPTIONS: Mapping[str, str] = {
    "psycopg": "LGPL-3.0: an optional extra, used unchanged over its public interface and not distributed by us",
    "psycopg-binary": "LGPL-3.0: as psycopg",
    "certifi": "MPL-2.0: a list of certificates, used unchanged",
}
"""Package -> why its licence is all right although it is not permissive."""


@dataclass(frozen=True)
class Package:
    """A package at the version that is locked."""

    name: str
    version: str


def needed() -> list[Package]:
    """What Cultiva needs to run, all extras included and nothing for development."""
    how = ["export", "--no-dev", "--all-extras", "--no-hashes", "--no-emit-project", "--locked", "--quiet"]
    said = subprocess.run([str(BIN / "uv"), *how], cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return packages_in(said)


def packages_in(requirements: str) -> list[Package]:
    r"""The packages of a requirements file.

    Examples:
        >>> packages_in("# by uv\njinja2==3.1.6\n    # via cultiva\ntzdata==2025.2 ; sys_platform == 'win32'\n")
        [Package(name='jinja2', version='3.1.6'), Package(name='tzdata', version='2025.2')]
    """
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", requirements, re.MULTILINE)
    return [Package(name, version) for name, version in found]


def licence_of(name: str) -> str | None:
    """What a package says of its licence; None if it is not installed, as those of other platforms are not."""
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return None
    stated = [one for name_ in ("License-Expression", "License") for one in said.get_all(name_) or ()]
    classes = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier") or () if one.startswith("License ::")]
    if said.get_all("License-Expression"):
        return str(stated[0])
    return ", ".join([*classes, *(one.strip().partition("\n")[0] for one in stated)])


def judged(name: str, licence: str) -> str:
    """What is wrong with a licence; empty if nothing is.

    Examples:
        >>> judged("x", "MIT"), judged("x", "GPL-3.0-only"), judged("certifi", "MPL-2.0"), judged("x", "")
        ('', 'copyleft: GPL-3.0-only', '', 'no licence is named')
        >>> judged("x", "MIT OR GPL-2.0-or-later"), judged("x", "Apache-2.0 AND LGPL-2.1-only")
        ('', 'copyleft: Apache-2.0 AND LGPL-2.1-only')
    """
    if name in EXCEPTIONS:
        return ""
    if not licence:
        return "no licence is named"
    choices = re.split(r"\s+OR\s+", licence)
    if any(ALLOWED.search(one) and not FORBIDDEN.search(one) for one in choices):
        return ""
    return f"copyleft: {licence}" if FORBIDDEN.search(licence) else f"not known to be permissive: {licence}"


def bad_licences(packages: Sequence[Package]) -> Iterator[str]:
    """Packages that Cultiva must not rest on."""
    for one in packages:
        licence = licence_of(one.name)
        fault = "" if licence is None else judged(one.name, licence)
        if fault:
            yield f"{one.name} {one.version}: {fault}"


def unanswered(package: Package, base: str = "https://pypi.org") -> str:
    """Why the advisory service does not speak of a version that surely exists; empty: it does."""
    try:
        with urllib.request.urlopen(f"{base}/pypi/{package.name}/{package.version}/json", timeout=PROBE_SECONDS) as one:
            return "" if "vulnerabilities" in json.load(one) else "the answer has no vulnerabilities"
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def audited(packages: Sequence[Package]) -> tuple[list[str], list[str]]:
    """Known vulnerabilities, and packages of which the service knows nothing."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("".join(f"{one.name}=={one.version}\n" for one in packages))
        how = ["--no-deps", "--disable-pip", "--vulnerability-service", "pypi", "--progress-spinner", "off"]
        cache = ["--cache-dir", str(PROJECT / ".venv" / ".pip-audit"), "--timeout", str(int(PROBE_SECONDS))]
        asked = [str(BIN / "pip-audit"), "-r", str(listed), *how, *cache, "--format", "json"]
        done = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=AUDIT_SECONDS)
    return read_audit(done.stdout or "{}")


def read_audit(text: str) -> tuple[list[str], list[str]]:
    """What pip-audit has found: vulnerabilities, and packages that it could not look at.

    Examples:
        >>> bad = '{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}'
        >>> read_audit('{"dependencies": [' + bad + ', {"name": "b", "skip_reason": "not found"}]}')
        (['a 1: X-1, mended in 2'], ['b'])
    """
    rows = json.loads(text).get("dependencies", [])
    known = [
        f"{one['name']} {one['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or '?'}"
        for one in rows
        for fault in one.get("vulns", ())
    ]
    return known, [one["name"] for one in rows if "skip_reason" in one]


def write_sbom(path: Path) -> None:
    """A CycloneDX list of what Cultiva needs to run."""
    how = ["export", "--no-dev", "--all-extras", "--locked", "--quiet", "--format", "cyclonedx1.5"]
    asked = [str(BIN / "uv"), *how, "--preview-features", "sbom-export"]
    said = subprocess.run(asked, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(json.loads(said), indent=2) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Looks at licences and vulnerabilities; 1 if something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sbom", type=Path, help="write a CycloneDX list to this file instead")
    given = parser.parse_args(arguments)
    if given.sbom:
        write_sbom(given.sbom)
        return 0
    packages = needed()
    faults = list(bad_licences(packages))
    print(f"licences: {len(packages)} packages, {len(faults)} of them not allowed")
    return _ended([*faults, *_vulnerable(packages)])


def _vulnerable(packages: Sequence[Package]) -> list[str]:
    silent = unanswered(packages[0])
    if silent:
        print(f"vulnerabilities: NOT LOOKED FOR: the advisory service does not answer ({silent})")
        return [f"{ASKED}=required and the advisory service does not answer"] * (os.environ.get(ASKED) == "required")
    known, unknown = audited(packages)
    print(f"vulnerabilities: {len(packages) - len(unknown)} packages looked at, {len(known)} known")
    if unknown:
        print(f"  the service knows nothing of {', '.join(unknown)}")
    return known


def _ended(faults: Sequence[str]) -> int:
    for one in faults:
        print(f"FAULT {one}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
