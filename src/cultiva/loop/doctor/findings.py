"""The nouns of a check-up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from cultiva.definitions.workspace import Workspace
from cultiva.kit.words import Words

NOTHING_TO_DO = Words(zh="", en="")


class Standing(StrEnum):
    """How something stands."""

    OK = "ok"
    """As it should be."""
    WARN = "warn"
    """It works, and will not for long, or not for a bank."""
    FAULT = "fault"
    """It does not work, or must not be used like this."""


@dataclass(frozen=True)
class Finding:
    """One line of a check-up."""

    name: str
    """Dotted, e.g. store.migrated."""
    standing: Standing
    seen: str
    """What was found; no secret."""
    do: Words = NOTHING_TO_DO
    """What to do; empty where all is well."""


@dataclass(frozen=True)
class Case:
    """What is looked at."""

    workspace: Workspace
    at: datetime
    """The present instant."""
    production: bool = False
    """Whether a bank's real customers are served from here."""
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    @property
    def root(self) -> Path:
        """The workspace's folder."""
        return self.workspace.root

    def strict(self, name: str, seen: str, do: Words) -> Finding:
        """What a bank must not do, and somebody who tries things out may."""
        return Finding(name, Standing.FAULT if self.production else Standing.WARN, seen, do)


class Check(Protocol):
    """Looks at one thing."""

    def __call__(self, case: Case) -> Iterator[Finding]:
        """What it finds."""


def fine(name: str, seen: str) -> Finding:
    """All is well."""
    return Finding(name, Standing.OK, seen)


def warn(name: str, seen: str, zh: str, en: str) -> Finding:
    """It works, for now."""
    return Finding(name, Standing.WARN, seen, Words(zh=zh, en=en))


def fault(name: str, seen: str, zh: str, en: str) -> Finding:
    """It does not work."""
    return Finding(name, Standing.FAULT, seen, Words(zh=zh, en=en))
