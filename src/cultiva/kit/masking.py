"""Personal values made unreadable before they reach an error, a log or a screen that does not need them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

HIDDEN = "*"
"""What stands for a hidden character."""


def mask_phone(phone: str) -> str:
    """A telephone number with its first three and last two digits.

    Examples:
        >>> mask_phone("13812345678"), mask_phone("+86 138-1234-5678"), mask_phone("12345")
        ('138******78', '+86 1**-****-**78', '*****')
    """
    return _keep(phone, first=3, last=2)


def mask_email(email: str) -> str:
    """An e-mail address with the first character of its name, and its domain.

    Examples:
        >>> mask_email("wang.fang@example.com"), mask_email("no address")
        ('w********@example.com', '**********')
    """
    name, at, domain = email.rpartition("@")
    return f"{name[:1]}{HIDDEN * (len(name) - 1)}@{domain}" if at and name else HIDDEN * len(email)


def mask_name(name: str) -> str:
    """A person's name with its first character.

    Examples:
        >>> mask_name("王小芳"), mask_name("Jan Novák")
        ('王**', 'J********')
    """
    return name[:1] + HIDDEN * (len(name) - 1)


def mask_id(number: str) -> str:
    """The number of an identity document, a card or an account with its first two and last two characters.

    Examples:
        >>> mask_id("11010519491231002X"), mask_id("1234567")
        ('11**************2X', '*******')
    """
    return _keep(number, first=2, last=2)


def mask_whole(value: object) -> str:
    """Nothing of the value, not even its length.

    Examples:
        >>> mask_whole("Wenceslas Square 1")
        '***'
    """
    return HIDDEN * 3 if value else ""


MASKS: Mapping[str, Callable[[str], str]] = {
    "phone": mask_phone,
    "mobile": mask_phone,
    "email": mask_email,
    "customer_name": mask_name,
    "party_name": mask_name,
    "id_number": mask_id,
    "id_number_hash": mask_id,
    "card_number": mask_id,
    "account_number": mask_id,
    "counterparty_account": mask_id,
    "birth_date": mask_whole,
    "address": mask_whole,
    "password": mask_whole,
    "token": mask_whole,
    "secret": mask_whole,
}
"""Name of a column or of a log entry's member -> how its values are masked."""


def mask_value(column: str, value: Any) -> Any:
    """A cell fit to be shown: masked by what its column is called, else with what looks personal masked within it.

    Args:
        column: Name of the column.
        value: The cell; only texts are searched.

    Examples:
        >>> mask_value("phone", "13812345678"), mask_value("rows", 13812345678), mask_value("note", "call 13812345678")
        ('138******78', 13812345678, 'call 138******78')
    """
    mask = MASKS.get(column.lower())
    if mask is not None:
        return None if value is None else mask(str(value))
    return mask_text(value) if isinstance(value, str) else value


_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
# Neither part of a name, a hash or a path, nor the digits of a fraction; a Chinese word may touch it.
_ALONE, _ENDS = r"(?<![A-Za-z\d_.])", r"(?![A-Za-z\d_])"
_IDENTITY = re.compile(_ALONE + r"\d{17}[\dXx]" + _ENDS)
_PHONE = re.compile(
    rf"{_ALONE}(?:\+\d{{1,3}}[ -]?)?1[3-9]\d[ -]?\d{{4}}[ -]?\d{{4}}{_ENDS}|\+\d[\d -]{{6,14}}\d{_ENDS}"
)
_LONG = re.compile(_ALONE + r"\d(?:[ -]?\d){11,18}" + _ENDS)
_DAY = re.compile(r"((?<!\d)\d{4}-\d\d-\d\d(?!\d))")


def mask_names(text: str, names: Iterable[str]) -> str:
    """Names that are known to stand in a text, masked.

    Examples:
        >>> mask_names("周小明，您好", ["周小明", ""])
        '周**，您好'
    """
    for name in names:
        text = text.replace(name, mask_name(name)) if name else text
    return text


def mask_text(text: str) -> str:
    """A text with everything masked in it that looks like an e-mail, a telephone, identity, card or account number.

    Names cannot be recognised: who writes a message must leave them out.

    Examples:
        >>> mask_text("row 7: fang@example.com, 11010519491231002X, 6222 0212 3456 7890 on 1994-03-30")
        'row 7: f***@example.com, 11**************2X, 62** **** **** **90 on 1994-03-30'
    """
    parts = _DAY.split(text)  # every second part is a day, and readable
    return "".join(part if index % 2 else _mask_part(part) for index, part in enumerate(parts))


def _mask_part(text: str) -> str:
    text = _EMAIL.sub(lambda found: mask_email(found[0]), text)
    text = _IDENTITY.sub(lambda found: mask_id(found[0]), text)
    text = _PHONE.sub(lambda found: mask_phone(found[0]), text)
    return _LONG.sub(lambda found: mask_id(found[0]), text)


def _keep(text: str, *, first: int, last: int) -> str:
    """Hides letters and digits but for the first and last ones; hides all if that would show more than half."""
    places = [index for index, one in enumerate(text) if one.isalnum()]
    shown = {*places[:first], *places[-last:]} if len(places) >= 2 * (first + last) else set()
    return "".join(HIDDEN if one.isalnum() and index not in shown else one for index, one in enumerate(text))
