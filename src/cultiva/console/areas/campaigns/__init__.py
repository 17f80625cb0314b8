"""Launches as they go: the list, one with its play, what people do to it, its messages, emergency stops."""

from __future__ import annotations

from cultiva.console.areas.campaigns import doing, halts, letters, showing

ROUTES = (letters.routes, halts.routes, doing.routes, showing.routes)
"""In this order: what is named comes before the page of a launch."""
