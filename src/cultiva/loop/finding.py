"""Finding a customer: by id, by a source system's own id, by telephone, by the beginning of a name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl
from pyroaring import BitMap

from cultiva.contracts.sight import Sight
from cultiva.engine.parquet import part_files
from cultiva.insight.profile.stages import TIER
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.masking import mask_name
from cultiva.loop.lineage import customer_meant
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import seen

FOUND_MAX = 50
"""Most customers found at once; whoever is looked for is found by writing more."""
TEXT_MAX = 200
"""Longest text looked for."""
_DIGITS, _PHONE = re.compile(r"\d{1,18}"), re.compile(r"\+?\d[\d ().-]{5,22}\d")
_PHONE_DIGITS = range(7, 16)
_COUNTRY = "86"
"""Calling code that numbers are written with and without."""


class By(StrEnum):
    """What a customer was found by."""

    ID = "id"
    """The customer's number, or one that was merged into it."""
    SOURCE = "source"
    """A source system's own id."""
    PHONE = "phone"
    """The telephone number."""
    NAME = "name"
    """The beginning of the name."""


@dataclass(frozen=True)
class Hit:
    """A customer who was found."""

    customer_id: int
    by: By
    name: str
    """Masked, unless whoever asks sees personal data; empty: not known."""
    branch_id: str | None
    adviser_id: str | None
    stage: str | None
    value_tier: str | None


@dataclass(frozen=True)
class Found:
    """What came of looking."""

    hits: tuple[Hit, ...]
    """By id; one found by several things stands there once."""
    more: bool
    """Whether there are more than `FOUND_MAX`."""
    notes: tuple[str, ...] = ()
    """What has become of an id that was given: merges and splits, oldest first."""


def find(parts: Parts, text: str, on: date, *, sight: Sight) -> Found:
    """The customers in sight whom a text may mean.

    What is looked for is written down nowhere: neither in an error nor in a log.

    Args:
        parts: Of the workspace.
        text: A customer id, SYSTEM:ID, a telephone number however it is written, or the beginning of a name.
        on: Business date of a run.
        sight: Of whoever asks.

    Raises:
        CultivaError: if it is a name and whoever asks does not see personal data: names could be tried out then.
    """
    asked = unicodedata.normalize("NFKC", text).strip()[:TEXT_MAX]
    if not asked:
        return Found((), more=False)
    found: dict[int, By] = {}
    notes: tuple[str, ...] = ()
    number, phone = _DIGITS.fullmatch(asked), spellings(asked)
    if number or ":" in asked:
        notes = _take_meant(found, parts, asked, on, sight=sight, by=By.ID if number else By.SOURCE)
    if phone:
        _take(found, _where(parts, pl.col("phone").is_in(phone), on, sight), By.PHONE)
    elif not (number or ":" in asked):
        _require_names(sight)
        begins = pl.col("name").str.to_lowercase().str.starts_with(asked.lower())
        _take(found, _where(parts, begins, on, sight), By.NAME)
    ids = sorted(found)[:FOUND_MAX]
    return Found(_hits(parts, ids, found, on, sight), more=len(found) > FOUND_MAX, notes=notes)


def spellings(text: str) -> Sequence[str]:
    """How a telephone number may stand in the bank's records; nothing if it is none.

    Examples:
        >>> found = spellings("138 1234 5678")
        >>> len(found), found[0], found[-1], spellings("Wang")
        (9, '+86 138 1234 5678', '8613812345678', [])
    """
    digits = re.sub(r"\D", "", text)
    if not _PHONE.fullmatch(text) or len(digits) not in _PHONE_DIGITS:
        return []
    digits = digits.removeprefix("00")
    own = digits.removeprefix(_COUNTRY) if len(digits) == len(_COUNTRY) + 11 else digits
    ways = {text, digits, f"+{digits}"}
    if len(own) == 11:
        cut = (own[:3], own[3:7], own[7:])
        ways |= {own, " ".join(cut), "-".join(cut), f"00{_COUNTRY}{own}", f"{_COUNTRY}{own}", f"+{_COUNTRY}{own}"}
        ways |= {f"+{_COUNTRY} {own}", f"+{_COUNTRY} {' '.join(cut)}", f"+{_COUNTRY}-{'-'.join(cut)}"}
        ways -= {f"+{own}"}
    return sorted(ways)


def _take_meant(found: dict[int, By], parts: Parts, asked: str, on: date, *, sight: Sight, by: By) -> tuple[str, ...]:
    """Adds the customer whom an id means; gives what has become of the id."""
    try:
        meant = customer_meant(parts, asked, on, sight=sight)
    except CultivaError as error:
        if error.kind is not ErrorKind.NOT_FOUND:
            raise
        return ()
    found[meant.customer_id] = by
    return meant.notes


def _take(found: dict[int, By], ids: Collection[int], by: By) -> None:
    for one in ids:
        found.setdefault(one, by)


def _where(parts: Parts, condition: pl.Expr, on: date, sight: Sight) -> list[int]:
    """The first customers in sight for whom a condition over the resolved party record is true, one too many."""
    files = parts.lake.files_current("customer", on)
    if not files or sight.nobody:
        return []
    rows = pl.scan_parquet(part_files(files), hive_partitioning=False).filter(condition).select("customer_id")
    if sight.whole_bank:
        return [int(one) for one in rows.head(FOUND_MAX + 1).collect()["customer_id"]]
    ids = BitMap(rows.collect(engine="streaming")["customer_id"].to_numpy())
    return list((ids & seen(parts, sight))[: FOUND_MAX + 1])


def _hits(parts: Parts, ids: list[int], found: dict[int, By], on: date, sight: Sight) -> tuple[Hit, ...]:
    if not ids:
        return ()
    mine = pl.col("customer_id").is_in(ids)
    lake = parts.lake
    party = pl.scan_parquet(part_files(lake.files_current("customer", on)), hive_partitioning=False).filter(mine)
    profile = pl.scan_parquet(part_files(lake.files_current("profile", on)), hive_partitioning=False).filter(mine)
    known = [name for name in ("stage", TIER) if name in profile.collect_schema().names()]
    rows = party.select("customer_id", "name", "branch_id", "adviser_id").join(
        profile.select("customer_id", *known), on="customer_id", how="left"
    )
    shown = (lambda name: name) if sight.personal else mask_name
    return tuple(
        Hit(
            customer_id=row["customer_id"],
            by=found[row["customer_id"]],
            name=shown(row["name"] or ""),
            branch_id=row["branch_id"],
            adviser_id=row["adviser_id"],
            stage=row.get("stage"),
            value_tier=row.get(TIER),
        )
        for row in rows.sort("customer_id").collect().to_dicts()
    )


def _require_names(sight: Sight) -> None:
    if not sight.personal:
        raise CultivaError(
            "names are not looked for here",
            code="loop.name_search",
            kind=ErrorKind.FORBIDDEN,
            seen="neither an id nor a telephone number",
            allowed="a customer id, SYSTEM:ID or a telephone number; names only for those who see personal data",
            hint="ask the customer for the telephone number",
        )
