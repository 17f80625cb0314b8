"""Maps that are drawn once and lie ready for every page and process: whoever draws one leaves those of all value tiers.

A file is named after everything that the map was drawn from, so that an old one is never taken for a new one: another
run, a run that has got further, another definition or another version of the software have another name. A file holds
counts and sums of the cells, and nobody's data.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import msgspec
import structlog

from cultiva import __version__
from cultiva.kit.errors import CultivaError
from cultiva.kit.hashing import content_hash
from cultiva.loop.mapping import demand_tier, map_inputs, tiers_of
from cultiva.loop.parts import Parts
from cultiva.strategy.map.places import DrawnMap
from cultiva.strategy.map.service import draw_maps

FOLDER = ".cultiva/maps"
FILES_MAX = 8
"""Files that stay: those of the newest dates, and what else was looked at of late."""
READ = ("profile", "decisions", "identity_map", "exposure", "verdict", "readout", "flag")
"""Tables of the day that a map is drawn from; beside them proposals and contacts of the past, and what was learnt."""
ALL_TIERS = ""
_LOG = structlog.get_logger("cultiva.maps")


def kept_map(parts: Parts, on: date, *, tier: str = ALL_TIERS) -> DrawnMap | None:
    """The map of a business date as somebody has drawn it; None: nobody has yet, or from something else.

    Args:
        parts: Of the workspace.
        on: Business date with a profile.
        tier: Only customers of this value tier; empty: all.

    Raises:
        CultivaError: if there is no such tier.
    """
    demand_tier(parts, tier)
    with suppress(OSError, msgspec.DecodeError, KeyError):
        tiers = msgspec.json.decode(_file(parts, on).read_bytes(), type=dict[str, msgspec.Raw])
        return msgspec.json.decode(tiers[tier], type=DrawnMap)
    return None


def leave_maps(parts: Parts, on: date) -> dict[str, DrawnMap]:
    """Draws the maps of a business date, of all customers and of every value tier, and leaves them for all processes.

    Raises:
        CultivaError: if the profile lacks what a definition reads.
    """
    path = _file(parts, on)  # before it is drawn: what is published meanwhile makes another name
    with TemporaryDirectory(dir=parts.root, prefix=".map-") as folder:
        tiers = (ALL_TIERS, *tiers_of(parts))
        drawn = draw_maps(parts.engine, map_inputs(parts, on), parts.workspace, on, Path(folder), tiers=tiers)
    with suppress(OSError):  # where nothing can be written, everybody draws for themselves
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{uuid4().hex}")
        beside.write_bytes(msgspec.json.encode(drawn))
        beside.replace(path)
        _thin_out(path.parent)
    return drawn


def drawn_map(parts: Parts, on: date, *, tier: str = ALL_TIERS) -> DrawnMap:
    """The map as it was left, else drawn now and left; see `kept_map` and `leave_maps`."""
    found = kept_map(parts, on, tier=tier)
    return leave_maps(parts, on)[tier] if found is None else found


def leave_after_run(parts: Parts, on: date) -> None:
    """At the end of a run, so that nobody waits for the first look; where no map can be drawn, the run is none the
    worse for it, and whoever opens the map reads why.
    """
    try:
        drawn_map(parts, on)
    except CultivaError as error:
        _LOG.warning("map.not_drawn", code=error.code, on=on.isoformat())


def _file(parts: Parts, on: date) -> Path:
    lake, catalogue = parts.lake, parts.lake.catalogue
    tables = [parts.store.snapshots.current(name, on) for name in READ] + [parts.store.snapshots.latest("learnt", on)]
    past = [*catalogue.history("decisions", on), *catalogue.history("contact", on)]
    named = [lake.folder(one).name + one.table + str(one.business_date) for one in [*tables, *past] if one is not None]
    made_of = content_hash([__version__, parts.workspace.version, *named])
    return parts.root / FOLDER / f"{on.isoformat()}-{made_of[:32]}.json"


def _thin_out(folder: Path) -> None:
    """Lets go of the files that were written longest ago."""
    found = sorted(folder.glob("*.json"), key=lambda one: (one.stat().st_mtime_ns, one.name), reverse=True)
    for one in found[FILES_MAX:]:
        one.unlink(missing_ok=True)
