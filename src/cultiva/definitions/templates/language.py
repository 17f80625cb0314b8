"""Reading templates: Liquid's grammar with the tags and filters that are allowed here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from liquid import BoundTemplate, Environment, Mode
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.expressions.primitive import Literal
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    for_tag,
    if_tag,
    inline_comment_tag,
    unless_tag,
)
from liquid.exceptions import LiquidError, LiquidInterrupt
from liquid.stream import TokenStream
from liquid.token import Token
from markupsafe import Markup, escape

from cultiva.definitions.templates.errors import FillError, TemplateError, TemplateFault
from cultiva.definitions.templates.filters import filters_for
from cultiva.definitions.templates.limits import (
    NESTING_MAX,
    OUTPUT_MAX,
    STEPS_MAX,
    TEMPLATE_CHARACTERS_MAX,
    Buffer,
    MeteredForTag,
    Missing,
    Work,
    price,
)
from cultiva.definitions.templates.values import LINKS, shown
from cultiva.kit.errors import did_you_mean

TAGS = ("assign", "break", "capture", "case", "comment", "continue", "for", "if", "unless")
"""Tags that may be used; `raw`, `else`, `elsif`, `when` and the ends belong to them."""


@dataclass(frozen=True)
class Use:
    """One place where a template uses a name."""

    path: tuple[str, ...]
    """The name and what follows it, e.g. customer, aum; parts that are worked out are `*`."""
    index: int
    """Offset in the template."""


@dataclass(frozen=True)
class Template:
    """A template that has been read."""

    text: str
    """As written."""
    uses: tuple[Use, ...]
    """Names that it needs from outside, in no order."""
    bare: int
    """Links printed as they are."""
    bound: BoundTemplate = field(repr=False, compare=False)
    """As Liquid keeps it."""
    steps: int = field(repr=False, compare=False)
    """What it costs without its loops."""
    pieces: tuple[str | Node, ...] = field(repr=False, compare=False)
    """Text as it stands, and what is worked out, in turn."""

    @cached_property
    def fixed(self) -> str | None:
        """The text, where it is the same for everybody."""
        return "".join(self.pieces) if all(isinstance(one, str) for one in self.pieces) else None  # type: ignore[arg-type]

    @property
    def names(self) -> frozenset[str]:
        """Names that it needs, with dots."""
        return frozenset(".".join(use.path) for use in self.uses)

    def fill(self, facts: Mapping[str, Any]) -> str:
        """The text for one customer.

        Args:
            facts: By name; texts must have been through `values.clean`.

        Raises:
            FillError: and nothing else, whatever the template and the facts are.
        """
        if self.fixed is not None:
            return self.fixed
        buffer = Buffer(OUTPUT_MAX)
        try:
            work = Work(self.bound, facts, self.steps)
            for piece in self.pieces:
                if isinstance(piece, str):
                    buffer.write(piece)
                else:
                    piece.render_to_output(work, buffer)  # type: ignore[arg-type]
        except FillError:
            raise
        except LiquidInterrupt as error:
            raise FillError("bad_value", "break or continue outside of a loop") from error
        except LiquidError as error:
            raise FillError("bad_value", str(error.args[0] if error.args else "")[:100]) from error
        except Exception as error:  # Liquid lets Python's own errors through, e.g. of comparing what cannot be
            raise FillError("bad_value", type(error).__name__) from error
        return buffer.getvalue()


@lru_cache(maxsize=4096)
def read_template(text: str, *, language: str = "zh", currency: str = "CNY", html: bool = False) -> Template:
    """Reads a template.

    Args:
        text: Liquid.
        language: Of the content: how money and days are written.
        currency: ISO code of money.
        html: Whether values are escaped for HTML.

    Raises:
        TemplateError: and nothing else, whatever the text is.
    """
    if len(text) > TEMPLATE_CHARACTERS_MAX:
        about = f"{len(text)} characters", f"at most {TEMPLATE_CHARACTERS_MAX}"
        raise TemplateError(TemplateFault(0, "too_long", "the template is too long", *about))
    for sign in LINKS.values():
        if sign in text:
            raise TemplateError(TemplateFault(text.index(sign), "template_syntax", "a character that is none"))
    if (shape := _endless(text)) is not None:
        raise TemplateError(shape)
    environment = _environment(language, currency, html)
    try:
        nodes = environment._parse(text)
        bound = BoundTemplate(environment, nodes)
        steps = sum(price(node) for node in nodes)
        found = bound.analyze(include_partials=False)
        bare = sum(map(_bare_links, nodes))
    except Exception as error:
        raise TemplateError(_fault(text, error)) from error
    if steps > STEPS_MAX:
        raise TemplateError(TemplateFault(0, "too_much_work", "the template has too many steps", str(steps)))
    for name, spans in found.filters.items():
        if name not in environment.filters:
            raise TemplateError(_unknown_filter(name, spans[0].index, environment))
    uses = tuple(Use(_path(one.segments), one.span.index) for each in found.globals.values() for one in each)
    pieces = tuple(one.text if isinstance(one, content.ContentNode) else one for one in nodes)
    return Template(text, uses, bare, bound, steps, pieces)


def _endless(text: str) -> TemplateFault | None:
    """What would keep Liquid's own reader busy for minutes: many openings without an end, and seas of blanks."""
    for opening, end in (("{{", "}}"), ("{%", "%}")):
        index = text.find(opening, text.rfind(end) + 1)
        if index >= 0:
            message, hint = f"not Liquid: expected '{end}'", "close every {{ with }} and every tag with its end"
            return TemplateFault(
                index, "template_syntax", message, text[index : index + 40].split("\n", maxsplit=1)[0], hint=hint
            )
    sea = _BLANKS.search(text)
    return TemplateFault(sea.start(), "template_syntax", "more than 500 blanks in a row") if sea else None


