"""Draws of a play: one number per customer and launch, and a hash of it per split, the same in Python and SQL.

A split hashes the customer's number x by `(a x + b) mod p`, p = 2**31 - 1 a prime, a and b from the split's salt: the
universal family of Carter and Wegman (1979). All of it stays below 2**62, so SQLite and PostgreSQL compute it in whole
numbers. One md5 per customer at enrolment serves every split of the play.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cultiva.execution.tables import PARTITIONS
from cultiva.kit.hashing import draw, md5_hex

PRIME = 2**31 - 1
"""Draws are below it."""


@dataclass(frozen=True)
class Salt:
    """What makes the hash of one split."""

    factor: int
    """a, 1 to PRIME - 1."""
    summand: int
    """b, 0 to PRIME - 1."""

    def hash(self, number: int) -> int:
        """The hash of a customer's number, 0 to PRIME - 1.

        Examples:
            >>> Salt(3, 5).hash(PRIME - 1)
            2
        """
        return (self.factor * number + self.summand) % PRIME


def salt_of(strategy: str, step: str) -> Salt:
    """The salt of a split: of names, so that changing other steps does not draw everybody anew.

    Examples:
        >>> salt_of("welcome", "lots") == salt_of("welcome", "lots") != salt_of("welcome", "lots2")
        True
    """
    digits = md5_hex(f"split:{strategy}:{step}")
    return Salt(1 + int(digits[:15], 16) % (PRIME - 1), int(digits[15:30], 16) % PRIME)


def bounds(shares: Iterable[float]) -> list[int]:
    """Upper ends, not included, of the hashes of each share; the last takes what is left.

    Examples:
        >>> bounds([0.5, 0.5])
        [1073741823, 2147483647]
    """
    found, total = [], 0.0
    for share in shares:
        total += share
        found.append(min(PRIME, int(total * PRIME)))
    found[-1] = PRIME
    return found


def number(launch_id: str, customer_id: int) -> int:
    """A customer's number within a launch, 0 to PRIME - 1; the same whenever the customer comes again."""
    return int(md5_hex(f"journey:{launch_id}:{customer_id}")[:15], 16) % PRIME


def part(customer_id: int) -> int:
    """The part of all customers to which one belongs.

    Examples:
        >>> 0 <= part(7) < PARTITIONS
        True
    """
    return int(draw("partition", customer_id) * PARTITIONS)
