"""What a customer would read: content filled in from the lake, for many to be sent or, masked, for one to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from cultiva.contracts.sight import Sight
from cultiva.contracts.types import DataType
from cultiva.definitions.content import Content, Form
from cultiva.engine.parquet import part_files
from cultiva.execution.content.facts import Needs
from cultiva.execution.content.links import LinkKeys, Links
from cultiva.execution.content.service import Failure, Rendered, Renderer
from cultiva.kit.errors import CultivaError, ErrorKind, did_you_mean
from cultiva.kit.masking import HIDDEN, mask_name, mask_text
from cultiva.kit.sms import sms_length
from cultiva.kit.words import LANGUAGES
from cultiva.loop.parts import Parts
from cultiva.loop.seeing import sees

if TYPE_CHECKING:
    from cultiva.definitions.tags import Tag

PREVIEW_KEYS = LinkKeys({"pv": b"links of previews lead nowhere"})
"""Signs the links of previews: no real key, so that nobody's answer is believed."""
PREVIEW_DELIVERY = "preview000000000"
"""Stands for a delivery; as long as one."""
_KEYS = {"adviser": ("staff", "staff_id", "adviser_id"), "branch": ("branch", "branch_id", "branch_id")}
"""First word of a name -> table, its key, and the column of the resolved customer that holds it."""


def renderer(parts: Parts, keys: str) -> Renderer:
    """A renderer for messages that are really sent.

    Args:
        parts: Of the workspace.
        keys: As `links.KEY_VARIABLE` holds them.

    Raises:
        CultivaError: if there are no keys.
    """
    return Renderer(parts.workspace, Links(parts.workspace.sender.links, LinkKeys.of_text(keys)))


def values_of(parts: Parts, needs: Needs, customer_ids: Sequence[int], on: date) -> pl.DataFrame:
    """What a content needs to know of customers, in one go.

    Args:
        parts: Of the workspace.
        needs: From `Renderer.needs`.
        customer_ids: Whom, in any order, without doubles.
        on: Business date of a run.

    Returns:
        `customer_id`, then a column per name of the needs; a row per customer asked for, in the order asked. What the
        lake does not know is null.
    """
    asked = pl.DataFrame({"customer_id": customer_ids}, schema={"customer_id": pl.Int64})
    tags = needs.columns("customer")
    found = asked
    if tags:
        own = _table(parts, "profile", on, asked, [name for name in tags if name != "name"])
        found = found.join(own, on="customer_id", how="left", maintain_order="left")
    keys = [_KEYS[root][2] for root in _KEYS if needs.columns(root)]
    if "name" in tags or keys:
        party = _table(parts, "customer", on, asked, [*(["name"] if "name" in tags else []), *keys], prefix="party.")
        found = found.join(party, on="customer_id", how="left", maintain_order="left")
    for root, (table, key, column) in _KEYS.items():
        if wanted := needs.columns(root):
            others = _others(parts, table, key, wanted, on)
            found = found.join(others, left_on=f"party.{column}", right_on="* key", how="left", maintain_order="left")
    named = {name: _column_of(name, found.columns) for name in needs.names}
    empty = pl.lit(None, pl.String)
    return found.select(
        "customer_id", *((pl.col(column) if column else empty).alias(name) for name, column in named.items())
    )


def _column_of(name: str, columns: Sequence[str]) -> str:
    root, _, rest = name.partition(".")
    wanted = (rest, f"party.{rest}") if root == "customer" else (name,)
    return next((one for one in wanted if one in columns), "")


def _table(
    parts: Parts, table: str, on: date, asked: pl.DataFrame, columns: Sequence[str], *, prefix: str = ""
) -> pl.DataFrame:
    rows = pl.scan_parquet(part_files(parts.lake.files_current(table, on)))
    here = [one for one in dict.fromkeys(columns) if one in rows.collect_schema().names()]
    mine = rows.select("customer_id", *(pl.col(one).alias(f"{prefix}{one}") for one in here))
    return mine.join(asked.lazy(), on="customer_id", how="semi").collect()


def _others(parts: Parts, table: str, key: str, wanted: Sequence[str], on: date) -> pl.DataFrame:
    files = parts.lake.files_latest(table, on)
    if not files:
        return pl.DataFrame(schema={"* key": pl.String})
    rows = pl.read_parquet(part_files(files))
    here = [one for one in wanted if one in rows.columns]
    return rows.select(pl.col(key).alias("* key"), *(pl.col(one).alias(f"{_root_of(table)}.{one}") for one in here))


