"""A map is drawn once and lies ready; nothing that has changed since is answered from an old one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.api.banks import copy_of, opened
from tests.servers.banks import first_night
from tests.servers.once import Once

from cultiva.kit.errors import CultivaError
from cultiva.loop import map_kept
from cultiva.loop.map_kept import FILES_MAX, FOLDER, drawn_map, kept_map, leave_after_run, leave_maps
from cultiva.loop.mapping import map_of, tiers_of


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, once: Once) -> Path:
    root = tmp_path_factory.mktemp("maps") / "bank"
    first_night(once, root)
    return copy_of(root, tmp_path_factory.mktemp("maps") / "own")


def test_what_a_run_has_left_is_the_map_that_would_be_drawn(bank: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(bank) as parts:
        on = parts.newest_date()
        top = tiers_of(parts)[-1]
        fresh = map_of(parts, on), map_of(parts, on, tier=top)
        leave_after_run(parts, on)

        def never(*_: object, **__: object) -> None:
            raise AssertionError("drawn again")

        monkeypatch.setattr(map_kept, "draw_maps", never)
        assert (kept_map(parts, on), kept_map(parts, on, tier=top)) == fresh
        assert (drawn_map(parts, on), drawn_map(parts, on, tier=top)) == fresh
        leave_after_run(parts, on)
        with pytest.raises(CultivaError, match="no such value tier"):
            kept_map(parts, on, tier="nowhere")


def test_a_changed_definition_or_what_a_run_has_published_since_makes_another_map(bank: Path) -> None:
    with opened(bank) as parts:
        on = parts.newest_date()
        drawn_map(parts, on)
        (strategy, *_) = parts.workspace.strategies
        changed = replace(parts.workspace, hashes={**parts.workspace.hashes, ("strategy", strategy): "another"})
        assert kept_map(parts, on) is not None
        assert kept_map(replace(parts, workspace=changed), on) is None
        decided = parts.store.snapshots.current("decisions", on)
        assert decided is not None
        parts.store.snapshots.withdraw([decided])
        assert kept_map(parts, on) is None, "that of a run that has got further"
        parts.store.snapshots.publish([decided], step="plan", at=parts.clock())
        assert kept_map(parts, on) is not None


def test_a_file_that_cannot_be_read_is_drawn_anew_and_old_ones_go(bank: Path) -> None:
    with opened(bank) as parts:
        on = parts.newest_date()
        whole = leave_maps(parts, on)
        folder = parts.root / FOLDER
        (file,) = folder.glob("*.json")
        file.write_text('{"": {"on": "1994', encoding="utf-8")
        assert kept_map(parts, on) is None
        for number in range(FILES_MAX + 3):
            (folder / f"1990-01-01-{number}.json").write_text("{}", encoding="utf-8")
        assert drawn_map(parts, on) == whole[""]
        assert len(list(folder.iterdir())) == FILES_MAX and file.exists()
