"""Groups: the list, one group, the editor with its builder, drafts, micro-segmentations."""

from __future__ import annotations

from fastapi import APIRouter

from cultiva.console.areas.groups import drafts, editor, listing, one

routes = APIRouter()
for area in (listing, editor, drafts, one):  # `one` last: its addresses begin with a group's name
    routes.include_router(area.routes)
