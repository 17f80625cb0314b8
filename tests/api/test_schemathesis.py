"""Whatever may be asked: requests drawn from the OpenAPI document, right ones and wrong ones, on every path."""

from __future__ import annotations
