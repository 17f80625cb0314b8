"""The live side's two pairs of adapters: whoever asks for `live_settings` runs on both, each time on an empty space."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator

import pytest

from cultiva.definitions.live import LiveSettings

PARTITIONS = 3


@pytest.fixture(params=["embedded", pytest.param("distributed", marks=pytest.mark.streams)])
def live_settings(request: pytest.FixtureRequest) -> LiveSettings:
    """`[live]` of a workspace that has not been used yet."""
    if request.param == "embedded":
        return LiveSettings(partitions=PARTITIONS)
    found: LiveSettings = request.getfixturevalue("distributed_settings")()
    return found


@pytest.fixture
def distributed_settings(nats_url: str, redis_url: str) -> Iterator[Callable[[], LiveSettings]]:
    """Makes settings with a space of their own on the servers; the spaces are emptied in the end."""
    made: list[LiveSettings] = []

    def make() -> LiveSettings:
        space = f"test-{uuid.uuid4().hex[:10]}"
        made.append(LiveSettings(log=nats_url, hot=redis_url, space=space, partitions=PARTITIONS))
        return made[-1]

    yield make
    for settings in made:
        empty_space(settings)


def empty_space(settings: LiveSettings) -> None:
    """Takes everything of a space from its servers."""
    import redis

    with redis.Redis.from_url(settings.hot) as server:
        kept = [key for kind in ("", "{") for key in server.scan_iter(f"{kind}{settings.space}:*")]
        if kept:
            server.delete(*kept)
    asyncio.run(_delete_streams(settings))


async def _delete_streams(settings: LiveSettings) -> None:
    import nats

    client = await nats.connect(settings.log)
    for partition in range(settings.partitions):
        await client.request(f"$JS.API.STREAM.DELETE.{settings.space}-{partition}", b"", timeout=5)
    await client.close()
