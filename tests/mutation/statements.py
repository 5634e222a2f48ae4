"""Changes of a statement: dropped, its condition turned or never true, what it returns, the class that `except` names."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any

from tests.mutation.operators import arithmetic, negated
from tests.mutation.source import Edit, Source

_LEAVES = (ast.Raise, ast.Return, ast.Continue, ast.Break)
_NEVER = b"ZeroDivisionError"  # a class that nothing here raises


def edits(source: Source, node: ast.AST) -> Iterator[Edit]:
    """Yield the changes of one statement, not of what is below it."""
    maker = _MAKERS.get(type(node))
    if maker is not None:
        yield from maker(source, node)


def _expr(source: Source, node: ast.Expr) -> Iterator[Edit]:
    if isinstance(node.value, ast.Call):
        yield source.instead(node, b"pass", "call dropped")


def _assign(source: Source, node: ast.Assign) -> Iterator[Edit]:
    names = [
        name for target in node.targets for name in ast.walk(target) if isinstance(name, (ast.Attribute, ast.Subscript))
    ]
    if names:  # else a name would be missing, which is always noticed
        yield source.instead(node, b"pass", "assignment dropped")


def _aug_assign(source: Source, node: ast.AugAssign) -> Iterator[Edit]:
    yield source.instead(node, b"pass", "assignment dropped")
    old, new = arithmetic(node.op)
    if old:
        yield from source.between(node.target, node.value, old + b"=", new + b"=", "arithmetic")


def _test(source: Source, node: ast.If | ast.While) -> Iterator[Edit]:
    yield from negated(source, node.test)
    if isinstance(node, ast.If) and isinstance(node.body[-1], _LEAVES):
        yield source.instead(node.test, b"False", "guard dropped")


def _raise(source: Source, node: ast.Raise) -> Iterator[Edit]:
    yield source.instead(node, b"pass", "raise dropped")


def _return(source: Source, node: ast.Return) -> Iterator[Edit]:
    if node.value is not None and not (
        isinstance(node.value, ast.Constant) and not node.value.value
    ):  # as false as None
        yield source.instead(node, b"return None", "returned value")


def _except(source: Source, node: ast.ExceptHandler) -> Iterator[Edit]:
    if isinstance(node.type, ast.Tuple):
        for each in node.type.elts:
            yield source.instead(each, _NEVER, "except class")
    elif node.type is not None:
        yield source.instead(node.type, _NEVER, "except class")


def _leave(source: Source, node: ast.Break | ast.Continue) -> Iterator[Edit]:
    yield source.instead(node, b"continue" if isinstance(node, ast.Break) else b"break", "loop")


def _delete(source: Source, node: ast.Delete) -> Iterator[Edit]:
    yield source.instead(node, b"pass", "deletion dropped")


_MAKERS: dict[type[ast.AST], Callable[[Source, Any], Iterator[Edit]]] = {
    ast.Expr: _expr,
    ast.Assign: _assign,
    ast.AugAssign: _aug_assign,
    ast.If: _test,
    ast.While: _test,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.ExceptHandler: _except,
    ast.Break: _leave,
    ast.Continue: _leave,
    ast.Delete: _delete,
}
