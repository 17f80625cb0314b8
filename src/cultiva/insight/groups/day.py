"""What every question about groups starts from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine, Files


@dataclass(frozen=True)
class GroupDay:
    """One business date's profile, and what reads it."""

    engine: Engine
    """Where sets are computed."""
    profile: Files
    """The day's profile."""
    workspace: Workspace
    """Says what names mean."""
    on: date
    """Business date, the rules' `today`."""
