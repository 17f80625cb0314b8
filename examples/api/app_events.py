"""What a bank's app tells as it happens: python app_events.py ADDRESS KEY."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

import httpx

from cultiva.client import Client

CUSTOMER = "A00000017"
"""As the app calls the customer."""


def wait_for(address: str) -> None:
    """Waits until store and lake answer."""
    for _ in range(300):
        try:
            if httpx.get(f"{address}/ready").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)


def message(number: int, **more: Any) -> dict[str, Any]:
    """A message that happened just now."""
    now = datetime.now(UTC).isoformat()
    return {"type": "track", "messageId": f"app-{number}", "timestamp": now, "sentAt": now, **more}


def main(address: str, key: str) -> None:
    """Tells what happened."""
    wait_for(address)
    loan = {"product": "personal_loan", "amount": 50000, "customer_name": "not declared, not kept"}
    messages = [
        message(1, event="loan_started", userId=CUSTOMER, properties=loan),
        message(2, event="Loan Started", userId=CUSTOMER, properties=loan),
        message(3, type="page", name="Loans", anonymousId="browser-7"),
        message(4, event="loan_started", userId="A99999999", properties=loan),
        message(5, event="loan_startet", userId=CUSTOMER),
        message(6, event="loan_started", userId=CUSTOMER, properties={"amount": "much"}),
    ]
    with Client(address, key) as bank:
        for what in (bank.events.send(messages), bank.events.send(messages)):
            print(f"{what.new} new, {what.repeated} repeated, {what.waiting} wait, {what.quarantined} set aside")
        said = message(7, type="identify", anonymousId="browser-7", userId=CUSTOMER, traits={"email": "not kept"})
        print(f"{bank.events.send_one(said).linked} visitor is known now: {bank.events.counts().waiting}")


if __name__ == "__main__":
    main(*sys.argv[1:])
