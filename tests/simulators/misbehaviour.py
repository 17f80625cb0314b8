"""How a simulator misbehaves: shares of messages, drawn by a hash of the key and the attempt, so that a run repeats."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, fields
from typing import Any

from cultiva.kit.hashing import draw


@dataclass(frozen=True)
class Misbehaviour:
    """Shares from 0 to 1 of all attempts; the first that is drawn counts, in this order."""

    slow: float = 0.0
    """Answers after `slow_seconds`; anything else may happen as well."""
    slow_seconds: float = 1.0
    drop_before: float = 0.0
    """Breaks the connection without having accepted the message."""
    refuse: float = 0.0
    """Says never: bad address."""
    busy: float = 0.0
    """Says later, and how much later."""
    busy_seconds: float = 2.0
    drop_after: float = 0.0
    """Accepts the message and breaks the connection before saying so."""
    duplicate: float = 0.0
    """Hands its report over twice."""
    fail: float = 0.0
    """Reports later that the message could not be delivered."""
    report_seconds: float = 0.0
    """How late a message is reported on."""
    attempts: int = 0
    """Misbehaves at the first so many attempts of a key only; 0: at all."""
    look_up: bool = True
    """Whether one may ask for the fate of a message."""
    idempotent: bool = True
    """Whether a key that is known is accepted again without being carried twice, where the protocol has keys."""
    salt: str = ""
    """Another salt draws other messages."""
    extra: str = ""
    """What only one protocol knows, by name."""


class Moods:
    """Draws for one simulator what happens to the attempt at hand; can be changed while it runs."""

    def __init__(self, misbehaviour: Misbehaviour) -> None:
        self.now = misbehaviour
        self._attempts: Counter[str] = Counter()

    def change(self, text: str) -> None:
        """Takes another misbehaviour, in JSON; what it does not name is as at first."""
        self.now = read_misbehaviour(text)
        self._attempts.clear()

    def drawn(self, key: str) -> frozenset[str]:
        """What happens to the next attempt at a key: slow, and one of drop_before, refuse, busy, drop_after."""
        self._attempts[key] += 1
        attempt = self._attempts[key]
        if self.now.attempts and attempt > self.now.attempts:
            return frozenset()
        fate = next((what for what in _FATES if self._happens(what, key, attempt)), None)
        return frozenset(what for what in (fate, self._happens("slow", key, attempt) and "slow") if what)

    def reported_twice(self, key: str) -> bool:
        """Whether the report on a message is handed over twice."""
        return self._happens("duplicate", key, 0)

    def reported_failed(self, key: str) -> bool:
        """Whether it is reported that the message could not be delivered."""
        return self._happens("fail", key, 0)

    def _happens(self, what: str, key: str, attempt: int) -> bool:
        share = getattr(self.now, what)
        return share > 0 and draw(f"{self.now.salt}:{what}:{attempt}", key) < share


_FATES = ("drop_before", "refuse", "busy", "drop_after")


def read_misbehaviour(text: str) -> Misbehaviour:
    """A misbehaviour from JSON; a member that is not known is an error."""
    given: dict[str, Any] = json.loads(text or "{}")
    unknown = set(given) - {field.name for field in fields(Misbehaviour)}
    if unknown:
        raise ValueError(f"misbehaviour knows no {sorted(unknown)}; it knows {sorted(asdict(Misbehaviour()))}")
    return Misbehaviour(**given)
