"""What the profile of the next day would read if nothing came in until then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from cultiva.engine.port import Lookup
from cultiva.insight.profile.inputs import ProfileInputs, ViewRows
from cultiva.insight.views.holding import Worth, write_holdings
from cultiva.insight.views.ownership import write_account_owners
from cultiva.loop.inputs import accounts_of, profile_inputs
from cultiva.loop.parts import Parts

NEXT = timedelta(days=1)


def projected_inputs(parts: Parts, on: date, folder: Path) -> ProfileInputs:
    """The inputs of a business date's profile with everything that hangs on the date brought to the next day.

    Args:
        parts: Of the workspace.
        on: A business date whose profile is published.
        folder: New folders are written into it.
    """
    lake, target = parts.lake, on + NEXT
    inputs, accounts = profile_inputs(parts, on), accounts_of(lake, on)
    views = dict(inputs.views)
    if "transaction" in views:
        owners = folder / "owners"
        write_account_owners(parts.engine, accounts, owners, business_date=target)
        views["transaction"] = replace(views["transaction"], through=Lookup([owners], ("account_id",)))
    if "holding" in views:
        holdings = folder / "holdings"
        worth = Worth(lake.files_history("balance", on), lake.files_history("transaction", on))
        write_holdings(parts.engine, accounts, worth, holdings, business_date=target)
        views["holding"] = ViewRows([holdings])
    return replace(inputs, views=views, previous=lake.files_current("profile", on))
