"""A rule as rows of conditions, and rows as a rule: what the visual builder shows and gives back.

Only the tree of a checked rule is read, so a rule and its rows mean the same. What rows cannot show (arithmetic, case,
functions) stays a piece of text within them, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from cultiva.contracts.types import DataType
from cultiva.rules import compile_rule
from cultiva.rules.nodes import Call, Expansion, Literal, Name, Node
from cultiva.rules.render import render, render_value
from cultiva.rules.scope import Scope
from cultiva.rules.signatures import MIDNIGHT, WIDEN

COMPARED = ("=", "<>", "<", "<=", ">", ">=")
LISTED = ("in", "not in")
ALONE = ("is known", "is not known", "is true", "is not true")
"""Operators without a value."""
OPERATORS = (*COMPARED, *LISTED, "between", "like", *ALONE)
MEMBER = ("is in", "is not in")
"""Of a segment."""
FLIPPED = MappingProxyType({"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"})
DEPTH_MAX = 6
ROWS_MAX = 100


@dataclass(frozen=True)
class Row:
    """One condition: a tag, an operator, values as they are written in a rule."""

    tag: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """Being in a segment, or not."""

    segment: str
    inside: bool = True


@dataclass(frozen=True)
class Written:
    """A condition that rows cannot show, as text."""

    text: str


@dataclass(frozen=True)
class Group:
    """Conditions that all or any hold, or whose joining must not hold."""

    join: str
    """and, or."""
    items: tuple[Item, ...] = ()
    negated: bool = False


Item: TypeAlias = Row | Member | Written | Group


def rows_of(text: str, scope: Scope) -> Group:
    """A rule as rows.

    Args:
        text: The rule.
        scope: What its names mean.

    Raises:
        RuleErrors: if it has faults.

    Examples:
        >>> scope = Scope({"age": DataType.INTEGER, "stage": DataType.TEXT})
        >>> rows_of("age >= 60 and not stage in ('lost')", scope).items
        (Row(tag='age', operator='>=', values=('60',)), Row(tag='stage', operator='not in', values=("'lost'",)))
    """
    node = compile_rule(text, scope, expected=DataType.BOOLEAN).node
    found = _item(node)
    return found if isinstance(found, Group) and not found.negated else Group("and", (found,))


def text_of(item: Item, *, inner: bool = False) -> str:
    """Rows as a rule; empty groups and rows that are not filled in yet say nothing.

    Args:
        item: What to write.
        inner: Whether it stands within another group, where it needs brackets.

    Examples:
        >>> text_of(Group("or", (Row("age", ">=", ("60",)), Member("villagers", False))))
        "age >= 60 or not segment('villagers')"
    """
    if isinstance(item, Row):
        return _row_text(item)
    if isinstance(item, Member):
        said = f"{'' if item.inside else 'not '}segment({render_value(item.segment)})"
        return said if item.segment else ""
    if isinstance(item, Written):
        return f"({item.text})" if inner and item.text.strip() else item.text
    texts = [text for one in item.items if (text := text_of(one, inner=True)).strip()]
    between = f" {item.join} " if inner or sum(map(len, texts)) < 80 else f"\n{item.join} "
    said = between.join(texts)
    if item.negated and said:
        return f"not ({said})"
    return f"({said})" if inner and len(texts) > 1 else said


def _row_text(row: Row) -> str:
    if not row.values and row.operator not in ALONE:
        return ""  # not filled in yet
    if row.operator in LISTED:
        lead = "not " if row.operator == "not in" else ""
        return f"{lead}{row.tag} in ({', '.join(row.values)})"
    if row.operator == "between":
        return f"{row.tag} between {row.values[0]} and {row.values[-1]}"
    texts = {
        "is known": f"{row.tag} is not null",
        "is not known": f"{row.tag} is null",
        "is true": row.tag,
        "is not true": f"not {row.tag}",
    }
    return texts.get(row.operator) or f"{row.tag} {row.operator} {row.values[0]}"


def _item(node: Node) -> Item:
    node = _bare(node)
    if isinstance(node, Expansion) and (segment := _segment(node)):
        return Member(segment)
    if isinstance(node, Name) and node.type is DataType.BOOLEAN:
        return Row(node.name, "is true")
    if isinstance(node, Call):
        if node.function in ("and", "or"):
            return _group(node)
        if node.function == "not":
            return _negated(node)
        return _condition(node) or Written(written(node))
    return Written(written(node))


def _group(node: Call) -> Group:
    """Joined conditions; those joined by the same word within them are taken up into it."""
    items: list[Item] = []
    for arg in node.args:
        one = _item(arg)
        same = isinstance(one, Group) and one.join == node.function and not one.negated
        items += one.items if isinstance(one, Group) and same else [one]
    return Group(node.function, tuple(items))


def _negated(node: Call) -> Item:
    inner = _item(node.args[0])
    if isinstance(inner, Member):
        return Member(inner.segment, not inner.inside)
    if isinstance(inner, Row):
        turned = {"in": "not in", "is not known": "is known", "is true": "is not true"}.get(inner.operator)
        if turned:
            return Row(inner.tag, turned, inner.values)
    if isinstance(inner, Group) and not inner.negated:
        return Group(inner.join, inner.items, negated=True)
    return Group("and", (inner,), negated=True)


def _condition(node: Call) -> Row | None:
    first = _bare(node.args[0])
    rest = [_bare(one) for one in node.args[1:]]
    if node.function in COMPARED and isinstance(first, Literal) and len(rest) == 1 and isinstance(rest[0], Name):
        return Row(rest[0].name, FLIPPED[node.function], (_value(first),))
    if not isinstance(first, Name) or not all(isinstance(one, Literal) for one in rest):
        return None
    values = tuple(_value(one) for one in rest if isinstance(one, Literal))
    if node.function == "is null":
        return Row(first.name, "is not known")
    fits = {"in": len(values) >= 1, "between": len(values) == 2, "like": len(values) == 1}
    if node.function in COMPARED or fits.get(node.function, False):
        return Row(first.name, node.function, values)
    return None


def _bare(node: Node) -> Node:
    """A node without the change of type that the checker put around it."""
    while isinstance(node, Call) and node.function in (WIDEN, MIDNIGHT):
        node = node.args[0]
    return node


def _segment(node: Expansion) -> str:
    name = node.text.removeprefix("segment(").removesuffix(")").strip()
    return name[1:-1].replace("''", "'") if node.text.startswith("segment(") and len(name) > 2 else ""


def _value(node: Literal) -> str:
    value = node.value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return render_value(value)


def written(node: Node) -> str:
    """A tree as text, whole numbers without a point."""
    return render(_plain(node))


def _plain(node: Node) -> Node:
    if isinstance(node, Literal) and isinstance(node.value, float) and node.value.is_integer():
        return Literal(int(node.value), DataType.INTEGER) if abs(node.value) < 1e15 else node
    if isinstance(node, Call):
        return Call(node.function, node.overload, tuple(_plain(one) for one in node.args), node.type)
    return node


# --- as fields of a form ---


def fields_of(group: Group) -> dict[str, str]:
    """Rows as fields of a form: `n.<path>.<what>`; the paths of a group's items are its own and their numbers."""
    found: dict[str, str] = {}
    _put(found, "0", group)
    return found


