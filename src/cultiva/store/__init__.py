"""What must be right row by row: registry, runs and steps, snapshot pointers, identity."""

from cultiva.store.database import Write
from cultiva.store.records import (
    DefinitionRecord,
    IdentityChange,
    IdentityChangeKind,
    Lease,
    Run,
    RunRequest,
    RunState,
    StepRecord,
    StepState,
    WorkspaceVersion,
)
from cultiva.store.repositories.runs import StepResult, lease_name
from cultiva.store.service import Store, open_store

__all__ = [
    "DefinitionRecord",
    "IdentityChange",
    "IdentityChangeKind",
    "Lease",
    "Run",
    "RunRequest",
    "RunState",
    "StepRecord",
    "StepResult",
    "StepState",
    "Store",
    "WorkspaceVersion",
    "Write",
    "lease_name",
    "open_store",
]
