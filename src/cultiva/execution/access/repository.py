"""Keys, token buckets and answered requests in the store."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, select, update

from cultiva.contracts.sight import Sight
from cultiva.execution.access.answered import ABANDONED_AFTER, Answered, Busy, Differs, Mine, RequestName, Standing
from cultiva.execution.access.keys import ApiKey, Scope
from cultiva.execution.access.rates import Bucket
from cultiva.execution.tables import API_KEY, REQUEST_KEY, REQUEST_RATE
from cultiva.store.database import insert_missing, put

WORKING = 0
"""Status of a request that is being worked on; its body is then the worker's token."""


def add_key(connection: Connection, key: ApiKey, hashed: str) -> None:
    """Keeps a new key's hash."""
    row = {
        "key_id": key.key_id,
        "name": key.name,
        "hash": hashed,
        "scopes": sorted(key.scopes),
        "per_minute_max": key.per_minute_max,
        "created": key.created,
        "expires": key.expires,
        "revoked": key.revoked,
        "branches": None if key.sight.whole_bank else sorted(key.sight.branches),
        "advisers": None if key.sight.whole_bank else sorted(key.sight.advisers),
    }
    insert_missing(connection, API_KEY, [row])


def all_keys(connection: Connection) -> list[ApiKey]:
    """Every key, oldest first."""
    return [_key(row) for row in connection.execute(select(API_KEY).order_by(API_KEY.c.created, API_KEY.c.key_id))]


def key_by_hash(connection: Connection, hashed: str) -> ApiKey | None:
    """The key with this hash."""
    row = connection.execute(select(API_KEY).where(API_KEY.c.hash == hashed)).one_or_none()
    return None if row is None else _key(row)


def revoke(connection: Connection, key_id: str, at: datetime) -> bool:
    """Ends a key; false if there is none of that id. One that is revoked already stays as it is."""
    found = connection.scalar(select(API_KEY.c.key_id).where(API_KEY.c.key_id == key_id))
    mine = and_(API_KEY.c.key_id == key_id, API_KEY.c.revoked.is_(None))
    connection.execute(update(API_KEY).where(mine).values(revoked=at))
    return found is not None


def bucket(connection: Connection, key_id: str, first: Bucket) -> Bucket:
    """A key's bucket, held until the transaction ends; made if it is not there."""
    asked = select(REQUEST_RATE).where(REQUEST_RATE.c.key_id == key_id).with_for_update()
    row = connection.execute(asked).one_or_none()
    if row is None:  # two copies may both find none: the second one waits here for the first, then reads what it left
        insert_missing(connection, REQUEST_RATE, [{"key_id": key_id, "tokens": first.tokens, "at": first.at}])
        row = connection.execute(asked).one()
    return Bucket(row.tokens, row.at)


def put_bucket(connection: Connection, key_id: str, left: Bucket) -> None:
    """Writes what is left."""
    put(connection, REQUEST_RATE, {"key_id": key_id, "tokens": left.tokens, "at": left.at})


def begin(connection: Connection, name: RequestName, token: str, at: datetime) -> Standing:
    """Claims a request, or says who has it and what came of it."""
    row = {"key_id": name.key_id, "idempotency_key": name.idempotency_key, "request_hash": name.request_hash}
    found = None
    while found is None:  # between the two statements another worker may give the request up
        insert_missing(connection, REQUEST_KEY, [{**row, "status": WORKING, "body": token, "at": at}])
        found = connection.execute(select(REQUEST_KEY).where(_mine(name)).with_for_update()).one_or_none()
    if found.request_hash != name.request_hash:
        return Differs()
    if found.status != WORKING:
        return Answered(found.status, found.body)
    if found.body == token:
        return Mine(token)
    if at - found.at < ABANDONED_AFTER:
        return Busy()
    connection.execute(update(REQUEST_KEY).where(_mine(name)).values(body=token, at=at))
    return Mine(token)


def finish(connection: Connection, name: RequestName, token: str, answer: Answered) -> None:
    """Keeps the answer, unless another worker has taken the request over."""
    held = and_(_mine(name), REQUEST_KEY.c.status == WORKING, REQUEST_KEY.c.body == token)
    connection.execute(update(REQUEST_KEY).where(held).values(status=answer.status, body=answer.body))


def give_up(connection: Connection, name: RequestName, token: str) -> None:
    """Frees the key: nothing was done, the caller may try again."""
    held = and_(_mine(name), REQUEST_KEY.c.status == WORKING, REQUEST_KEY.c.body == token)
    connection.execute(delete(REQUEST_KEY).where(held))


def forget(connection: Connection, before: datetime) -> int:
    """Drops answers that are older; gives how many."""
    return connection.execute(delete(REQUEST_KEY).where(REQUEST_KEY.c.at < before)).rowcount


def _mine(name: RequestName) -> Any:
    return and_(REQUEST_KEY.c.key_id == name.key_id, REQUEST_KEY.c.idempotency_key == name.idempotency_key)


def _key(row: Row[Any]) -> ApiKey:
    scopes = frozenset(Scope(name) for name in row.scopes)
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        scopes=scopes,
        per_minute_max=row.per_minute_max,
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        sight=Sight(
            whole_bank=row.branches is None and row.advisers is None,
            branches=frozenset(row.branches or ()),
            advisers=frozenset(row.advisers or ()),
            personal=Scope.PERSONAL in scopes,
        ),
    )
