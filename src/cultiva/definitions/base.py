"""What every definition has: a name, labels in two languages, an owner, and strict fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, WithJsonSchema


def _rule_text(value: object) -> object:
    """YAML reads `true` and `0.5` as a boolean and a number; as a rule they are meant as written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else value


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=63)]
"""A definition's name: lower case, digits and underscores, at most 63 characters."""
RuleText = Annotated[
    str,
    Field(min_length=1),
    BeforeValidator(_rule_text),
    WithJsonSchema({"type": ["string", "boolean", "number"], "minLength": 1}),
]
"""An expression of the rule language."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A share between 0 and 1."""


class Model(BaseModel):
    """Base of all definitions: frozen, and a field that is not known is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class Label(Model):
    """What people read, in both languages."""

    zh: str
    """中文."""
    en: str
    """English."""


def _form(value: object) -> str:
    return "Label" if isinstance(value, dict | Label) else "str"


Description = Annotated[Annotated[str, Tag("str")] | Annotated[Label, Tag("Label")], Discriminator(_form)]
"""A text that is the same for everybody, or one in each language: `{ zh: ..., en: ... }`."""


class Definition(Model):
    """A named thing of the workspace."""

    name: Name
    """Unique among its kind."""
    label: Label
    """What people read."""
    description: Description = ""
    """One or two sentences for the catalogue; in both languages as `zh` and `en`."""
    owner: str = ""
    """Who answers for it."""
