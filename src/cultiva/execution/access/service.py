"""Access: keys are made, listed and revoked; a request is admitted, and answered once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cultiva.contracts.sight import sight_over
from cultiva.execution.access import repository
from cultiva.execution.access.answered import KEPT, Answered, Mine, RequestName, Standing
from cultiva.execution.access.keys import (
    PER_MINUTE_DEFAULT,
    ApiKey,
    NewKey,
    Scope,
    fingerprint,
    make_text,
    read_scopes,
    well_formed,
)
from cultiva.execution.access.rates import Bucket, capacity, draw_token
from cultiva.execution.audit.chain import Entry
from cultiva.execution.audit.service import write
from cultiva.kit.errors import CultivaError, ErrorKind
from cultiva.store.database import Database

__all__ = ["Access", "Admission", "ApiKey", "KeyRequest", "NewKey", "RequestName", "Scope", "Standing"]


TIDIES = "00"
"""One request in 256, by its random token, clears old answers away; no process is needed for it."""


@dataclass(frozen=True)
class KeyRequest:
    """The key that is wanted."""

    name: str
    """Whose it is."""
    scopes: Iterable[str]
    """What it is for."""
    lasts: timedelta | None = None
    """None: until it is revoked."""
    per_minute_max: int = PER_MINUTE_DEFAULT
    """Requests a minute."""
    branches: Sequence[str] = ()
    """Branches whose customers it sees; none, and no advisers: the whole bank."""
    advisers: Sequence[str] = ()
    """Advisers whose customers it sees."""


@dataclass(frozen=True)
class Admission:
    """What came of asking to be let in."""

    key: ApiKey | None
    """Whose request it is; None: nobody's."""
    wait_seconds: float = 0.0
    """Above 0: the key has used up its rate; so long until it may ask again."""


class Access:
    """Who may call, how often, and what was answered.

    Args:
        database: Where the rows lie.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, wanted: KeyRequest, *, by: str, at: datetime) -> NewKey:
        """Makes a key; its text is in the answer and nowhere else, and who made it in the audit.

        Args:
            wanted: What it is for.
            by: Login of who does it.
            at: When.

        Raises:
            CultivaError: if the name, a scope or the rate is not one.
        """
        _check(wanted)
        key_id, text = make_text()
        expires = None if wanted.lasts is None else at + wanted.lasts
        scopes = read_scopes(wanted.scopes)
        sight = sight_over(wanted.branches, wanted.advisers, personal=Scope.PERSONAL in scopes)
        key = ApiKey(key_id, wanted.name.strip(), scopes, wanted.per_minute_max, at, expires, sight=sight)
        with self._database.writing() as connection:
            repository.add_key(connection, key, fingerprint(text))
            detail = {"name": key.name, "scopes": sorted(scopes)}
            write(connection, Entry(at, by, "key.created", f"key:{key_id}", detail))
        return NewKey(text, key)

    def listed(self) -> list[ApiKey]:
        """Every key, oldest first."""
        with self._database.reading() as connection:
            return repository.all_keys(connection)

    def revoke(self, key_id: str, *, by: str, at: datetime) -> None:
        """Ends a key at once; who did it stands in the audit.

        Args:
            key_id: Which.
            by: Login of who does it.
            at: When.

        Raises:
            CultivaError: if there is no such key.
        """
        with self._database.writing() as connection:
            known = repository.revoke(connection, key_id, at)
            if known:
                write(connection, Entry(at, by, "key.revoked", f"key:{key_id}"))
        if not known:
            raise CultivaError(
                "there is no such key",
                code="access.no_key",
                kind=ErrorKind.NOT_FOUND,
                seen=key_id,
                allowed="the id of a key, the middle part of its text",
                hint="cultiva key list WORKSPACE",
            )

    def find(self, text: str, *, at: datetime) -> ApiKey | None:
        """The living key of a text; its rate is the caller's to keep."""
        if not well_formed(text):
            return None
        with self._database.reading() as connection:
            key = repository.key_by_hash(connection, fingerprint(text))
        return key if key is not None and key.alive(at) else None

    def admit(self, text: str, *, at: datetime) -> Admission:
        """Finds whose key it is and takes one request off its rate, which all copies of the API share."""
        key = self.find(text, at=at)
        if key is None:
            return Admission(None)
        with self._database.writing() as connection:
            found = repository.bucket(connection, key.key_id, Bucket(capacity(key.per_minute_max), at))
            drawn = draw_token(found, key.per_minute_max, at)
            if drawn.wait_seconds == 0:  # a refusal leaves the bucket as it is: it fills by the clock alone
                repository.put_bucket(connection, key.key_id, drawn.bucket)
        return Admission(key, drawn.wait_seconds)

    def begin(self, name: RequestName, *, at: datetime) -> Standing:
        """Claims a request for this worker, or says what became of it; of several at once exactly one gets `Mine`."""
        token = uuid.uuid4().hex
        if token.startswith(TIDIES):
            self.forget(at=at)
        with self._database.writing() as connection:
            return repository.begin(connection, name, token, at)

    def finish(self, name: RequestName, mine: Mine, answer: Answered) -> None:
        """Keeps the answer for those who repeat the request."""
        with self._database.writing() as connection:
            repository.finish(connection, name, mine.token, answer)

    def give_up(self, name: RequestName, mine: Mine) -> None:
        """Frees the key of a request that came to nothing."""
        with self._database.writing() as connection:
            repository.give_up(connection, name, mine.token)

    def forget(self, *, at: datetime) -> int:
        """Drops answers that nobody will ask for again; gives how many."""
        with self._database.writing() as connection:
            return repository.forget(connection, at - KEPT)


def _check(wanted: KeyRequest) -> None:
    name_fits = 0 < len(wanted.name.strip()) <= 100
    lasts = wanted.lasts is None or wanted.lasts > timedelta(0)
    if not all(0 < len(one.strip()) <= 63 for one in (*wanted.branches, *wanted.advisers)):
        raise CultivaError(
            "a key cannot see a branch or an adviser without a name",
            code="access.bad_sight",
            seen=", ".join(repr(one) for one in (*wanted.branches, *wanted.advisers)),
            allowed="ids of branches and advisers, as the bank's customers name them",
            hint="leave --branch and --adviser out for the whole bank",
        )
    if not name_fits or wanted.per_minute_max < 1 or not lasts:
        raise CultivaError(
            "not a key that can be made",
            code="access.bad_key",
            seen=f"a name of {len(wanted.name.strip())} characters, {wanted.per_minute_max} requests a minute",
            allowed="a name of 1 to 100 characters, at least 1 request a minute, and an end that lies ahead",
            hint="cultiva key create WORKSPACE --name crm --scopes customers,tasks --days 365",
        )
