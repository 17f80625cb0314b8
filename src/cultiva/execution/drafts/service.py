"""Drafts: begun, amended, submitted, judged by a second person, published, withdrawn; every act is in the audit."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import write as audit
from cultiva.execution.drafts import repository
from cultiva.execution.drafts.draft import (
    PAST,
    Draft,
    DraftAct,
    DraftKind,
    DraftState,
    NewDraft,
    demand_author,
    demand_same,
    demand_second,
    moved,
)
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.kit.hashing import content_hash
from cultiva.store.database import Database

BODY_MAX = 60_000
"""Most characters of a definition."""
REMARK_MAX = 2_000
NOTHING: Mapping[str, object] = {}
OPEN = frozenset({DraftState.DRAFT, DraftState.SUBMITTED, DraftState.APPROVED, DraftState.REJECTED})
"""Something can still become of these."""


class Drafts:
    """Proposed changes of definitions. People are named by their login.

    Args:
        database: Where they lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, new: NewDraft, *, by: str, at: datetime) -> Draft:
        """Begins a draft.

        Raises:
            CultivaError: if a text is empty or too long.
        """
        _demand_sizes(new.body, new.remark)
        draft = Draft(
            draft_id=uuid.uuid4().hex,
            kind=new.kind,
            name=new.name,
            file=new.file,
            body=new.body,
            base_text=new.base_text,
            base_hash=new.base_hash,
            remark=new.remark,
            state=DraftState.DRAFT,
            author=by,
            judge="",
            verdict="",
            revision=1,
            created=at,
            changed=at,
        )
        with self._database.writing() as connection:
            repository.write(connection, draft)
            _note(connection, draft, DraftAct.AMEND, by=by, at=at)
        return draft

    def amend(self, draft_id: str, revision: int, new: NewDraft, *, by: str, at: datetime) -> Draft:
        """Its author writes it anew, also on a newer base; whatever was said of it counts no more.

        Args:
            draft_id: Which.
            revision: The one that was read.
            new: All of it; kind and name stay as they are.
            by: Who.
            at: The present instant.

        Raises:
            CultivaError: if it is somebody else's, has changed meanwhile, or is done with.
        """
        _demand_sizes(new.body, new.remark)
        with self._database.writing() as connection:
            draft = _known(connection, draft_id)
            demand_author(draft, by)
            demand_same(draft, revision)
            state = moved(draft, DraftAct.AMEND)
            texts = {name: getattr(new, name) for name in ("file", "body", "base_text", "base_hash", "remark")}
            made = replace(draft, **texts, state=state, judge="", verdict="", revision=revision + 1, changed=at)
            repository.write(connection, made)
            _note(connection, made, DraftAct.AMEND, by=by, at=at)
        return made

    def submit(self, draft_id: str, revision: int, *, by: str, at: datetime) -> Draft:
        """Its author asks for a second person's word."""
        return self._own(draft_id, revision, DraftAct.SUBMIT, by, at)

    def withdraw(self, draft_id: str, revision: int, *, by: str, at: datetime) -> Draft:
        """Its author gives it up."""
        return self._own(draft_id, revision, DraftAct.WITHDRAW, by, at)

    def judge(self, draft_id: str, revision: int, *, approved: bool, by: str, at: datetime, remark: str = "") -> Draft:
        """A second person says yes or no.

        Raises:
            CultivaError: if it is their own, has changed meanwhile, or does not wait for a word; if a no has no remark.
        """
        _demand_reason(approved, remark)
        act = DraftAct.APPROVE if approved else DraftAct.REJECT
        with self._database.writing() as connection:
            draft = _known(connection, draft_id)
            demand_second(draft, by)
            demand_same(draft, revision)
            made = replace(draft, state=moved(draft, act), judge=by, verdict=remark, changed=at)
            repository.write(connection, made)
            _note(connection, made, act, by=by, at=at, more={"remark": remark})
        return made

    def published(self, draft_id: str, revision: int, *, by: str, at: datetime, version: str) -> Draft:
        """It stands in the workspace's files now; only `loop.publishing_definitions` says so.

        Args:
            draft_id: Which.
            revision: The one that was written.
            by: Who had it written.
            at: The present instant.
            version: Of the workspace with it.
        """
        with self._database.writing() as connection:
            draft = _known(connection, draft_id)
            demand_same(draft, revision)
            made = replace(draft, state=moved(draft, DraftAct.PUBLISH), changed=at)
            repository.write(connection, made)
            _note(connection, made, DraftAct.PUBLISH, by=by, at=at, more={"workspace_version": version})
        return made

    def one(self, draft_id: str) -> Draft:
        """One draft.

        Raises:
            CultivaError: if there is none of that id.
        """
        with self._database.reading() as connection:
            found = repository.find(connection, draft_id)
        if found is None:
            raise _unknown(draft_id)
        return found

    def of(self, kind: DraftKind, name: str, *, last: int = 100) -> Sequence[Draft]:
        """Every draft of one definition, the newest first."""
        with self._database.reading() as connection:
            return repository.listed(connection, kind=kind, name=name, last=last)

    def listed(
        self,
        *,
        kind: DraftKind | None = None,
        states: Collection[DraftState] = OPEN,
        author: str | None = None,
        last: int = 100,
    ) -> Sequence[Draft]:
        """The newest drafts in some states, the newest first."""
        with self._database.reading() as connection:
            return repository.listed(connection, kind=kind, states=states, author=author, last=last)

    def _own(self, draft_id: str, revision: int, act: DraftAct, by: str, at: datetime) -> Draft:
        with self._database.writing() as connection:
            draft = _known(connection, draft_id)
            demand_author(draft, by)
            demand_same(draft, revision)
            made = replace(draft, state=moved(draft, act), changed=at)
            repository.write(connection, made)
            _note(connection, made, act, by=by, at=at)
        return made


def _known(connection: Connection, draft_id: str) -> Draft:
    found = repository.find(connection, draft_id, locked=True)
    if found is None:
        raise _unknown(draft_id)
    return found


def _note(
    connection: Connection, draft: Draft, act: DraftAct, *, by: str, at: datetime, more: Mapping[str, object] = NOTHING
) -> None:
    detail = {
        "kind": draft.kind.value,
        "name": draft.name,
        "revision": draft.revision,
        "body": content_hash(draft.body),
        "base": draft.base_hash,
        **more,
    }
    audit(connection, Entry(at, by, f"draft.{PAST[act]}", f"draft:{draft.draft_id}", detail))


def _demand_sizes(body: str, remark: str) -> None:
    if body.strip() and len(body) <= BODY_MAX and len(remark) <= REMARK_MAX:
        return
    raise CultivaError(
        "a draft's text is empty or too long",
        code="drafts.bad_size",
        seen=f"{len(body):,} characters, a remark of {len(remark):,}",
        allowed=f"1 to {BODY_MAX:,}, a remark of at most {REMARK_MAX:,}",
        hint="shorten it",
    )


def _demand_reason(approved: bool, remark: str) -> None:
    if (not approved and not remark.strip()) or len(remark) > REMARK_MAX:
        raise CultivaError(
            "a no needs a reason",
            code="drafts.no_reason",
            seen=f"{len(remark)} characters",
            allowed=f"1 to {REMARK_MAX:,} characters",
            hint="say what should be different",
        )


def _unknown(draft_id: str) -> CultivaError:
    return CultivaError(
        "there is no such draft",
        code="drafts.unknown",
        kind=ErrorKind.NOT_FOUND,
        seen=draft_id[:40],
        allowed="the id of a draft",
        hint="open the list of drafts",
    )
