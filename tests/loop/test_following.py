"""A definition that changes in its file is read again; one with faults, or settings, change nothing."""

from __future__ import annotations

from pathlib import Path

from structlog.testing import capture_logs
from tests.api.banks import opened
from tests.cli.commands import done

from cultiva.loop.following import Followed


def test_a_changed_definition_is_seen_and_a_faulty_one_is_not(tmp_path: Path) -> None:
    done("init", tmp_path / "bank", "--customers", 100)
    with opened(tmp_path / "bank") as parts:
        followed, told = Followed(parts, look_seconds=0.0), []
        file = next(path for path in sorted((parts.root / "segments").glob("*.yaml")) if "payroll" in path.read_text())
        text = file.read_text(encoding="utf-8")
        assert followed.now(lambda: told.append(1)) is parts
        file.write_text(
            text + "\n- name: followed\n  label: { zh: 新, en: new }\n  rule: age >= 30\n  purpose: needs\n"
        )
        found = followed.now(lambda: told.append(1)).workspace
        assert "followed" in found.segments and "followed" not in parts.workspace.segments
        assert found.settings is parts.workspace.settings and told == [1]
        file.write_text(text + "\n- name: broken\n  rule: age >=\n")
        with capture_logs() as said:
            assert followed.now(lambda: told.append(2)).workspace is found
            assert followed.now(lambda: told.append(2)).workspace is found
        assert [(one["event"], file.name in one["first"]) for one in said] == [("workspace.has_faults", True)]
        file.write_text(text)
        assert followed.now(lambda: told.append(3)).workspace.version == parts.workspace.version and told == [1, 3]
