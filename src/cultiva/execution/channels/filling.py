"""Templates of a provider's settings filled with a message, and values found in a provider's answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from cultiva.contracts.delivery import Message

_PLACE = re.compile(r"\{(key|address|cursor|content\.\w+|extra\.\w+)\}")


def filled(template: Any, message: Message) -> Any:
    """A JSON-like template with `{key}`, `{address}`, `{content.NAME}`, `{extra.NAME}` filled in; missing: empty.

    What is filled in is not looked at again, so that a customer's text cannot ask for more.

    Examples:
        >>> filled({"to": "{address}", "n": 1}, Message("k", "138", {"text": "{key}"}))
        {'to': '138', 'n': 1}
        >>> filled("{content.text}", Message("k", "138", {"text": "{key}"}))
        '{key}'
    """
    if isinstance(template, str):
        return _PLACE.sub(lambda found: _value(found[1], message), template)
    if isinstance(template, Mapping):
        return {name: filled(value, message) for name, value in template.items()}
    if isinstance(template, list | tuple):
        return [filled(value, message) for value in template]
    return template


def filled_url(url: str, **values: str) -> str:
    """A URL with `{key}`, `{address}` or `{cursor}` filled in, quoted.

    Examples:
        >>> filled_url("https://h/m/{key}", key="a/b")
        'https://h/m/a%2Fb'
    """
    return _PLACE.sub(lambda found: quote(values.get(found[1], ""), safe=""), url)


def mapped(template: Any, change: Callable[[str], str]) -> Any:
    """A JSON-like template with every text in it changed, e.g. secrets revealed."""
    if isinstance(template, str):
        return change(template)
    if isinstance(template, Mapping):
        return {name: mapped(value, change) for name, value in template.items()}
    if isinstance(template, list | tuple):
        return [mapped(value, change) for value in template]
    return template


def at_path(data: Any, path: str) -> Any:
    """The value at a dotted path of JSON; None where there is none.

    Examples:
        >>> at_path({"data": [{"id": 7}]}, "data.0.id"), at_path({}, "a.b")
        (7, None)
    """
    for part in path.split(".") if path else ():
        if isinstance(data, Mapping):
            data = data.get(part)
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data


def text_at(data: Any, path: str) -> str:
    """The value at a path as text; empty where there is none."""
    value = at_path(data, path) if path else None
    return "" if value is None else str(value)


def _value(name: str, message: Message) -> str:
    where, _, inner = name.partition(".")
    if where == "content":
        return message.content.get(inner, "")
    if where == "extra":
        return message.extra.get(inner, "")
    return {"key": message.key, "address": message.address}.get(name, "")
