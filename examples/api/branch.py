"""What a key that sees one branch gets, beside one that sees the bank: python branch.py ADDRESS BANK_KEY BRANCH_KEY."""

from __future__ import annotations

import sys
from collections.abc import Callable

from cultiva.client import ApiProblem, Client


def answer(ask: Callable[[], object]) -> str:
    """What comes of asking, or why nothing does."""
    try:
        return str(ask())
    except ApiProblem as problem:
        return f"{problem.status} {problem.code}"


def main(address: str, bank_key: str, branch_key: str) -> None:
    """Asks the same of both."""
    with Client(address, bank_key) as bank, Client(address, branch_key) as branch:
        mine = set(branch.members("borrowers"))
        elsewhere = min(set(bank.members("borrowers")) - mine)
        for name, who in (("bank", bank), ("branch", branch)):
            counted = who.count("aum >= 50000 and stage = 'mature'")
            print(f"{name}: {counted.count} of {counted.customers}, {who.segment('borrowers').customers} borrowers")
            print("  a customer of another branch:", answer(lambda who=who: who.customer(elsewhere).stage))
            print("  a customer of nobody:", answer(lambda who=who: who.customer(9_999_999).stage))


if __name__ == "__main__":
    main(*sys.argv[1:])
