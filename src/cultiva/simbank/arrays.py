"""Arrow columns from numpy arrays without a Python loop: numbered ids, hashes, coded texts, money, dates, times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

EPOCH = date(1970, 1, 1)
MICROSECONDS_PER_SECOND = 1_000_000
SECONDS_PER_DAY = 86_400
NONE = -1
"""An index that points nowhere; it becomes null."""
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def numbered(prefix: str, numbers: Ints, digits: int) -> Any:
    """Texts like `C00000042`: a prefix and a number with leading zeros; null where the number is negative."""
    head = np.frombuffer(prefix.encode(), dtype=np.uint8)
    width = head.size + digits
    letters = np.empty((numbers.size, width), dtype=np.uint8)
    letters[:, : head.size] = head
    rest = np.maximum(numbers, 0)
    for place in range(width - 1, head.size - 1, -1):
        rest, digit = np.divmod(rest, 10)
        letters[:, place] = digit + ord("0")
    return _fixed_width(letters, numbers >= 0)


def hashes(numbers: Ints, salt: int) -> Any:
    """32 hexadecimal digits per number that look like a hash of an identity document; null where negative."""
    words = np.stack([_mixed(numbers, salt), _mixed(numbers, salt + 1)], axis=1)
    octets = words.view(np.uint8).reshape(numbers.size, 16)
    letters = np.empty((numbers.size, 32), dtype=np.uint8)
    letters[:, 0::2] = _HEX[octets >> 4]
    letters[:, 1::2] = _HEX[octets & 15]
    return _fixed_width(letters, numbers >= 0)


def _mixed(numbers: Ints, salt: int) -> npt.NDArray[np.uint64]:
    """SplitMix64: neighbours get unrelated values, equal numbers equal ones."""
    golden, first, second = _MIX
    with np.errstate(over="ignore"):
        state = numbers.astype(np.uint64) * np.uint64(2) + np.uint64(1) + golden * np.uint64(salt + 1)
        state = (state ^ (state >> np.uint64(30))) * first
        state = (state ^ (state >> np.uint64(27))) * second
        return state ^ (state >> np.uint64(31))


def _fixed_width(letters: npt.NDArray[np.uint8], valid: Flags) -> Any:
    rows, width = letters.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    buffers = [_validity(valid), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(letters))]
    return pa.Array.from_buffers(pa.string(), rows, buffers)


def _validity(valid: Flags) -> Any:
    return None if bool(valid.all()) else pa.py_buffer(np.packbits(valid, bitorder="little"))


def coded(codes: Ints, texts: Sequence[str]) -> Any:
    """The text of each code; null where the code is negative."""
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(list(texts), pa.string()))


def money(cents: Ints, valid: Flags | None = None) -> Any:
    """Amounts in whole cents as DECIMAL(18,2)."""
    halves = np.empty((cents.size, 2), dtype=np.int64)
    halves[:, 0] = cents
    halves[:, 1] = cents >> 63
    mask = None if valid is None else _validity(valid)
    return pa.Array.from_buffers(pa.decimal128(18, 2), cents.size, [mask, pa.py_buffer(halves)])


def dates(days: Ints, first: date, valid: Flags | None = None) -> Any:
    """Days counted from `first` as DATE."""
    since_epoch = (days + (first - EPOCH).days).astype(np.int32)
    return pa.array(since_epoch, pa.date32(), mask=None if valid is None else ~valid)


def timestamps(days: Ints, seconds: Ints, first: date) -> Any:
    """Days counted from `first` and seconds of the day as local timestamps."""
    total = ((days + (first - EPOCH).days) * SECONDS_PER_DAY + seconds) * MICROSECONDS_PER_SECOND
    return pa.array(total, pa.timestamp("us"))


def pick(rng: np.random.Generator, shares: npt.ArrayLike, rows: int) -> Ints:
    """Codes 0, 1, ... drawn with the given shares."""
    edges = np.cumsum(np.asarray(shares, dtype=np.float64))
    return np.searchsorted(edges / edges[-1], rng.random(rows), side="right").astype(np.int64)


def pick_by_group(rng: np.random.Generator, shares: Floats, groups: Ints) -> Ints:
    """Codes drawn with the shares of each row's group.

    Args:
        rng: Source of chance.
        shares: One row of shares per group, shape (groups, codes).
        groups: The group of each row.
    """
    edges = np.cumsum(shares, axis=1)
    edges = edges / edges[:, -1:]
    stairs = (edges + np.arange(edges.shape[0])[:, None]).ravel()
    found = np.searchsorted(stairs, groups + rng.random(groups.size), side="right")
    return np.minimum(found - groups * edges.shape[1], edges.shape[1] - 1).astype(np.int64)


def lognormal(rng: np.random.Generator, median: Floats, sigma: float | Floats) -> Floats:
    """Positive amounts around a median."""
    return median * np.exp(rng.standard_normal(median.size) * sigma)
