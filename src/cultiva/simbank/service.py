"""The only door to the simulated bank: found it, open it, let it live; or write a sample of any size."""

from __future__ import annotations

from cultiva.simbank.bank import LivingBank, found_bank, nothing_asked, open_bank
from cultiva.simbank.sample import SampleCounts, write_sample

__all__ = ["LivingBank", "SampleCounts", "found_bank", "nothing_asked", "open_bank", "write_sample"]
