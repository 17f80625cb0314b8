"""The strategy map, strategies one by one with their versions, and the editor of their definitions."""

from __future__ import annotations

from cultiva.console.areas.strategies import drawing, editing, single

ROUTES = (drawing.routes, editing.routes, single.routes)
"""In this order: a new strategy comes before the page of one."""
