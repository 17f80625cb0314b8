from __future__ import annotations

import io

from rich.console import Console

from cultiva.kit.progress import Shown, StepProgress, StepShown
from cultiva.kit.words import Words

STEPS = [
    StepShown("identity", Words(zh="客户拉通", en="unify customers"), 1, 3),
    StepShown("profile", Words(zh="画像", en="profile"), 2, 3),
    StepShown("lists", Words(zh="名单", en="lists"), 3, 3),
]


def tell(progress: StepProgress) -> None:
    progress.kept(STEPS[0])
    progress.started(STEPS[1])
    progress.advanced(STEPS[1], 0.5, "branch [3]")
    progress.finished(STEPS[1], seconds=1234.56, rows=5369)
    progress.started(STEPS[2])
    progress.failed(STEPS[2], seconds=0.5)


def test_in_a_pipe_there_is_a_plain_line_for_every_step_that_is_done() -> None:
    stream = io.StringIO()
    with Shown("en", Console(file=stream, width=200)) as progress:
        tell(progress)
    assert stream.getvalue().splitlines() == [
        "=  1/3 unify customers                 finished before",
        "+  2/3 profile                         1,234.6 s  5,369 rows",
        "!  3/3 lists                           0.5 s  failed",
    ]


def test_labels_are_in_the_language_asked_for_and_aligned() -> None:
    stream = io.StringIO()
    with Shown("zh", Console(file=stream, width=200)) as progress:
        tell(progress)
    assert stream.getvalue().splitlines()[:2] == [
        "=  1/3 客户拉通                        上次已完成",
        "+  2/3 画像                            1,234.6 s  5,369 行",
    ]


def test_on_a_terminal_a_bar_shows_the_step_at_work_and_is_cleared_up() -> None:
    stream = io.StringIO()
    with Shown("en", Console(file=stream, width=100, force_terminal=True, color_system=None)) as progress:
        progress.started(STEPS[1])
        progress.advanced(STEPS[1], 0.5, "branch [3]")
        progress._bars.refresh()  # type: ignore[union-attr]
        at_work = stream.getvalue()
        progress.finished(STEPS[1], seconds=2.0, rows=None)
    assert "2/3 profile" in at_work
    assert "branch [3]" in at_work
    assert "0:00:0" in at_work
    after = stream.getvalue().removeprefix(at_work)
    assert "+  2/3 profile                         2.0 s" in after
    assert "profile" not in after.rpartition("2.0 s")[2]
    assert "\x1b[?25h" in after  # the cursor is shown again
