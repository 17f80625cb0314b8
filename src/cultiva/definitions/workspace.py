"""A workspace as typed data: everything its files say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field

from cultiva.definitions.approval import Approval
from cultiva.definitions.arbitration import Arbitration
from cultiva.definitions.base import Model, Name
from cultiva.definitions.calendar import BankCalendar
from cultiva.definitions.console import ConsoleSettings
from cultiva.definitions.content import Content
from cultiva.definitions.events import EventSettings, EventType
from cultiva.definitions.lifecycle import Lifecycle
from cultiva.definitions.live import LiveSettings
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


class EngineSettings(Model):
    """`[engine]` of cultiva.toml."""

    name: Literal["duckdb", "spark"] = "duckdb"
    """duckdb or spark."""
    threads: int | None = Field(default=None, gt=0)
    """Threads; None: all cores."""
    memory_gb: float | None = Field(default=None, gt=0)
    """Memory limit; None: 60 % of the machine's."""
    spill: str = ".cultiva/spill"
    """Folder for what does not fit in memory."""
    master: str = "local[*]"
    """For spark: the master's URL, `spark://...`, `yarn`, `k8s://...`, or `sc://...` for Spark Connect."""
    options: dict[str, str] = {}
    """For spark: further settings."""


class LakeSettings(Model):
    """`[lake]` of cultiva.toml."""

    path: str = ".cultiva/lake"
    """Root folder of the snapshots."""
    keep_days: int = Field(default=35, gt=0)
    """Business days of snapshots kept (facts and month ends are kept)."""
    grace_minutes: int = Field(default=60, ge=0)
    """How long what a run has replaced or let go still lies there, for those who are reading it."""


class StoreSettings(Model):
    """`[store]` of cultiva.toml."""

    url: str = "sqlite:///.cultiva/store.db"
    """SQLAlchemy URL; `${env:NAME}` reads the environment. A relative SQLite path is relative to the workspace."""


class Settings(Model):
    """`cultiva.toml`."""

    name: Name
    """Name of the bank or workspace."""
    currency: str = "CNY"
    """Shown beside money."""
    timezone: str = "Asia/Shanghai"
    """The bank's local time."""
    language: Literal["zh", "en"] = "zh"
    """Labels in reports and tables."""
    engine: EngineSettings = EngineSettings()
    """Where sets are computed."""
    lake: LakeSettings = LakeSettings()
    """Where snapshots lie."""
    store: StoreSettings = StoreSettings()
    """Where rows lie."""
    live: LiveSettings = LiveSettings()
    """Where events come in, and where the state of customers is kept between them."""
    events: EventSettings = EventSettings()
    """How events sent to the API are taken."""
    console: ConsoleSettings = ConsoleSettings()
    """How people enter the console."""
    vars: dict[str, str] = {}
    """Values for `${name}` in sources; `--set name=value` overrides."""


@dataclass(frozen=True)
class Workspace:
    """Everything a workspace says, typed and checked."""

    root: Path
    """Its folder."""
    settings: Settings
    sources: SourceFile
    """All files of `sources/` together."""
    identity: Identity
    events: Mapping[str, EventType]
    tags: Mapping[str, Tag]
    segments: Mapping[str, Segment]
    micro_segmentations: Mapping[str, MicroSegmentation]
    lifecycle: Lifecycle
    value: Value
    offers: Mapping[str, Offer]
    strategies: Mapping[str, Strategy]
    policy: ContactPolicy
    review: Review = field(default_factory=Review)
    models: Models = field(default_factory=Models)
    arbitration: Arbitration = field(default_factory=Arbitration)
    placements: Placements = field(default_factory=Placements)
    approval: Approval = field(default_factory=Approval)
    calendar: BankCalendar = field(default_factory=BankCalendar)
    portfolios: Portfolios | None = None
    """None: nobody has a model portfolio."""
    map: StrategyMap = field(default_factory=StrategyMap)
    workbench: Workbench | None = None
    """None: there is no human work."""
    products: Mapping[str, Product] = field(default_factory=dict)
    """Templates; their variants are among the offers."""
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    """Who carries the messages of channels."""
    fairness: Fairness = field(default_factory=Fairness)
    contents: Mapping[str, Content] = field(default_factory=dict)
    """What is said over the channels."""
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    """What is done at once when something happens."""
    sender: Sender = field(default_factory=Sender)
    """Who speaks."""
    hashes: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(kind, name) -> content hash of the definition."""
    bodies: Mapping[tuple[str, str], object] = field(default_factory=dict)
    """(kind, name) -> the definition as JSON-like data, for the registry."""

    @property
    def version(self) -> str:
        """Content hash of all definitions together."""
        from cultiva.kit.hashing import content_hash

        return content_hash(sorted((*key, value) for key, value in self.hashes.items()))
