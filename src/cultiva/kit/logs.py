"""Logs: one line per event on the error stream, for people or as JSON, with personal values masked."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from cultiva.kit.clock import Clock, utc_now
from cultiva.kit.masking import mask_value

_Event = MutableMapping[str, Any]


def set_up_logs(
    *, level: str = "WARNING", as_json: bool = False, stream: TextIO | None = None, clock: Clock = utc_now
) -> None:
    """Says once, at the edge, how this process logs.

    Args:
        level: The lowest level written: DEBUG, INFO, WARNING, ERROR.
        as_json: One JSON object per line, for machines.
        stream: Where to; None: the error stream.
        clock: Tells the instant of an entry.
    """
    target = stream or sys.stderr

    def stamp(_logger: object, _method: str, entry: _Event) -> _Event:
        entry["at"] = clock().isoformat(timespec="milliseconds")
        return entry

    shown: Any = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    if not as_json:
        shown = structlog.dev.ConsoleRenderer(colors=target.isatty(), timestamp_key="at")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamp,
            structlog.processors.format_exc_info,
            mask_entry,
            shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(target),  # a line is one write: processes share a stream
        cache_logger_on_first_use=False,
    )


def mask_entry(_logger: object, _method: str, entry: _Event) -> _Event:
    """Masks every value of a log entry, however deep it lies."""
    return {key: _masked(key, value) for key, value in entry.items()}


def _masked(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _masked(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(key, inner) for inner in value]
    return mask_value(key, value)
