"""Compilation by numba, kept on disk under a key that knows everything that was compiled in.

numba's own `cache=True` looks at the function's file only. A constant of another module is compiled in as a number, and
a compiled function of another module as code: change either, and the old code runs on without a word.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable, Iterator
from types import CodeType, ModuleType
from typing import Any

import numba
import numpy as np
from numba.core.caching import FunctionCache

PLAIN = (bool, int, float, complex, str, bytes, tuple, np.generic, np.dtype, type(None))
"""What is compiled in as a value."""


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """A decorator as `numba.njit`, with a cache on disk; use it for every compiled function that calls another module.

    Args:
        options: Those of `numba.njit`, without `cache`.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        made = numba.njit(**options)(function)
        made._cache = _Cache(function)
        return made

    return decorate


class _Cache(FunctionCache):
    """numba's cache, which also asks what the names of the function stand for."""

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), meaning(self._py_func))


def meaning(function: Any) -> str:
    """A hash of a function's code and of everything that its global names stand for, compiled functions with theirs."""
    found = hashlib.sha256()
    for part in _parts(function, set()):
        found.update(part.encode())
    return found.hexdigest()


def _parts(function: Any, seen: set[int]) -> Iterator[str]:
    if id(function) in seen:
        return
    seen.add(id(function))
    for code in _codes(function.__code__):
        yield f"code {code.co_code.hex()} {_constants(code)!r}\n"
        for name in code.co_names:
            yield from _named(name, function.__globals__.get(name), code, seen)


def _named(name: str, value: Any, code: CodeType, seen: set[int]) -> Iterator[str]:
    if isinstance(value, ModuleType):
        for attribute in code.co_names:
            inner = getattr(value, attribute, None)
            if not isinstance(inner, ModuleType):
                yield from _named(f"{name}.{attribute}", inner, code, seen)
    elif hasattr(value, "py_func"):
        yield f"{name} calls\n"
        yield from _parts(value.py_func, seen)
    elif isinstance(value, np.ndarray):
        yield f"{name} {value.dtype} {value.shape} {value.tobytes().hex()}\n"
    elif isinstance(value, type) and issubclass(value, enum.Enum):
        yield f"{name} {[(one.name, one.value) for one in value]!r}\n"
    elif isinstance(value, PLAIN) and value is not None:
        yield f"{name} {value!r}\n"


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code and that of functions within it."""
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)


def _constants(code: CodeType) -> tuple[Any, ...]:
    return tuple(one for one in code.co_consts if not isinstance(one, CodeType))
