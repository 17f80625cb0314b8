"""How far a list of steps has come: bars on a terminal, plain lines in a pipe, nothing where nobody looks."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from cultiva.kit.display import console
from cultiva.kit.words import Bilingual, Words, say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


@dataclass(frozen=True)
class StepShown:
    """A step as people see it."""

    name: str
    """Its name."""
    label: Bilingual
    """What people read."""
    position: int
    """Its place in the list, from 1."""
    count: int
    """How many steps the list has."""


class StepProgress(Protocol):
    """Is told how far the work has come. A context: what it draws is cleared up at its end."""

    def kept(self, step: StepShown) -> None:
        """An earlier attempt has finished the step."""

    def started(self, step: StepShown) -> None:
        """The step begins."""

    def advanced(self, step: StepShown, share: float, note: str) -> None:
        """Within the step, so much of it is done.

        Args:
            step: The step.
            share: From 0 to 1.
            note: What it is at; may be empty.
        """

    def finished(self, step: StepShown, *, seconds: float, rows: int | None) -> None:
        """The step is finished."""

    def failed(self, step: StepShown, *, seconds: float) -> None:
        """The step raised an error."""


class Unseen:
    """Progress that nobody looks at."""

    def kept(self, step: StepShown) -> None:
        """Says nothing."""

    def started(self, step: StepShown) -> None:
        """Says nothing."""

    def advanced(self, step: StepShown, share: float, note: str) -> None:
        """Says nothing."""

    def finished(self, step: StepShown, *, seconds: float, rows: int | None) -> None:
        """Says nothing."""

    def failed(self, step: StepShown, *, seconds: float) -> None:
        """Says nothing."""


class Shown:
    """Progress on the error stream: a bar for the step at work, and a line for each one that is done.

    Args:
        language: zh or en.
        page: Where to; None: the error stream.
    """

    def __init__(self, language: str, page: Console | None = None) -> None:
        self._language = language
        self._page = page or console(error=True)
        self._bars = _bars(self._page) if self._page.is_terminal else None
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def kept(self, step: StepShown) -> None:
        """Says that the step was finished before."""
        self._line(step, "=", say(_KEPT, self._language), style="dim")

    def started(self, step: StepShown) -> None:
        """Begins a bar."""
        if self._bars:
            from rich.markup import escape

            self._bar = self._bars.add_task(escape(self._title(step)), total=None, note="")

    def advanced(self, step: StepShown, share: float, note: str) -> None:
        """Moves the bar."""
        if self._bars and self._bar is not None:
            from rich.markup import escape

            self._bars.update(self._bar, total=1.0, completed=share, note=escape(note))

    def finished(self, step: StepShown, *, seconds: float, rows: int | None) -> None:
        """Says how long it took."""
        counted = f"  {rows:,} {say(_ROWS, self._language)}" if rows is not None else ""
        self._end()
        self._line(step, "+", f"{seconds:,.1f} s{counted}", style="green")

    def failed(self, step: StepShown, *, seconds: float) -> None:
        """Says that it failed."""
        self._end()
        self._line(step, "!", f"{seconds:,.1f} s  {say(_FAILED, self._language)}", style="bold red")

    def _title(self, step: StepShown) -> str:
        return f"{step.position:>2}/{step.count} {say(step.label, self._language)}"

    def _end(self) -> None:
        if self._bars and self._bar is not None:
            self._bars.remove_task(self._bar)
            self._bars.refresh()
            self._bar = None

    def _line(self, step: StepShown, sign: str, said: str, *, style: str) -> None:
        from rich.text import Text

        title = Text(self._title(step))
        title.pad_right(max(0, _TITLE_WIDTH - title.cell_len))
        self._page.print(Text.assemble((sign, style), " ", title, " ", said))


_TITLE_WIDTH = 36
_KEPT = Words(zh="上次已完成", en="finished before")
_FAILED = Words(zh="失败", en="failed")
_ROWS = Words(zh="行", en="rows")


def _bars(page: Console) -> Progress:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
        console=page,
        transient=True,
    )
