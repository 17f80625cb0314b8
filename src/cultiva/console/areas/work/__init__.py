"""Workbench: whom to speak to now and why, what came of it, the week, one's own results, the branch."""

from __future__ import annotations

from cultiva.console.areas.work import acts, branch, listing, results, week

ROUTES = (listing.routes, acts.routes, week.routes, results.routes, branch.routes)
"""Routers of the workbench."""
