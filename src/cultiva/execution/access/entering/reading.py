"""What `[console]` of cultiva.toml makes of the doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cultiva.definitions.console import ConsoleSettings, OidcSettings
from cultiva.execution.access.entering.factors import Seal
from cultiva.execution.access.entering.known import ClaimNames
from cultiva.execution.access.entering.roll import DoorRules
from cultiva.execution.access.entering.sessions import Limits
from cultiva.execution.access.roles import Role
from cultiva.execution.channels.secrets import revealed


def rules_of(settings: ConsoleSettings, root: Path, environment: Mapping[str, str] | None = None) -> DoorRules:
    """How people enter.

    Args:
        settings: Of the workspace.
        root: The workspace; paths of secrets start there.
        environment: Variables; None: those of the process.

    Raises:
        CultivaError: if a key is named that is not there.
    """
    limits = Limits(
        idle=timedelta(minutes=settings.idle_minutes),
        absolute=timedelta(hours=settings.session_hours),
        sure=timedelta(minutes=settings.sure_minutes),
    )
    key = revealed(settings.second_factor_key, root=root, environment=environment)
    second_for = frozenset(Role(name) for name in settings.require_second_factor_for)
    plain = DoorRules(limits=limits, second_for=second_for, seal=Seal(key))
    return replace(
        plain,
        login_lock=replace(plain.login_lock, failures_max=settings.failures_of_login_max),
        address_lock=replace(plain.address_lock, failures_max=settings.failures_of_address_max),
    )


def claims_of(settings: OidcSettings) -> ClaimNames:
    """Which claims of the provider say what."""
    return ClaimNames(
        login=settings.login_claim,
        name=settings.name_claim,
        roles=settings.role_claim,
        staff=settings.staff_claim,
        branches=settings.branches_claim,
        region=settings.region_claim,
        role_values={value: frozenset(Role(name) for name in names) for value, names in settings.roles.items()},
        second_trusted=settings.trust_second_factor,
    )
