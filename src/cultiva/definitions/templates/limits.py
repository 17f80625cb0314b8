"""How much work a template may do: counted in steps, so that the answer is the same on every machine.

A node costs one step and one for every expression and filter in it; the body of a loop costs its steps again for every
entry. Counting happens before the work is done. With a bound on steps, on every text and on every number there is a
bound on time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from liquid import RenderContext
from liquid.builtin.expressions.loop import LoopExpression
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.undefined import Undefined
from liquid.utils import ReadOnlyChainMap

from cultiva.definitions.templates.errors import FillError

if TYPE_CHECKING:
    from liquid import TokenStream
    from liquid.ast import Node
    from liquid.expression import Expression

TEMPLATE_CHARACTERS_MAX = 40_000
"""Longest template."""
STEPS_MAX = 20_000
"""Most steps of filling in one template once; a template without loops has at most so many."""
ENTRIES_MAX = 1_000
"""Most entries that a loop may be given."""
OUTPUT_MAX = 250_000
"""Most characters that a template makes, with what it keeps for itself."""
NESTING_MAX = 10
"""Deepest nesting of blocks."""


class Missing(Undefined):
    """A value that is not there: false in a condition, replaced by `default`, and an error where it is printed."""

    __slots__ = ()

    def __str__(self) -> str:
        raise FillError("missing_value", self.name)


class Buffer:
    """Collects output up to a limit."""

    __slots__ = ("left", "parts")

    def __init__(self, left: int) -> None:
        self.parts: list[str] = []
        self.left = left

    def write(self, text: str) -> int:
        """Takes a piece of output."""
        self.left -= len(text)
        if self.left < 0:
            raise FillError("too_long", f"{OUTPUT_MAX} characters")
        self.parts.append(text)
        return len(text)

    def getvalue(self) -> str:
        """All output so far."""
        return "".join(self.parts)


class Work(RenderContext):
    """One filling in: its names and how much it has done.

    It does not call its parent's constructor, which costs more than filling in a short message; it sets what the few
    allowed tags use.
    """

    __slots__ = ("kept", "steps")

    def __init__(self, template: Any, facts: Mapping[str, object], steps: int) -> None:
        self.env = template.env
        self.template = template
        self.locals = {}
        self.globals = facts
        self.scope = ReadOnlyChainMap(self.locals, facts)  # without Liquid's `now` and `today`: time is an argument
        self.tag_namespace = {"stopindex": {}}
        self.loops = []
        self.disabled_tags = []
        self.autoescape = template.env.autoescape
        self.loop_iteration_carry = 1
        self.steps = steps
        self.kept = OUTPUT_MAX

    def charge(self, steps: int) -> None:
        """Counts work that is about to be done."""
        self.steps += steps
        if self.steps > STEPS_MAX:
            raise FillError("too_much_work", f"{STEPS_MAX} steps")

    def get(self, path: list[object], *, token: Any, default: object = None) -> object:
        """The value at a path, or one that is `Missing`."""
        root = path[0]
        for names in self.scope._maps:
            if root in names:
                found: Any = names[root]  # type: ignore[index]
                break
        else:
            return self._missing(path)
        for part in path[1:]:
            if not isinstance(part, str | int) or isinstance(found, str):
                return self._missing(path)
            try:
                found = found[part]
            except (KeyError, IndexError, TypeError):
                return self._missing(path)
        return self._missing(path) if found is None else found

    def assign(self, key: str, val: Any) -> None:
        """Keeps a value under a name."""
        self.kept -= len(val) if isinstance(val, str) else 32
        if self.kept < 0:
            raise FillError("too_long", f"{OUTPUT_MAX} characters")
        self.locals[key] = val

    def get_buffer(self, buf: Any = None) -> Any:
        """A buffer for what is captured."""
        return Buffer(self.kept)

    def _missing(self, path: list[object]) -> Missing:
        return Missing(".".join(str(part) for part in path if isinstance(part, str | int))[:100])


class MeteredLoop(LoopExpression):
    """What a loop walks over, paid for before it is walked."""

    __slots__ = ("body",)
    body: int

    @classmethod
    def of(cls, plain: LoopExpression, body: int) -> MeteredLoop:
        """The same expression with the price of one walk through the loop's body, in steps."""
        made = cls(
            plain.token,
            plain.identifier,
            plain.iterable,
            limit=plain.limit,
            offset=plain.offset,
            reversed_=plain.reversed,
            cols=plain.cols,
        )
        made.body = body
        return made

    def _to_iter(self, obj: object, context: RenderContext) -> tuple[Iterator[Any], int]:
        it, length = super()._to_iter(obj, context)
        if length > ENTRIES_MAX:
            raise FillError("too_much_work", f"a loop over more than {ENTRIES_MAX} entries")
        return it, length

    def evaluate(self, context: RenderContext) -> tuple[Iterator[object], int]:
        it, length = super().evaluate(context)
        assert isinstance(context, Work)
        context.charge(length * self.body)
        return it, length


class MeteredForTag(ForTag):
    """The `for` tag with a price."""

    def parse(self, stream: TokenStream) -> Node:
        node = super().parse(stream)
        assert isinstance(node, ForNode)
        node.expression = MeteredLoop.of(node.expression, 1 + price(node.block))
        return node


def price(node: Node) -> int:
    """Steps of walking through a node once; bodies of loops within it are paid for when they are walked."""
    total = 1 + sum(_expressions(one) for one in node.expressions())
    if isinstance(node, ForNode):
        return total + (price(node.default) if node.default else 0)
    within: list[int] = [price(child) for child in node.children(None)]  # type: ignore[arg-type]
    return total + sum(within)


def _expressions(expression: Expression) -> int:
    filters = len(getattr(expression, "filters", None) or ())
    return 1 + filters + sum(_expressions(one) for one in expression.children())
