"""`[console]`: what is said there, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError
from tests.definitions.conftest import Check

from cultiva.definitions.console import ConsoleSettings, OidcSettings, RoleName
from cultiva.kit.errors import CultivaError

OIDC = {"issuer": "https://id.bank.example", "client_id": "console"}


def test_the_roles_named_are_those_that_there_are() -> None:
    from cultiva.execution.access.roles import Role

    assert get_args(RoleName) == tuple(role.value for role in Role)


def test_nothing_said_is_safe() -> None:
    plain = ConsoleSettings()
    assert plain.cookie_secure and plain.oidc is None
    assert (plain.idle_minutes, plain.session_hours, plain.sure_minutes) == (30, 12, 10)
    assert set(plain.require_second_factor_for) == {"operator", "approver", "administrator"}


def test_they_make_the_rules_of_the_doors() -> None:
    from cultiva.execution.access.entering.reading import rules_of
    from cultiva.execution.access.entering.roll import DoorRules

    assert rules_of(ConsoleSettings(), Path()) == DoorRules()
    said = ConsoleSettings(
        failures_of_login_max=3, failures_of_address_max=1000, idle_minutes=7, second_factor_key="${env:KEY}"
    )
    rules = rules_of(said, Path(), {"KEY": "swordfish"})
    assert (rules.login_lock.failures_max, rules.address_lock.failures_max) == (3, 1000)
    assert rules.limits.idle.total_seconds() == 420
    assert rules.seal.key == "swordfish"
    with pytest.raises(CultivaError) as caught:
        rules_of(said, Path(), {})
    assert caught.value.code == "channels.no_secret"


def test_the_command_line_sets_them(check: Check) -> None:
    workspace = check(
        overrides={
            "console.cookie_secure": "false",
            "console.require_second_factor_for": "",
            "console.idle_minutes": "5",
        }
    ).workspace
    assert workspace is not None
    console = workspace.settings.console
    assert (console.cookie_secure, console.require_second_factor_for, console.idle_minutes) == (False, (), 5)
    several = ConsoleSettings.model_validate({"require_second_factor_for": "auditor, analyst"})
    assert several.require_second_factor_for == ("auditor", "analyst")


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"issuer": "http://id.bank.example"}, "issuer"),
        ({"issuer": "id.bank.example"}, "issuer"),
        ({"redirect_url": "http://console.bank.example/login/oidc/callback"}, "redirect_url"),
        ({"client_secret": "swordfish"}, "client_secret"),
        ({"roles": {"x": ["adviser"]}}, "role_claim"),
        ({"role_claim": "groups", "roles": {"x": ["king"]}}, "roles"),
        ({"scopes": ["profile"]}, "openid"),
    ],
)
def test_a_login_that_is_not_safe_is_refused(said: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError) as caught:
        OidcSettings.model_validate({**OIDC, **said})
    assert named in str(caught.value)


def test_settings_under_which_nobody_could_enter_or_a_key_would_lie_open_are_refused() -> None:
    for said in (
        {"local_accounts": False},
        {"second_factor_key": "swordfish"},
        {"idle_minutes": 0},
        {"session_hours": 25},
    ):
        with pytest.raises(ValidationError):
            ConsoleSettings.model_validate(said)
    assert ConsoleSettings.model_validate({"local_accounts": False, "oidc": OIDC}).oidc is not None
