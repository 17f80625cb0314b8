"""How a command opens a workspace; what that takes is imported here, so that `--help` and `check` need not wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cultiva.cli.options import overrides

if TYPE_CHECKING:
    from cultiva.loop.parts import Parts


@contextmanager
def opened(workspace: Path, set_: Sequence[str] | None) -> Iterator[Parts]:
    """The parts of a workspace, opened for one command that logs as the command line does.

    Args:
        workspace: Its folder.
        set_: `--set` as given.

    Raises:
        CultivaError: if the workspace has faults, or a part cannot be opened.
    """
    from cultiva import bootstrap
    from cultiva.kit.logs import set_up_logs

    set_up_logs()
    with bootstrap.opened(workspace, overrides=overrides(set_)) as parts:
        yield parts
