"""The page of a flight: what it was worth week by week, and the readouts' claims beside the truth."""

from __future__ import annotations

from markupsafe import Markup

from cultiva.kit.sheet import Sheet
from cultiva.kit.words import Words, say
from cultiva.loop.report.rendering import render
from cultiva.loop.simulation.drawing import lines_picture, truth_picture
from cultiva.loop.simulation.scoring import Comparison, WeekTruth

TEXTS: dict[str, Words] = {
    "title": Words("飞行模拟", "Flight"),
    "weeks": Words("逐周累计：真实增量、成本与净增量（元）", "Week by week: true incremental money, cost, net"),
    "weeks_note": Words(
        "与同一批客户无人触达的孪生银行相比。", "against the twin bank: the same customers, touched by nobody."
    ),
    "truth": Words("回检与真值：每位客户，元", "Readouts beside the truth, per customer"),
    "truth_note": Words(
        "线：回检区间；圆点：估计值；菱形：真值，只有模拟银行知道。",
        "line: the readout's interval; dot: its estimate; diamond: the truth, which only a simulated bank knows.",
    ),
}
"""What the page says."""


def flight_page(
    name: str, headline: str, weeks: tuple[WeekTruth, ...], rows: tuple[Comparison, ...], sheet: Sheet, *, language: str
) -> str:
    """The page as HTML, with its pictures inside.

    Args:
        name: Of the flight.
        headline: What came out, in one sentence.
        weeks: What every week was truly worth.
        rows: Claims beside the truth.
        sheet: The same as a table.
        language: zh or en.
    """
    drawn = {"weeks": lines_picture(weeks, language), "truth": truth_picture(rows, language)}
    return render(
        "flight.html.j2",
        language=language,
        t={key: say(text, language) for key, text in TEXTS.items()},
        name=name,
        headline=headline,
        sheet=sheet,
        headings=[sheet.headings.get(column, column) for column in sheet.columns],
        cells=sheet.cells(),
        numeric=sheet.numeric(),
        pictures={key: Markup(picture) for key, picture in drawn.items()},  # noqa: S704 our own SVG
    )
