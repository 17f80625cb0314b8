"""A built wheel carries the console's third-party files; an editable install gets them by `make setup`."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class AssetsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Brings the files before a wheel is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; `version` says whether the wheel is an editable one."""
        if version != "editable":
            runpy.run_path(str(Path(self.root) / "tools" / "assets.py"), run_name="__main__")
