"""Tags whose type does not suit the use that a definition makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cultiva.contracts.types import DataType
from cultiva.definitions.document import Loc
from cultiva.definitions.draft import Draft, Key
from cultiva.definitions.scopes import platform_columns
from cultiva.kit.errors import Fault


@dataclass(frozen=True)
class Use:
    """What a definition does with tags."""

    code: str
    """Of the fault."""
    cannot: str
    """What a tag of another type cannot do, in words."""
    types: tuple[DataType, ...]
    """The types that suit."""
    hint: str
    """What to do instead."""


PEERS = Use(
    "peer_type",
    "form peers",
    (DataType.TEXT, DataType.BOOLEAN, DataType.INTEGER),  # few values each, with the same text on every engine
    "use a tiering of it, or an expression tag that gives a band",
)
"""Tags that make the peers of potential value."""
CLUSTERS = Use(
    "cluster_type",
    "be clustered on",
    (DataType.INTEGER, DataType.NUMBER, DataType.MONEY, DataType.BOOLEAN, DataType.TEXT),
    "make an expression tag of it, e.g. the days since a date",
)
"""Tags on which micro-segments are found."""


def check_suitability(draft: Draft) -> Iterator[Fault]:
    """Faults of tags that cannot make peers or clusters."""
    peers = draft.workspace.value.potential.peers
    yield from _unsuited(draft, PEERS, ("value", "value"), ("potential", "peers"), peers)
    for micro in draft.workspace.micro_segmentations.values():
        yield from _unsuited(draft, CLUSTERS, ("micro_segmentation", micro.name), ("tags",), micro.tags)


def _unsuited(draft: Draft, use: Use, key: Key, loc: Loc, tags: Sequence[str]) -> Iterator[Fault]:
    known = {name: tag.type for name, tag in draft.workspace.tags.items()} | platform_columns(draft.workspace)
    for index, tag in enumerate(tags):
        kind = known.get(tag)
        if kind is not None and kind not in use.types:
            allowed = f"{', '.join(use.types)} tags"
            message = f"a {kind} tag cannot {use.cannot}"
            yield draft.origin(*key).fault((*loc, index), use.code, message, seen=tag, allowed=allowed, hint=use.hint)
