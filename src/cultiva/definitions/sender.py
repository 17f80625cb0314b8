"""Who speaks: what every message says of the bank itself, and where its links lead."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, model_validator

from cultiva.definitions.base import Label, Model

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]+)?(/[A-Za-z0-9._~-]+)*")
BANK_FACTS = ("name", "phone", "address", "opt_out")
"""What templates may say of the bank, as `bank.<fact>`."""


class Sender(Model):
    """`sender.yaml`: the bank as it signs its messages."""

    name: Label = Label(zh="本行", en="Your bank")
    """Signs messages: `bank.name`."""
    phone: str = ""
    """Number that customers call: `bank.phone`."""
    address: Label = Label(zh="", en="")
    """Postal address, which many laws want in a commercial e-mail: `bank.address`."""
    opt_out: Label = Label(zh="拒收请回复R", en="Reply R to opt out")
    """How to refuse further text messages: `bank.opt_out`; every marketing text message must say it."""
    links: str = "https://links.invalid"
    """Where click and unsubscribe links lead: the public address of this API, without a slash at the end."""
    sms_parts_max: int = Field(default=2, ge=1, le=10)
    """Parts of a text message above which `cultiva check` warns; one longer than 10 is never sent."""

    @model_validator(mode="after")
    def _links_are_an_address(self) -> Self:
        if not _ADDRESS.fullmatch(self.links):
            raise ValueError("links must be an address such as https://go.bank.example, without a slash at the end")
        return self

    def facts(self, language: str) -> dict[str, str]:
        """What templates may say of the bank in one language."""
        said = {"name": self.name, "address": self.address, "opt_out": self.opt_out}
        found = {fact: (label.zh or label.en) if language == "zh" else (label.en or label.zh)
                 for fact, label in said.items()}  # fmt: skip
        return {name: text for name, text in {**found, "phone": self.phone}.items() if text}
