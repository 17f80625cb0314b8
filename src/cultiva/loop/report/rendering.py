"""Pages from the templates beside this module."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def render(template: str, **facts: Any) -> str:
    """The text of a page; in HTML everything but `Markup` is escaped, and a fact that is missing is an error.

    Args:
        template: Name of a file in `templates/`.
        facts: What it says.
    """
    return _environment().get_template(template).render(**facts)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("cultiva.loop.report"),
        autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
