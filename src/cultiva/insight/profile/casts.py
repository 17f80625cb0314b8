"""Text from outside in a declared type: the same answer on every engine, and null where it does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cultiva.contracts.types import INTEGER_MAX, DataType
from cultiva.engine.types import STORED

if TYPE_CHECKING:
    import ibis

_NUMBER = r"^-?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?$"
_INTEGER = r"^-?[0-9]{1,16}$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,6})?$"
_OBJECT = r"^[\[{]"
NUMBER_MAX = 1.7976931348623157e308
"""The largest finite double."""


def typed_text(text: ibis.Value, kind: DataType) -> ibis.Value:
    """Reads a text as a value of the type; null where it is not one.

    Numbers are written with digits, dates as YYYY-MM-DD, timestamps with T or a blank, booleans as true and false.
    """
    import ibis

    if kind is DataType.BOOLEAN:
        return ibis.cases((text == "true", True), (text == "false", False), else_=ibis.null("boolean"))
    if kind.numeric:
        return _number(text, kind)
    if kind in (DataType.DATE, DataType.TIMESTAMP):
        pattern = _DATE if kind is DataType.DATE else _TIMESTAMP
        fitting = ibis.ifelse(text.re_search(pattern), text.replace("T", " "), ibis.null("string"))
        return fitting.try_cast(STORED[kind].ibis)
    return ibis.ifelse(text.re_search(_OBJECT), ibis.null("string"), text)


def _number(text: ibis.Value, kind: DataType) -> ibis.Value:
    import ibis

    pattern = _INTEGER if kind is DataType.INTEGER else _NUMBER
    number = ibis.ifelse(text.re_search(pattern), text, ibis.null("string")).try_cast("float64")
    most = float(INTEGER_MAX) if kind is DataType.INTEGER else NUMBER_MAX
    bounded = ibis.ifelse(number.abs() <= most, number, ibis.null("float64"))
    return bounded.cast("int64") if kind is DataType.INTEGER else bounded
