"""Pages and parts of pages: templates, filled for one visitor in their language."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache, lru_cache, partial
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
)
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from cultiva.console.charts import as_attribute
from cultiva.console.faults import told_fault
from cultiva.console.files import address
from cultiva.console.guard import desk_of
from cultiva.console.navigation import places
from cultiva.console.visitor import Visitor
from cultiva.console.words import translations
from cultiva.definitions.sender import Sender
from cultiva.definitions.workspace import Workspace
from cultiva.kit.words import say

LOCALES: Mapping[str, Locale] = {"zh": Locale.parse("zh_CN"), "en": Locale.parse("en_GB")}
"""Language -> how numbers and days are written."""
FORMATTED_KEPT = 8_192
"""Amounts that a process knows as text: lists show the same ones again and again."""
Number = int | float | Decimal


def page(request: Request, who: Visitor, template: str, /, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """A whole page.

    Args:
        request: That it answers.
        who: For whom.
        template: Its file, e.g. `cockpit/index.html`.
        status: Of HTTP.
        **facts: What the template says.
    """
    desk = desk_of(request)
    shell = {
        "who": who,
        "path": request.url.path,
        "places": places(who.rights, request.url.path),
        "bank": bank_name(desk.parts.workspace, who.language),
        "business_date": _day_or_none(request),
    }
    return HTMLResponse(render(request, who.language, template, **shell, **facts), status)


def bank_name(workspace: Workspace, language: str) -> str:
    """The bank as it signs its messages; the workspace's name where it does not say how."""
    return workspace.settings.name if workspace.sender == Sender() else say(workspace.sender.name, language)


def fragment(request: Request, who: Visitor, template: str, /, *, status: int = 200, **facts: Any) -> HTMLResponse:
    """A part of a page, for HTMX to put in its place."""
    return HTMLResponse(render(request, who.language, template, who=who, **facts), status)


def render(request: Request, language: str, template: str, /, **facts: Any) -> str:
    """A filled template."""
    desk = desk_of(request)
    environment = _environment(language, desk.parts.workspace.settings.currency)
    return environment.get_template(template).render(language=language, person=desk.person, **facts)


def compile_all(currency: str, languages: Iterable[str] = tuple(LOCALES)) -> int:
    """Compiles every template, so that nobody waits for it at the first look; gives how many.

    Constants are written out when a template is compiled, in the language of its reader: each has its own code.

    Args:
        currency: Of the bank.
        languages: Of those who will look.
    """
    found = 0
    for language in languages:
        environment = _environment(language, currency)
        for name in environment.list_templates(extensions=["html"]):
            environment.get_template(name)
            found += 1
    return found


def back(address: str) -> RedirectResponse:
    """To a page after a form was done; a reload does not send the form again."""
    return RedirectResponse(address, 303)


def is_part(request: Request) -> bool:
    """Whether HTMX asks, which wants a part and not the page."""
    return "hx-request" in request.headers


@cache
def _environment(language: str, currency: str) -> Environment:
    made = Environment(
        loader=PackageLoader("cultiva.console"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals["static"] = address
    made.filters.update(formats(language, currency))
    made.filters["attribute"] = as_attribute
    made.filters["told"] = partial(told_fault, language)
    made.filters["word"] = translations(language).gettext
    return made


def formats(language: str, currency: str) -> dict[str, Callable[..., str]]:
    """How values are written in a language; nothing for null.

    Examples:
        >>> told = formats("en", "CNY")
        >>> told["number"](1234567), told["money"](12.5), told["percent"](0.125), told["number"](None)
        ('1,234,567', 'CN¥12.50', '12.5%', '–')
    """
    locale = LOCALES[language]

    def written(inner: Callable[[Any], str]) -> Callable[[Any], str]:
        return lambda value: "–" if value is None or _is_nan(value) else inner(value)

    whole = partial(format_currency, currency=currency, format="¤#,##0;-¤#,##0", locale=locale, currency_digits=False)
    return {
        "number": written(lambda value: format_decimal(value, format="#,##0.###", locale=locale)),
        "decimal": written(lambda value: format_decimal(value, format="#,##0.00", locale=locale)),
        "signed": written(partial(_signed, locale=locale)),
        "compact": written(lambda value: format_compact_decimal(_plain(value), locale=locale, fraction_digits=1)),
        "percent": written(lambda value: format_percent(value, format="#,##0.#%", locale=locale)),
        "money_compact": written(
            lambda value: format_compact_currency(_plain(value), currency, locale=locale, fraction_digits=1)
        ),
        "money": written(lambda value: format_currency(value, currency, locale=locale)),
        "money_whole": lru_cache(FORMATTED_KEPT, typed=True)(written(whole)),
        "money_signed": written(lambda value: f"{'+' if value > 0 else ''}{whole(value)}"),
        "day": written(lambda value: format_date(value, format="medium", locale=locale)),
        "moment": written(lambda value: _moment(value, locale)),
        "cell": written(lambda value: cell(value, locale)),
    }


def _plain(value: Any) -> Any:
    """Without the digits that nobody reads: Babel writes all of them where a number is too small to be compacted."""
    return round(value) if abs(value) >= 100 else round(value, 1)


def cell(value: Any, locale: Locale) -> str:
    """A cell of a sheet as people read it."""
    if isinstance(value, bool):
        return "✓" if value else "✗"
    if isinstance(value, int):
        return str(format_decimal(value, locale=locale))
    if isinstance(value, float | Decimal):
        return str(format_decimal(value, format="#,##0.##", locale=locale))
    if isinstance(value, datetime):
        return _moment(value, locale)
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _signed(value: Number, locale: Locale) -> str:
    form = "#,##0" if abs(float(value)) >= 1000 else "#,##0.##"
    return f"{'+' if value > 0 else ''}{format_decimal(value, form, locale=locale)}"


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _moment(value: datetime, locale: Locale) -> str:
    return format_datetime(value, format="yyyy-MM-dd HH:mm", locale=locale, tzinfo=value.tzinfo)


def _day_or_none(request: Request) -> date | None:
    desk = desk_of(request)
    snapshot = desk.parts.store.snapshots.latest("profile", None)
    return None if snapshot is None else snapshot.business_date
