"""Lines, boxes, dots and words of SVG, for pictures with an axis."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cultiva.loop.report.pictures import EM, FONT, INK


def line(start: tuple[float, float], end: tuple[float, float], color: str, *, width: float = 1.0) -> str:
    """A straight line between two points (x, y)."""
    (x1, y1), (x2, y2) = start, end
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{color}" stroke-width="{width:g}" stroke-linecap="round"/>'


def box(place: tuple[float, float], size: tuple[float, float], color: str) -> str:
    """A filled rectangle from its upper left corner, with (width, height)."""
    (x, y), (wide, high) = place, size
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(wide, 0):.1f}" height="{max(high, 0):.1f}" fill="{color}"/>'


def dot(place: tuple[float, float], color: str, *, radius: float = 4.5) -> str:
    """A filled circle."""
    return f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius:g}" fill="{color}"/>'


def area(points: Sequence[tuple[float, float]], color: str) -> str:
    """A filled area."""
    return f'<polygon points="{_points(points)}" fill="{color}"/>'


def path(points: Sequence[tuple[float, float]], color: str, *, width: float = 2.5) -> str:
    """A line through points."""
    return f'<polyline points="{_points(points)}" fill="none" stroke="{color}" stroke-width="{width:g}"/>'


def words(place: tuple[float, float], text: str, *, anchor: str = "start", color: str = INK) -> str:
    """A text from its base line; anchor: start, middle or end."""
    return f'<text x="{place[0]:.1f}" y="{place[1]:.1f}" text-anchor="{anchor}" fill="{color}">{escape(text)}</text>'


def svg(wide: float, high: float, shapes: Sequence[str]) -> str:
    """A picture of shapes; sizes in pixels."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" width="{wide:.0f}" '
        f'role="img" font-family="{FONT}" font-size="{EM}">'
    )
    return "\n".join([head, *shapes, "</svg>"])


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
