"""Review: what strategies brought beyond what would have come anyway, compared, ahead; and what is scarce."""

from __future__ import annotations

from cultiva.console.areas.review import ahead, compare, flown, overview, resources, single

ROUTES = (overview.routes, compare.routes, ahead.routes, flown.routes, resources.routes, single.routes)
"""Routers; that of single strategies last, since its address takes any name."""