def _path(segments: list[Any]) -> tuple[str, ...]:
    return tuple("*" if isinstance(one, list) else str(one) for one in segments)


class _Output(output.OutputNode):
    """An output that writes values as people read them.

    Where the value is a plain name and the arguments of its filters are literals, as nearly everywhere, what Liquid
    would look up again for every customer is looked up once.
    """

    __slots__ = ("calls", "path")

    def prepare(self, environment: Environment) -> None:
        """Looks up what stays the same."""
        self.path: list[object] | None = None
        self.calls: list[tuple[Any, list[Any], dict[str, Any]]] = []
        left, filters = getattr(self.expression, "left", None), getattr(self.expression, "filters", None) or []
        arguments = [one for each in filters for one in each.args]
        plain = isinstance(left, Path) and not any(isinstance(one, Path) for one in left.path)
        if not isinstance(left, Path) or not plain or not all(isinstance(one.value, Literal) for one in arguments):
            return
        if all(one.name in environment.filters for one in filters):
            self.path = list(left.path)
            self.calls = [_call(one, environment) for one in filters]

    def render_to_output(self, context: Any, buffer: Any) -> int:
        if self.path is None:
            value = self.expression.evaluate(context)
        else:
            value = context.get(self.path, token=None)
            for function, values, named in self.calls:
                value = function(value, *values, **named)
        if isinstance(value, Missing):
            str(value)
        if not context.autoescape:
            return buffer.write(shown(value))
        return buffer.write(str(escape(value if isinstance(value, Markup) else shown(value))))


def _call(found: Any, environment: Environment) -> tuple[Any, list[Any], dict[str, Any]]:
    def literal(one: Any) -> Any:
        return Markup(one.value) if environment.autoescape and isinstance(one.value, str) else one.value  # noqa: S704

    values = [literal(one.value) for one in found.args if not hasattr(one, "name")]
    named = {one.name: literal(one.value) for one in found.args if hasattr(one, "name")}
    return environment.filters[found.name], values, named


class _OutputTag(output.Output):
    node_class = _Output

    def parse(self, stream: TokenStream) -> _Output:
        node = super().parse(stream)
        assert isinstance(node, _Output)
        node.prepare(self.env)
        return node


class _Environment(Environment):
    """Liquid with few tags and few filters, no files, and a bound on nesting."""

    block_nesting_limit = NESTING_MAX

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in (
            content.Literal, _OutputTag, illegal.Illegal, if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag,
            MeteredForTag, for_tag.BreakTag, for_tag.ContinueTag, assign_tag.AssignTag, capture_tag.CaptureTag,
            comment_tag.CommentTag, inline_comment_tag.InlineCommentTag,
        ):  # fmt: skip
            self.add_tag(tag)


@lru_cache(maxsize=64)
def _environment(language: str, currency: str, html: bool) -> _Environment:
    made = _Environment(tolerance=Mode.STRICT, undefined=Missing, strict_filters=True, autoescape=html)
    made.filters.update(filters_for(language, currency))
    return made


def _unknown_filter(name: str, index: int, environment: Environment) -> TemplateFault:
    known = sorted(environment.filters)
    hint, allowed = did_you_mean(name, known), ", ".join(known)
    return TemplateFault(index, "unknown_filter", f"unknown filter '{name}'", name, allowed, hint)


def _fault(text: str, error: Exception) -> TemplateFault:
    token: Token | None = getattr(error, "token", None)
    index = min(max(token.start_index, 0), len(text)) if token is not None else 0
    said = str(error.args[0]) if isinstance(error, LiquidError) and error.args else "not Liquid"
    if token is not None and said.startswith("unexpected tag"):
        hint, allowed = did_you_mean(token.value, TAGS), ", ".join(TAGS)
        return TemplateFault(index, "unknown_tag", f"unknown tag '{token.value}'", token.value, allowed, hint)
    seen = text[index : index + 40].split("\n", maxsplit=1)[0]
    hint = "close every {{ with }} and every tag with its end"
    return TemplateFault(index, "template_syntax", f"not Liquid: {said[:200]}", seen, hint=hint)


def _bare_links(node: Node) -> int:
    """How many links a node prints as they are."""
    own = 0
    if isinstance(node, output.OutputNode) and isinstance(node.expression, FilteredExpression):
        left = node.expression.left
        own = int(isinstance(left, Path) and not node.expression.filters and left.path in _LINK_PATHS)
    within: list[int] = [_bare_links(child) for child in node.children(None)]  # type: ignore[arg-type]
    return own + sum(within)


_BLANKS = re.compile(r"\s{501}")
_LINK_PATHS = [[name] for name in LINKS]
