"""Every overload of the function table, written once with plain columns."""

from __future__ import annotations

from cultiva.contracts.types import DataType as T
from cultiva.rules import FUNCTIONS

WRITTEN = {
    "between": ["1", "2"],
    "in": ["1"],
    "like": ["'a_%b'", "'!'"],
    "round": ["2"],
    "replace": ["'a'", "'b'"],
    "has_any": ["'a'"],
    "has_all": ["'a'"],
}
"""Values of parameters that must be written."""


def written_call(name: str, index: int) -> tuple[str, dict[str, T]]:
    """The text of a call of an overload, and the types of the columns a0, a1, ... in it."""
    overload = FUNCTIONS[name].overloads[index]
    written, names, args = iter(WRITTEN.get(name, [])), {}, []
    for number, parameter in enumerate(overload.signature.parameters):
        if parameter.literal:
            args.append(next(written))
            continue
        generic = T.INTEGER if name in ("between", "in") else T.NUMBER
        names[f"a{number}"] = generic if parameter.type in ("any", "ordered", "anything") else T(parameter.type)
        args.append(f"a{number}")
    return _text(name, args), names


def _text(name: str, args: list[str]) -> str:
    if not FUNCTIONS[name].operator:
        return f"{name}({', '.join(args)})"
    if len(args) == 1:
        return f"{args[0]} is null" if name == "is null" else f"{name} {args[0]}"
    special = {
        "between": "{0} between {1} and {2}",
        "in": "{0} in ({1})",
        "like": "{0} like {1}" + (" escape {2}" if len(args) > 2 else ""),
    }
    return special[name].format(*args) if name in special else f" {name} ".join(args)
