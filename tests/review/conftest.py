"""A bank that has enrolled customers on one day and lived on: what a review reads, from hand-made rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.review.bank import (
    CONTACTS,
    CUSTOMER,
    DAY,
    DECISION,
    IDENTITY,
    OUTCOMES,
    PERFORMANCE,
    PROFILE,
    Row,
    identities,
    put,
)

from cultiva.contracts.types import Column
from cultiva.definitions.workspace import Workspace
from cultiva.engine.port import Engine
from cultiva.review.exposure import ExposureInputs, write_exposures
from cultiva.review.panel_inputs import PanelInputs
from cultiva.review.service import ReviewFolders


@dataclass(frozen=True)
class Story:
    """Rows of one bank."""

    people: Sequence[Row]
    """Profile rows of the day of enrolment; every customer has one."""
    decisions: Sequence[Row]
    performance: Mapping[date, Sequence[Row]]
    """By run date."""
    contacts: Sequence[Row] = ()
    outcomes: Sequence[Row] = ()
    places: Mapping[int, str] = field(default_factory=dict)
    """Branch by customer; B1 for all others."""
    mergers: Mapping[int, int] = field(default_factory=dict)
    profile: Sequence[Column] = tuple(PROFILE)
    """Columns of the profile."""

    def inputs(self, engine: Engine, root: Path, space: Workspace) -> PanelInputs:
        """Enrols customers on `DAY` and lays out what the review of a later day reads."""
        ids = [row["customer_id"] for row in self.people]
        customers = [{"customer_id": n, "branch_id": self.places.get(n, "B1"), "adviser_id": "A9"} for n in ids]
        entering = ExposureInputs(
            decisions=put(root / "decisions", self.decisions, DECISION),
            profile=put(root / "profile", self.people, self.profile),
            customer=put(root / "customer", customers, CUSTOMER),
        )
        write_exposures(engine, entering, space, DAY, root / "exposure")
        return PanelInputs(
            exposure=[root / "exposure"],
            performance=[
                folder
                for day, rows in self.performance.items()
                for folder in put(root / f"performance-{day}", rows, PERFORMANCE)
            ],
            contact=put(root / "contact", self.contacts, CONTACTS),
            outcome=put(root / "outcome", self.outcomes, OUTCOMES),
            identity_map=put(root / "ids", identities(ids), IDENTITY),
            mergers=self.mergers,
        )


def folders_in(root: Path) -> ReviewFolders:
    """New folders for a review."""
    return ReviewFolders(*(root / name for name in ("readout", "verdict", "flag", "learnt")))
