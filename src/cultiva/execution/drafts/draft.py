"""The nouns of proposing a change of a definition, and what can be done with one in which state."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cultiva.kit.errors import CultivaError, ErrorKind


class DraftKind(StrEnum):
    """Kinds of definitions that are edited in the console."""

    SEGMENT = "segment"
    STRATEGY = "strategy"


class DraftState(StrEnum):
    """Where a draft stands."""

    DRAFT = "draft"
    """Its author works on it."""
    SUBMITTED = "submitted"
    """Waits for a second person."""
    APPROVED = "approved"
    """A second person said yes; it may be written into the workspace."""
    REJECTED = "rejected"
    """A second person said no; its author may amend it."""
    PUBLISHED = "published"
    """Stands in the workspace's files."""
    WITHDRAWN = "withdrawn"
    """Given up by its author."""


class DraftAct(StrEnum):
    """What somebody does to a draft."""

    AMEND = "amend"
    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    PUBLISH = "publish"
    WITHDRAW = "withdraw"


_OPEN = (DraftState.DRAFT, DraftState.SUBMITTED, DraftState.APPROVED, DraftState.REJECTED)
MOVES: Mapping[tuple[DraftState, DraftAct], DraftState] = {
    **{(state, DraftAct.AMEND): DraftState.DRAFT for state in _OPEN},
    **{(state, DraftAct.WITHDRAW): DraftState.WITHDRAWN for state in _OPEN},
    (DraftState.DRAFT, DraftAct.SUBMIT): DraftState.SUBMITTED,
    (DraftState.SUBMITTED, DraftAct.APPROVE): DraftState.APPROVED,
    (DraftState.SUBMITTED, DraftAct.REJECT): DraftState.REJECTED,
    (DraftState.APPROVED, DraftAct.REJECT): DraftState.REJECTED,
    (DraftState.APPROVED, DraftAct.PUBLISH): DraftState.PUBLISHED,
}
"""(state, act) -> next state; what is not here is refused. Amending takes every yes back."""
PAST: Mapping[DraftAct, str] = {
    DraftAct.AMEND: "saved",
    DraftAct.SUBMIT: "submitted",
    DraftAct.APPROVE: "approved",
    DraftAct.REJECT: "rejected",
    DraftAct.PUBLISH: "published",
    DraftAct.WITHDRAW: "withdrawn",
}
"""How the audit calls it when it was done."""


@dataclass(frozen=True)
class NewDraft:
    """What an author proposes."""

    kind: DraftKind
    name: str
    """Of the definition."""
    file: str
    """Into which it belongs, relative to the workspace, e.g. segments/needs.yaml."""
    body: str
    """The definition as YAML: one mapping, beginning with `name:`."""
    base_text: str = ""
    """What the workspace's file said of it when the draft was begun; empty: it is new."""
    base_hash: str = ""
    """Content hash of the live definition then; empty: it is new."""
    remark: str = ""
    """Why, for whoever judges it."""


@dataclass(frozen=True)
class Draft:
    """A proposed change of one definition."""

    draft_id: str
    kind: DraftKind
    name: str
    file: str
    body: str
    base_text: str
    base_hash: str
    remark: str
    state: DraftState
    author: str
    """Login."""
    judge: str
    """Login of whoever said yes or no last; empty: nobody yet."""
    verdict: str
    """Their remark."""
    revision: int
    """From 1; one more with every saving. Acts name the revision that was read."""
    created: datetime
    changed: datetime

    @property
    def is_new(self) -> bool:
        """Whether the workspace had no such definition when it was begun."""
        return not self.base_hash

    @property
    def is_open(self) -> bool:
        """Whether something can still become of it."""
        return self.state in _OPEN

    def diff(self, live: str | None = None) -> str:
        """The change as a unified diff.

        Args:
            live: What the workspace's file says of it now; None: what it said when the draft was begun.
        """
        return unified(self.base_text if live is None else live, self.body, self.file)


def unified(before: str, after: str, file: str) -> str:
    r"""Two texts as a unified diff; empty if they are equal.

    Examples:
        >>> print(unified("a\nb\n", "a\nc\n", "x.yaml"))
        --- x.yaml (live)
        +++ x.yaml (draft)
        @@ -1,2 +1,2 @@
         a
        -b
        +c
    """
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{file} (live)", f"{file} (draft)", lineterm=""
    )
    return "\n".join(lines)


def moved(draft: Draft, act: DraftAct) -> DraftState:
    """The state that an act leads to.

    Raises:
        CultivaError: a conflict, if it cannot be done in this state.
    """
    found = MOVES.get((draft.state, act))
    if found is None:
        acts = ", ".join(one for state, one in MOVES if state is draft.state)
        raise CultivaError(
            f"a draft that is {draft.state} cannot be {PAST[act]}",
            code="drafts.bad_move",
            kind=ErrorKind.CONFLICT,
            seen=f"{draft.kind} {draft.name}, {draft.state}",
            allowed=acts or "nothing: it is done with",
            hint="open it again and see what has become of it",
        )
    return found


def demand_same(draft: Draft, revision: int) -> None:
    """Refuses an act on a revision that is no longer the newest.

    Raises:
        CultivaError: a conflict.
    """
    if draft.revision != revision:
        raise CultivaError(
            "the draft has changed since you opened it",
            code="drafts.stale",
            kind=ErrorKind.CONFLICT,
            seen=f"revision {revision}",
            allowed=f"revision {draft.revision}",
            hint="open it again and read what has changed",
        )


def demand_author(draft: Draft, by: str) -> None:
    """Only its author amends, submits and withdraws a draft.

    Raises:
        CultivaError: forbidden, for anybody else.
    """
    if draft.author != by:
        raise CultivaError(
            "this draft is somebody else's",
            code="drafts.not_yours",
            kind=ErrorKind.FORBIDDEN,
            seen=by,
            allowed=draft.author,
            hint="begin a draft of your own; approvers see both",
        )


def demand_second(draft: Draft, by: str) -> None:
    """Nobody judges what is their own.

    Raises:
        CultivaError: forbidden, for the author.
    """
    if draft.author == by:
        raise CultivaError(
            "nobody approves or rejects their own draft",
            code="drafts.own",
            kind=ErrorKind.FORBIDDEN,
            seen=by,
            allowed="a second person",
            hint="ask somebody else who may approve",
        )
