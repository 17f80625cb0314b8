"""Secrets read at the moment when a connection is opened: of the environment, or of a file that holds nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from cultiva.kit.errors import CultivaError, ErrorKind

_NAMED = re.compile(r"\$\{(env|file):([^}]+)\}")


def revealed(text: str, *, root: Path, environment: Mapping[str, str] | None = None) -> str:
    """A text with every `${env:NAME}` and `${file:PATH}` filled in.

    Args:
        text: As it stands in providers.yaml.
        root: The workspace; relative paths start there.
        environment: Variables; None: those of the process.

    Raises:
        CultivaError: if a variable is not set or a file cannot be read.

    Examples:
        >>> revealed("Bearer ${env:TOKEN}", root=Path(), environment={"TOKEN": "t"})
        'Bearer t'
    """
    known = os.environ if environment is None else environment
    return _NAMED.sub(lambda found: _value(found[1], found[2], root, known), text)


def _value(where: str, name: str, root: Path, environment: Mapping[str, str]) -> str:
    if where == "env":
        if name in environment:
            return environment[name]
        raise _missing(f"${{env:{name}}}", "a variable that is set", f"export {name}=...")
    try:
        return (root / name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _missing(f"${{file:{name}}}", "a text file that can be read", "mount it, or mend the path") from error


def _missing(seen: str, allowed: str, hint: str) -> CultivaError:
    return CultivaError(
        "a provider needs a secret that is not there",
        code="channels.no_secret",
        kind=ErrorKind.UNAVAILABLE,
        seen=seen,
        allowed=allowed,
        hint=hint,
    )
