"""Customers: found by id or telephone number, and one customer in whole."""

from __future__ import annotations

from fastapi import APIRouter

from cultiva.console.areas.customers import person, search, words

routes = APIRouter()
for area in (search, person, words):
    routes.include_router(area.routes)
