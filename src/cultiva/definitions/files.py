"""The files of a workspace: which there are, what kind of definition each holds, and what they say as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import BaseModel

from cultiva.definitions.approval import Approval
from cultiva.definitions.arbitration import Arbitration
from cultiva.definitions.calendar import BankCalendar
from cultiva.definitions.content import Content
from cultiva.definitions.events import EventType
from cultiva.definitions.lifecycle import Lifecycle
from cultiva.definitions.map import StrategyMap
from cultiva.definitions.models import Models
from cultiva.definitions.offers import Offer
from cultiva.definitions.placements import Placements
from cultiva.definitions.policy import ContactPolicy
from cultiva.definitions.portfolios import Portfolios
from cultiva.definitions.products import Fairness, Product
from cultiva.definitions.providers import ProviderSettings
from cultiva.definitions.review import Review
from cultiva.definitions.segments import MicroSegmentation, Segment
from cultiva.definitions.sender import Sender
from cultiva.definitions.sources import Identity, SourceFile
from cultiva.definitions.strategies import Strategy
from cultiva.definitions.tags import Tag
from cultiva.definitions.triggers import Trigger
from cultiva.definitions.value import Value
from cultiva.definitions.workbench import Workbench
from cultiva.kit.errors import Fault, did_you_mean

SETTINGS_FILE = "cultiva.toml"
"""Every workspace has it; a folder without it is none."""


@dataclass(frozen=True)
class FileKind:
    """One kind of file."""

    kind: str
    """What a definition in it is called, e.g. `tag`."""
    pattern: str
    """Path, or folder and `*.yaml`, relative to the workspace."""
    model: type[BaseModel]
    """What it holds."""
    many: bool
    """Whether it is a list of definitions."""
    required: bool = False
    """Whether a workspace without it is at fault."""


FILE_KINDS = (
    FileKind("source", "sources/*.yaml", SourceFile, many=False, required=True),
    FileKind("identity", "identity.yaml", Identity, many=False),
    FileKind("event", "events.yaml", EventType, many=True),
    FileKind("tag", "tags/*.yaml", Tag, many=True),
    FileKind("segment", "segments/*.yaml", Segment, many=True),
    FileKind("micro_segmentation", "micro/*.yaml", MicroSegmentation, many=True),
    FileKind("lifecycle", "lifecycle.yaml", Lifecycle, many=False, required=True),
    FileKind("value", "value.yaml", Value, many=False, required=True),
    FileKind("offer", "offers/*.yaml", Offer, many=True),
    FileKind("product", "products/*.yaml", Product, many=True),
    FileKind("fairness", "fairness.yaml", Fairness, many=False),
    FileKind("strategy", "strategies/*.yaml", Strategy, many=True),
    FileKind("trigger", "triggers.yaml", Trigger, many=True),
    FileKind("content", "content/*.yaml", Content, many=True),
    FileKind("sender", "sender.yaml", Sender, many=False),
    FileKind("contact_policy", "contact_policy.yaml", ContactPolicy, many=False, required=True),
    FileKind("calendar", "calendar.yaml", BankCalendar, many=False),
    FileKind("provider", "providers.yaml", ProviderSettings, many=True),
    FileKind("review", "review.yaml", Review, many=False),
    FileKind("portfolios", "portfolios.yaml", Portfolios, many=False),
    FileKind("models", "models.yaml", Models, many=False),
    FileKind("arbitration", "arbitration.yaml", Arbitration, many=False),
    FileKind("placements", "placements.yaml", Placements, many=False),
    FileKind("approval", "approval.yaml", Approval, many=False),
    FileKind("map", "map.yaml", StrategyMap, many=False),
    FileKind("workbench", "workbench.yaml", Workbench, many=False),
)
"""Every kind of YAML file of a workspace."""


def workspace_files(root: Path, proposed: Iterable[Path] = ()) -> Iterator[tuple[FileKind, Path]]:
    """The YAML files of a workspace with their kinds, in a fixed order.

    Args:
        root: The workspace.
        proposed: Files that are to be there, whether they are or not.
    """
    extra = list(proposed)
    for kind in FILE_KINDS:
        there = {path for path in root.glob(kind.pattern) if path.is_file()}
        pattern = f"{root.as_posix()}/{kind.pattern}"
        for path in sorted(there | {path for path in extra if fnmatchcase(path.as_posix(), pattern)}):
            yield kind, path


def stray_files(root: Path, prefix: str) -> list[Fault]:
    """YAML files that nothing reads, usually misspelt or in the wrong folder.

    Args:
        root: The workspace.
        prefix: Put before file names in faults.
    """
    read = {path for _, path in workspace_files(root)}
    known = sorted({kind.pattern for kind in FILE_KINDS})
    found = [path for ending in ("yaml", "yml") for path in (*root.glob(f"*.{ending}"), *root.glob(f"*/*.{ending}"))]
    return [
        Fault(
            f"{prefix}{path.relative_to(root).as_posix()}",
            0,
            0,
            "definitions.stray_file",
            "no part of the workspace reads this file",
            allowed=", ".join(known),
            hint=did_you_mean(path.relative_to(root).as_posix(), known),
            warning=True,
        )
        for path in sorted(found)
        if path not in read and not path.relative_to(root).parts[0].startswith(".")
    ]
