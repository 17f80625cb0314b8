"""What all requests and answers have in common."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

Item = TypeVar("Item")


class Shape(BaseModel):
    """JSON that the API takes or gives; a member that it does not know is a fault."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Page(Shape, Generic[Item]):
    """Some of a list, and how to get the rest."""

    items: list[Item]
    """In the order that the path says."""
    next_cursor: str | None
    """Give it as `cursor` to get what comes after; null: this was the last page."""
