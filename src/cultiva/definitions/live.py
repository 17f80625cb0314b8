"""`[live]` of cultiva.toml: where what comes in is written down, and where what is known this second is kept."""

from __future__ import annotations

from pydantic import Field

from cultiva.definitions.base import Model


class LiveSettings(Model):
    """`[live]` of cultiva.toml."""

    enabled: bool = False
    """Whether runs take in what came in live and publish tomorrow's profiles."""
    parity_sample: int = Field(default=1_000, ge=0)
    """Customers whose live profiles every run compares with the night's before it publishes; 0: none."""
    log: str = "sqlite:///.cultiva/live/log.db"
    """The log: `sqlite:///path`, or servers of NATS with JetStream, `nats://host:4222,nats://other:4222`."""
    hot: str = "sqlite:///.cultiva/live/hot.db"
    """The hot store: `sqlite:///path`, or a Redis, `redis://host:6379/0`. `${env:NAME}` reads the environment."""
    space: str = Field(default="cultiva", pattern=r"^[A-Za-z0-9_-]{1,40}$")
    """What names on a shared server begin with."""
    partitions: int = Field(default=16, gt=0, le=1024)
    """Parts that customers are split into: the most workers that find something to do. It stays as it was begun."""
    keep_days: float = Field(default=14, gt=0)
    """How long the log keeps a record; longer than the longest time without a run of the night."""
    repeated_hours: float = Field(default=24, gt=0)
    """How long NATS knows a record again, in memory; the embedded log does as long as it keeps it."""
    replicas: int = Field(default=1, ge=1, le=5)
    """Servers of a NATS cluster that each hold the log."""
    batch: int = Field(default=1_000, gt=0)
    """Records that a worker takes at once."""
    lease_seconds: float = Field(default=5, gt=0)
    """How long a worker that does not answer keeps its partitions."""
