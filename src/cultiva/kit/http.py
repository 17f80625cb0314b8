"""What the kinds of errors are in HTTP; for all that is served."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from cultiva.kit.errors import ErrorKind

STATUS: Mapping[ErrorKind, HTTPStatus] = {
    ErrorKind.NOT_FOUND: HTTPStatus.NOT_FOUND,
    ErrorKind.CONFLICT: HTTPStatus.CONFLICT,
    ErrorKind.FORBIDDEN: HTTPStatus.FORBIDDEN,
    ErrorKind.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    ErrorKind.UNAVAILABLE: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""An error's kind -> status."""
