"""What a day's profile is made of: folders of Parquet files, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cultiva.engine.port import Files, Lookup


@dataclass(frozen=True)
class ViewRows:
    """The rows of one view."""

    files: Files
    """Folders of its rows."""
    through: Lookup | None = None
    """Says which customer a row belongs to, and what else is known; None if the rows have `customer_id`."""


@dataclass(frozen=True)
class ProfileInputs:
    """Everything that the profile of a day reads."""

    customer: Files
    """One row per customer: customer_id and the resolved party columns."""
    views: Mapping[str, ViewRows] = field(default_factory=dict)
    """Rows by view; a view that is absent has no source."""
    externals: Mapping[str, Files] = field(default_factory=dict)
    """Rows of external inputs by input, as delivered; an input that is absent has no source."""
    scores: Mapping[str, Files] = field(default_factory=dict)
    """Newest published scores by model: customer_id, score; a model that is absent has none."""
    identity_map: Files = ()
    """source_system, source_id, customer_id; for list segments and externals that name a source's own ids."""
    previous: Files = ()
    """The last profile before this date; empty at the first run."""
    previous_catalogue: Files = ()
    """The last tag catalogue before this date; empty at the first run."""
    mergers: Mapping[int, int] = field(default_factory=dict)
    """Retired customer id -> the id that lives on; for lists that name customers."""
