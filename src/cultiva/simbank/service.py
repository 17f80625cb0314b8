"""The only door to the simulated bank: found it, open it, let it live; or write a sample of any size."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from cultiva.simbank.sample import SampleCounts, write_sample

if TYPE_CHECKING:
    from cultiva.simbank.bank import LivingBank, found_bank, nothing_asked, open_bank

__all__ = ["LivingBank", "SampleCounts", "found_bank", "nothing_asked", "open_bank", "write_sample"]


def __getattr__(name: str) -> object:
    """The bank that lives is imported when it is first asked for: it loads numba, for which a sample need not wait."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module("cultiva.simbank.bank"), name)