def _root_of(table: str) -> str:
    """The first word of names that speak of a table's rows."""
    return "adviser" if table == "staff" else table


@dataclass(frozen=True)
class Preview:
    """What one customer would read, fit for anybody to see."""

    content: str
    """Its name."""
    customer_id: int
    """Who."""
    on: date
    """Business date of the profile."""
    offer: str
    """The offer that it speaks of."""
    message: Rendered | Failure
    """The message with personal values masked and links that lead nowhere, or why there is none."""
    parts: int
    """For a text message: the parts that it is cut into; else 0."""


def preview(  # noqa: PLR0913  (whose, for whom, in which words)
    parts: Parts,
    name: str,
    customer_id: int,
    on: date,
    *,
    sight: Sight,
    language: str | None = None,
    offer: str | None = None,
) -> Preview:
    """Fills a content in for a customer, with everything personal masked before it is filled in.

    Args:
        parts: Of the workspace.
        name: Of the content.
        customer_id: Who.
        on: Business date of a run.
        sight: Of whoever asks.
        language: zh or en; None: the bank's own.
        offer: Name of an offer; None: the first that the content speaks of.

    Raises:
        CultivaError: if there is no such content, language, offer or no such customer in sight.
    """
    content, workspace = _content(parts, name), parts.workspace
    spoken = _known("language", language or workspace.settings.language, LANGUAGES)
    about = _known("offer", offer, workspace.offers) if offer else next(iter(content.offers), "")
    made = Renderer(workspace, Links(workspace.sender.links, PREVIEW_KEYS))
    needs = made.needs(content)
    _must_be_there(parts, customer_id, on, sight)
    row = values_of(parts, needs, [customer_id], on).drop("customer_id").row(0)
    facts = needs.facts(tuple(_masked(one, value, workspace.tags) for one, value in zip(needs.names, row, strict=True)))
    message = made.render(content, spoken, facts, delivery_id=PREVIEW_DELIVERY, offer=about)
    sms = content.form is Form.SMS and isinstance(message, Rendered)
    count = sms_length(message.content["text"]).parts if sms and isinstance(message, Rendered) else 0
    return Preview(name, customer_id, on, about, message, count)


def _content(parts: Parts, name: str) -> Content:
    _known("content", name, parts.workspace.contents)
    return parts.workspace.contents[name]


def _known(what: str, name: str, known: Any) -> str:
    if name in known:
        return name
    raise CultivaError(
        f"there is no such {what}",
        code=f"content.no_{what}",
        kind=ErrorKind.NOT_FOUND,
        seen=name,
        allowed=", ".join(list(known)[:12]) + (f", and {len(known) - 12} more" if len(known) > 12 else ""),
        hint=did_you_mean(name, known),
    )


def _must_be_there(parts: Parts, customer_id: int, on: date, sight: Sight) -> None:
    rows = pl.scan_parquet(part_files(parts.lake.files_current("profile", on)))
    found = rows.filter(pl.col("customer_id") == customer_id).select("customer_id").collect()
    if found.is_empty() or not sees(parts, customer_id, sight):
        raise CultivaError(
            "there is no such customer in the profile",
            code="content.no_customer",
            kind=ErrorKind.NOT_FOUND,
            seen=customer_id,
            allowed="a customer of that day",
            hint="SYSTEM:ID finds a customer by a source system's own id",
        )


def _masked(name: str, value: Any, tags: Any) -> Any:
    """A value as a preview shows it: of the same type, so that every filter works on it."""
    root, _, rest = name.partition(".")
    tag: Tag | None = tags.get(rest) if root == "customer" else None
    if value is None:
        return None
    if rest == "name" and root in ("customer", "adviser"):
        return mask_name(str(value))
    if tag is None or not tag.personal:
        return mask_text(value) if isinstance(value, str) else value
    if tag.type in (DataType.DATE, DataType.TIMESTAMP):
        return year_only(value)
    return 0 if tag.type.numeric else HIDDEN * 3


def year_only(value: date) -> date:
    """The first day of a day's year.

    Examples:
        >>> year_only(date(1970, 5, 17))
        datetime.date(1970, 1, 1)
    """
    return value.replace(month=1, day=1)
