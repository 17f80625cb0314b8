"""From what pydantic says to faults with a line, the value seen, what was allowed, and the nearest name."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from cultiva.definitions.document import Document, Loc
from cultiva.kit.errors import Fault, did_you_mean

M = TypeVar("M", bound=BaseModel)
SEEN_LENGTH = 60
"""Most characters of a seen value that are shown."""
NAME_RULE = "lower case letters, digits and underscores, beginning with a letter, at most 63 characters"
"""What a definition's name may look like, in words."""


def validate(model: type[M], document: Document, loc: Loc = ()) -> tuple[M | None, list[Fault]]:
    """Reads one model from a place of a document.

    Args:
        model: What should be there.
        document: The file.
        loc: Where in the file.

    Returns:
        The model, None if it has faults; and the faults.
    """
    data = document.value(loc)
    if not isinstance(data, dict):
        allowed = f"fields: {', '.join(field_names(model))}"
        return None, [
            document.fault(loc, "type", "this must be a mapping of fields", seen=shown(data), allowed=allowed)
        ]
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        return None, list(_once(_fault(model, document, loc, detail) for detail in details))


def field_names(model: type[BaseModel]) -> list[str]:
    """The fields of a model as files spell them."""
    return [str(field.alias or name) for name, field in model.model_fields.items()]


def shown(value: object) -> str:
    """A value as a fault shows it: short, on one line; collections by their kind."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = " ".join(str(value).split())
    return text if len(text) <= SEEN_LENGTH else f"{text[:SEEN_LENGTH]}..."


def _once(faults: Iterable[Fault]) -> Iterator[Fault]:
    """One fault per place and kind: members of a union each complain about the same value."""
    seen: set[tuple[int, int, str]] = set()
    for fault in faults:
        key = (fault.line, fault.column, fault.message)
        if key not in seen:
            seen.add(key)
            yield fault


def _fault(model: type[BaseModel], document: Document, base: Loc, detail: ErrorDetails) -> Fault:
    kind, context = detail["type"], detail.get("ctx", {})
    loc = (*base, *_within(document, base, detail["loc"]))
    seen = shown(detail["input"])
    if kind == "extra_forbidden":
        known = field_names(_model_at(model, detail["loc"][:-1]) or model)
        name = str(detail["loc"][-1])
        parts = {"seen": name, "allowed": ", ".join(known), "hint": did_you_mean(name, known) or "remove it"}
        return document.fault(loc, "unknown_field", f"unknown field '{name}'", on_key=True, **parts)
    if kind == "missing":
        name = str(detail["loc"][-1])
        return document.fault(loc, "missing_field", f"the field '{name}' is missing", on_key=True, hint=f"add {name}:")
    if kind == "value_error":
        return document.fault(loc, "value", str(context.get("error", detail["msg"])), on_key=True)
    if kind in ("enum", "literal_error"):
        known = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        hint = did_you_mean(seen, known)
        return document.fault(loc, "value", "not an allowed value", seen=seen, allowed=", ".join(known), hint=hint)
    return document.fault(loc, "value", *_words(kind, detail["msg"]), seen=seen, hint=_hint(kind, detail["input"]))


def _words(kind: str, message: str) -> tuple[str]:
    if kind == "string_pattern_mismatch" and "[a-z0-9_]*$" in message:
        return (f"not a name; a name has {NAME_RULE}",)
    return (message[:1].lower() + message[1:],)


def _hint(kind: str, value: object) -> str:
    return "write it in quotes" if kind == "string_type" and isinstance(value, int | float | bool) else ""


def _within(document: Document, base: Loc, loc: tuple[int | str, ...]) -> Loc:
    """The part of pydantic's location that is in the file: names of union members and `[key]` are not."""
    found: Loc = ()
    for index, part in enumerate(loc):
        last_missing = index == len(loc) - 1
        if (*base, *found, part) in document.spots or (last_missing and not isinstance(part, int)):
            found = (*found, part)
    return found


def _model_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that a location within `model` holds."""
    current: Any = model
    for part in loc:
        inner = _models_in(current)
        named = [found for found in inner if found.__name__ == part]
        fields = [_annotation(found, part) for found in inner]
        current = named[0] if named else next((field for field in fields if field is not None), current)
    return next(iter(_models_in(current)), None)


def _annotation(model: type[BaseModel], part: int | str) -> Any:
    return next((field.annotation for name, field in model.model_fields.items() if part in (name, field.alias)), None)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models within an annotation such as `tuple[Stage, ...]`, `Value | None` or `dict[str, ColumnMapping]`."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    if get_origin(annotation) in (Union, types.UnionType, tuple, list, dict, Annotated):
        return [model for argument in get_args(annotation) for model in _models_in(argument)]
    return []
