"""What a bank's CRM asks and tells: python crm.py ADDRESS KEY."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import httpx

from cultiva.client import ApiProblem, Client
from cultiva.client.shapes import OutcomeReport


def wait_for(address: str) -> None:
    """Waits until store and lake answer."""
    for _ in range(300):
        try:
            if httpx.get(f"{address}/ready").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)


def main(address: str, key: str) -> None:
    """Asks and tells."""
    wait_for(address)
    with Client(address, key) as bank:
        someone = bank.customer(51)
        print(someone.facts["name"], someone.facts["phone"], someone.stage, someone.value_tier)
        for one in bank.decisions(51).decisions:
            print(f"  {one.strategy}: {one.sentence}")
        counted = bank.count("aum >= 50000 and stage = 'mature'")
        print(f"{counted.count} of {counted.customers} customers")
        print(len(list(bank.members("borrowers"))), "borrowers")
        report = OutcomeReport(outcome_id="crm-1", customer="51", name="replied", at=datetime.now(UTC))
        print(bank.report(report, once="call-1").taken, bank.report(report, once="call-1").taken)
        print(bank.report(report).taken)
        said = bank.change_consent(51, "sms", granted=False, evidence="call 4711")
        print([(one.channel, one.granted) for one in said.consents if one.source == "since"])
        try:
            bank.segment("borrower")
        except ApiProblem as problem:
            print(problem)


if __name__ == "__main__":
    main(*sys.argv[1:])
