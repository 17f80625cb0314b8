"""A check-up: every check in turn, whatever another one met; what cannot be looked at is a fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from cultiva.definitions.workspace import Workspace
from cultiva.kit.errors import CultivaError
from cultiva.kit.masking import mask_text
from cultiva.kit.words import Words
from cultiva.loop.doctor import machine, secrets, state
from cultiva.loop.doctor.findings import Case, Check, Finding, Standing

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "machine.versions": machine.versions,
        "machine.disk": machine.disk,
        "machine.timezone": machine.zone,
        "machine.rights": machine.rights,
        "store": state.store,
        "store.clock": state.clock,
        "audit": state.audit,
        "erasure": state.erasure,
        "stream": state.stream,
        "days": state.days,
        "secrets": secrets.secrets,
        "console": secrets.doors,
        "links": secrets.links,
        "providers": secrets.providers,
    }
)
"""Name -> check, in the order in which they are shown."""
_LOOK = Words(zh="查看报错并修复后重试", en="mend it and look again")


def check_up(
    workspace: Workspace, at: datetime, *, production: bool, environment: Mapping[str, str] | None = None
) -> Sequence[Finding]:
    """Looks at everything.

    Args:
        workspace: Its definitions have no faults.
        at: The present instant.
        production: Whether a bank's real customers are served from here: much that is a warning else is a fault then.
        environment: Variables; None: those of the process.
    """
    case = Case(workspace, at, production) if environment is None else Case(workspace, at, production, environment)
    return [one for name, check in CHECKS.items() for one in _found(name, check, case)]


def _found(name: str, check: Check, case: Case) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check(case))  # keeps what was found before an error
    except CultivaError as error:
        do = Words(zh=error.hint, en=error.hint) if error.hint else _LOOK
        found.append(Finding(name, Standing.FAULT, mask_text(f"{error.message}: {error.seen or ''}").rstrip(": "), do))
    except Exception as error:  # a check that falls over must not hide the others
        found.append(Finding(name, Standing.FAULT, type(error).__name__, _LOOK))
    return found
