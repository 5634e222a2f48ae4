"""Single changes of a module's source: what somebody could have written wrong, and a test should notice.

A change replaces one span of bytes and leaves everything else as it is: an operator, the bound of a comparison, a constant, a
condition, two arguments, the class that `except` names, a statement. `operators` and `statements` know what can become of what.

Left alone are annotations, docstrings, imports, `__slots__` and what only type checkers see: no test can notice those. So are texts, for
most of them are sentences; bytes are data and are changed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.mutation import operators, statements
from tests.mutation.source import Edit, Source


class Change:
    """One change of one file.

    Attributes:
        path: the file, relative to the checkout (str). line: its first line that changes, from 1.
        function: the dotted name of the function or class around it; "" at the top of the module.
        kind: what is changed, as a word or two.
        before, after: the lines that the change touches, as they are and as they become, white space folded.
    """

    __slots__ = ("_edit", "after", "before", "function", "kind", "line", "path")

    def __init__(self, source: Source, function: str, edit: Edit) -> None:
        self.path = source.path
        self.function = function
        self.kind = edit.kind
        self.line, self.before, self.after = source.around(edit)
        self._edit = edit

    @property
    def where(self) -> str:
        """The place, as `file:line`."""
        return f"{self.path}:{self.line}"

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What stays the same when lines above it come and go: file, function, before, after."""
        return self.path, self.function, self.before, self.after

    def applied(self, content: bytes) -> bytes:
        """Return the file's `bytes` with this change."""
        return content[: self._edit.start] + self._edit.text + content[self._edit.end :]


def changes_of(root: Path, path: str) -> list[Change]:
    """Return every change of the file `path` below `root` that leaves it a Python program, in the order of their places."""
    source = Source(path, (root / path).read_bytes())
    tree = ast.parse(source.content)
    found = [Change(source, function, edit) for function, edit in _edits(source, tree, "")]
    unique = {change.applied(source.content): change for change in reversed(found)}
    unique.pop(source.content, None)
    return sorted((each for text, each in unique.items() if _compiles(text)), key=lambda each: (each.line, each.after))


def _compiles(content: bytes) -> bool:
    try:
        compile(content, "<changed>", "exec")
    except SyntaxError:
        return False
    return True


def _edits(source: Source, node: ast.AST, function: str) -> Iterator[tuple[str, Edit]]:
    """Yield `(function, edit)` for a node and everything below it."""
    for child in _children(node):
        inside = function
        if isinstance(child, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            inside = f"{function}.{child.name}".lstrip(".")
        for make in (operators.edits, statements.edits):
            for edit in make(source, child):
                yield function, edit
        yield from _edits(source, child, inside)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the parts of a node that a test could notice."""
    if isinstance(node, ast.AnnAssign):
        yield from () if node.value is None else (node.value,)
        return
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        yield from (default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None)
        yield from (child for child in (*node.decorator_list, *node.body) if not _is_silent(child))
        return
    yield from (child for child in ast.iter_child_nodes(node) if not _is_silent(child))


def _is_silent(node: ast.AST) -> bool:
    """Tell whether a statement does nothing that a test could see: a docstring, an import, what is for types."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("__slots__", "TYPE_CHECKING", "__all__")