def _put(found: dict[str, str], path: str, item: Item) -> None:
    lead = f"n.{path}"
    if isinstance(item, Group):
        found |= {f"{lead}.kind": "group", f"{lead}.join": item.join, f"{lead}.not": "1" if item.negated else ""}
        for number, one in enumerate(item.items):
            _put(found, f"{path}.{number}", one)
    elif isinstance(item, Row):
        value = ", ".join(item.values)
        found |= {f"{lead}.kind": "row", f"{lead}.tag": item.tag, f"{lead}.op": item.operator, f"{lead}.value": value}
    elif isinstance(item, Member):
        operator = MEMBER[0] if item.inside else MEMBER[1]
        found |= {f"{lead}.kind": "member", f"{lead}.segment": item.segment, f"{lead}.op": operator}
    else:
        found |= {f"{lead}.kind": "text", f"{lead}.text": item.text}


def read_fields(fields: Mapping[str, str], types: Mapping[str, DataType]) -> Group:
    """Rows from the fields of a form; texts get their quotes, numbers stay as typed.

    Args:
        fields: As `fields_of` names them; others are passed over.
        types: Of tags.
    """
    found = _read(fields, "0", types, 0)
    return found if isinstance(found, Group) else Group("and")


def _read(fields: Mapping[str, str], path: str, types: Mapping[str, DataType], depth: int) -> Item | None:
    lead = f"n.{path}"
    kind = fields.get(f"{lead}.kind")
    if kind == "group" and depth <= DEPTH_MAX:
        join = "or" if fields.get(f"{lead}.join") == "or" else "and"
        items = (_read(fields, f"{path}.{number}", types, depth + 1) for number in range(ROWS_MAX))
        return Group(join, tuple(one for one in items if one is not None), negated=bool(fields.get(f"{lead}.not")))
    if kind == "row":
        tag, operator = fields.get(f"{lead}.tag", ""), fields.get(f"{lead}.op", "=")
        if tag not in types:
            return None
        operator = operator if operator in OPERATORS else "="
        return Row(tag, operator, values_of(fields.get(f"{lead}.value", ""), types[tag], operator))
    if kind == "member":
        return Member(fields.get(f"{lead}.segment", ""), fields.get(f"{lead}.op") != MEMBER[1])
    return Written(fields.get(f"{lead}.text", "")) if kind == "text" else None


def values_of(text: str, kind: DataType, operator: str) -> tuple[str, ...]:
    """Values as a rule writes them, from what was typed: quotes may be left out, commas part several.

    Examples:
        >>> values_of("growing, mature", DataType.TEXT, "in"), values_of("O'Neil", DataType.TEXT, "=")
        (("'growing'", "'mature'"), ("'O''Neil'",))
        >>> values_of("50,000", DataType.MONEY, ">="), values_of("1994-05-25", DataType.DATE, "<")
        (('50000',), ("'1994-05-25'",))
    """
    if operator in ALONE:
        return ()
    several = operator in (*LISTED, "between")
    pieces = _split(text) if several else [text.strip()]
    numeric = kind.numeric and not several
    return tuple(_quoted(one.replace(",", "") if numeric else one, kind) for one in pieces if one)


def _split(text: str) -> list[str]:
    """Parts between commas outside of quotes."""
    parts, begin, quoted = [], 0, False
    for place, char in enumerate(text):
        quoted ^= char == "'"
        if char in ",，" and not quoted:
            parts.append(text[begin:place].strip())
            begin = place + 1
    return [*parts, text[begin:].strip()]


def _quoted(text: str, kind: DataType) -> str:
    if kind in (DataType.TEXT, DataType.DATE, DataType.TIMESTAMP, DataType.LIST):
        is_quoted = len(text) >= 2 and text[0] == text[-1] == "'"
        plain = text[1:-1].replace("''", "'") if is_quoted else text
        typed = text.startswith(("date '", "timestamp '")) or text == "today"
        return text if typed else render_value(plain)
    return text
