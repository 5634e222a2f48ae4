"""Changes inside an expression: operators, bounds, constants, conditions, arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.mutation.source import Edit, Source

_COMPARISONS: dict[type[ast.cmpop], tuple[bytes, tuple[bytes, ...]]] = {
    ast.Lt: (b"<", (b"<=", b">=")),
    ast.LtE: (b"<=", (b"<", b">")),
    ast.Gt: (b">", (b">=", b"<=")),
    ast.GtE: (b">=", (b">", b"<")),
    ast.Eq: (b"==", (b"!=",)),
    ast.NotEq: (b"!=", (b"==",)),
    ast.Is: (b"is", (b"is not",)),
    ast.IsNot: (b"is not", (b"is",)),
    ast.In: (b"in", (b"not in",)),
    ast.NotIn: (b"not in", (b"in",)),
}
_ARITHMETIC: dict[type[ast.operator], tuple[bytes, bytes]] = {
    ast.Add: (b"+", b"-"),
    ast.Sub: (b"-", b"+"),
    ast.Mult: (b"*", b"//"),
    ast.FloorDiv: (b"//", b"*"),
    ast.Div: (b"/", b"*"),
    ast.Mod: (b"%", b"//"),
    ast.Pow: (b"**", b"*"),
    ast.LShift: (b"<<", b">>"),
    ast.RShift: (b">>", b"<<"),
    ast.BitAnd: (b"&", b"|"),
    ast.BitOr: (b"|", b"&"),
    ast.BitXor: (b"^", b"|"),
}


def edits(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Yield the changes of one expression, not of what is below it."""
    maker = _MAKERS.get(type(node))
    if maker is not None:
        yield from maker(source, node)


def arithmetic(operator: ast.operator) -> tuple[bytes, bytes]:
    """Return an operator as it is written, and the one to put in its place; empty where there is none."""
    return _ARITHMETIC.get(type(operator), (b"", b""))


def _compare(source: Source, node: ast.Compare) -> Iterator[Edit]:
    sides = [node.left, *node.comparators]
    for left, right, operator in zip(sides, sides[1:], node.ops):
        old, all_new = _COMPARISONS[type(operator)]
        for new in all_new:
            yield from source.between(left, right, old, new, "comparison")


def _bin_op(source: Source, node: ast.BinOp) -> Iterator[Edit]:
    texts = any(isinstance(side, ast.JoinedStr) or _is_text(side) for side in (node.left, node.right))
    types = any(isinstance(side, ast.Constant) and side.value is None for side in (node.left, node.right))
    if not texts and not types:  # `"%s" % name` and `Name | None` are no arithmetic
        old, new = arithmetic(node.op)
        yield from source.between(node.left, node.right, old, new, "arithmetic") if old else []


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))


def _bool_op(source: Source, node: ast.BoolOp) -> Iterator[Edit]:
    old, new = (b"and", b"or") if isinstance(node.op, ast.And) else (b"or", b"and")
    for left, right in zip(node.values, node.values[1:]):
        yield from source.between(left, right, old, new, "boolean")


def _unary_op(source: Source, node: ast.UnaryOp) -> Iterator[Edit]:
    yield source.instead(node, b"(" + source.text(node.operand) + b")", "sign")


def negated(source: Source, test: ast.expr) -> Iterator[Edit]:
    """Yield the change of a condition into its opposite; none where a change of its one operator is that already."""
    alone = isinstance(test, ast.Compare) and len(test.ops) == 1
    if not alone and not isinstance(test, ast.UnaryOp):
        yield source.instead(test, b"not (" + source.text(test) + b")", "condition")


def _if_exp(source: Source, node: ast.IfExp) -> Iterator[Edit]:
    yield from negated(source, node.test)


def _comprehension(source: Source, node: ast.comprehension) -> Iterator[Edit]:
    for test in node.ifs:
        yield from negated(source, test)
        yield source.instead(test, b"True", "condition")


def _constant(source: Source, node: ast.Constant) -> Iterator[Edit]:
    for text in _others(node.value, source.text(node).decode()):
        yield source.instead(node, text.encode(), "constant")


def _others(value: object, written: str) -> Iterator[str]:
    """Yield what to write instead of a constant: as it was written, octal or hexadecimal, where it is a number."""
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, int):
        form = {"0o": "#o", "0x": "#x", "0b": "#b"}.get(written[:2].lower(), "d")
        yield format(value + 1, form)
        if value > 0:
            yield format(value - 1, form)
        if form == "#o" and value:
            yield format(value & (value - 1), form)  # less its lowest bit
    elif isinstance(value, float):
        yield repr(value * 2 or 1.0)
    elif isinstance(value, bytes) and not re.search(rb"[a-z] [a-z]", value):  # with that it is a sentence
        yield repr(value[:-1] + bytes((value[-1] ^ 1,))) if value else repr(b"\0")


def _call(source: Source, node: ast.Call) -> Iterator[Edit]:
    plain = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
    for left, right in zip(plain, plain[1:]):
        start, end = source.start(left), source.end(right)
        gap = source.content[source.end(left) : source.start(right)]
        yield Edit(start, end, source.text(right) + gap + source.text(left), "arguments swapped")


_MAKERS: dict[type[ast.AST], Callable[[Source, Any], Iterator[Edit]]] = {
    ast.Compare: _compare,
    ast.BinOp: _bin_op,
    ast.BoolOp: _bool_op,
    ast.UnaryOp: _unary_op,
    ast.IfExp: _if_exp,
    ast.comprehension: _comprehension,
    ast.Constant: _constant,
    ast.Call: _call,
}
