"""The strategy map, strategies one by one with their versions, and the editor of their definitions."""

from __future__ import annotations

from cultiva.console.areas.strategies import drawing, single

ROUTES = (drawing.routes, single.routes)
