"""All code here, the tests too, runs on the oldest Python that setup.cfg promises, which no tool here can try: mypy takes 3.10 and later.

What is looked for: syntax, names of the standard library and keyword arguments that are younger, and unions of types that are computed.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

OLDEST = (3, 9)
PROGRAMS = [path for folder in ("bin", "script") for path in (ROOT / folder).iterdir() if path.is_file()]
FILES = sorted(
    [
        *(path for folder in ("sasldb", "tests", "ansible") for path in (ROOT / folder).rglob("*.py")),
        *(path for path in PROGRAMS if b"python" in path.read_bytes().partition(b"\n")[0]),
    ]
)
# The library reference says of each "New in version 3.10" or later ("Changed in" for the arguments).
MODULES = {"tomllib", "wsgiref.types", "importlib.resources.abc", "importlib.readers", "importlib.simple"}
NAMES = set(
    "ExceptionGroup BaseExceptionGroup EncodingWarning aiter anext add_note bit_count pairwise batched aclosing StrEnum"
    " nonmember global_enum KW_ONLY ParamSpec Concatenate TypeAlias TypeGuard TypeAliasType Self Never LiteralString"
    " NotRequired Required Unpack TypeVarTuple assert_never assert_type reveal_type dataclass_transform UnionType NoneType"
    " EllipsisType file_digest UTC hardlink_to is_junction get_annotations stdlib_module_names orig_argv TaskGroup eventfd"
    " splice login_tty unshare setns getLevelNamesMapping packages_distributions text_encoding cbrt exp2 sumprod"
    " process_cpu_count ReadOnly TypeIs Buffer".split()
)
ARGUMENTS = {
    ("zip", "strict"),
    ("map", "strict"),
    ("dataclass", "slots"),
    ("dataclass", "kw_only"),
    ("dataclass", "weakref_slot"),
    ("bisect", "key"),
    ("bisect_left", "key"),
    ("bisect_right", "key"),
    ("insort", "key"),
    ("NamedTemporaryFile", "delete_on_close"),
    ("TemporaryDirectory", "delete"),
    ("realpath", "strict"),
    ("glob", "include_hidden"),
}
TYPES = {"int", "str", "bytes", "float", "bool", "dict", "list", "set", "tuple", "frozenset", "object", "type"}


def too_young(tree: ast.Module) -> Iterator[str]:
    """Yield what in a parsed module the oldest Python does not know, as `line: what`."""
    own = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    unseen = {id(inner) for outer in _never_computed(tree) for inner in ast.walk(outer)}
    if unseen and not any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body):
        yield "1: annotations that are computed"
    for node in ast.walk(tree):
        if id(node) in unseen:
            continue
        if isinstance(node, ast.Import) and any(alias.name in MODULES for alias in node.names):
            yield f"{node.lineno}: a module"
        elif isinstance(node, ast.ImportFrom) and (
            node.module in MODULES or any(alias.name in NAMES for alias in node.names)
        ):
            yield f"{node.lineno}: {node.module}"
        elif isinstance(node, ast.Attribute) and node.attr in NAMES and ast.unparse(node.value).lstrip("_") != "libc":
            yield f"{node.lineno}: {node.attr}"
        elif isinstance(node, ast.Name) and node.id in NAMES - own:
            yield f"{node.lineno}: {node.id}"
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if any((name, keyword.arg) in ARGUMENTS for keyword in node.keywords):
                yield f"{node.lineno}: an argument of {name}"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            if any(_is_type(side) for side in (node.left, node.right)):
                yield f"{node.lineno}: a union of types"


def _never_computed(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield annotations, and what stands below `if TYPE_CHECKING:`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield from node.body
        for name in ("annotation", "returns"):
            found = getattr(node, name, None)
            if isinstance(found, ast.expr):
                yield found


def _is_type(node: ast.expr) -> bool:
    if isinstance(node, ast.Subscript):
        node = node.value
    return (isinstance(node, ast.Constant) and node.value is None) or (isinstance(node, ast.Name) and node.id in TYPES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_too_young(path: Path) -> None:
    """A module parses as the oldest Python's, and uses nothing that came later."""
    assert list(too_young(ast.parse(path.read_text(), feature_version=OLDEST))) == []


@pytest.mark.parametrize(
    "line",
    [
        "from itertools import pairwise",
        "import tomllib",
        "zip(a, b, strict=True)",
        "@dataclasses.dataclass(slots=True)\nclass A: ...",
        "Name = str | None",
        "isinstance(a, dict | B)",
        "def f(a: int | None): ...",
        "from typing import TypeAlias",
        "(5).bit_count()",
    ],
)
def test_what_is_too_young_is_found(line: str) -> None:
    """The test above sees what it is to see."""
    assert list(too_young(ast.parse(line, feature_version=OLDEST)))


def test_syntax_is_looked_at() -> None:
    """`match` is no syntax of the oldest Python."""
    with pytest.raises(SyntaxError):
        ast.parse("match a:\n    case 1: pass\n", feature_version=OLDEST)


def test_the_requirements_fit_each_python() -> None:
    """Each promised Python gets exactly one requirement of each package; berkeleydb's last releases for 3.9 and 3.10 are named."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    assert config["options"]["python_requires"] == ">={}.{}".format(*OLDEST)
    lines = config["options"]["install_requires"].strip().splitlines()
    for version, greatest in (((3, 9), "18.1.14"), ((3, 10), "18.1.15"), ((3, 11), None), ((3, 13), None)):
        fitting = [line.partition(";")[0].strip() for line in lines if _fits(line.partition(";")[2], version)]
        assert sorted(re.split(r"\W", line)[0] for line in fitting) == ["berkeleydb", "click"]
        assert re.findall(r"<= *([\d.]+)", fitting[0]) == ([greatest] if greatest else [])


def _fits(marker: str, version: tuple[int, int]) -> bool:
    """Evaluate the one kind of marker that setup.cfg has, comparisons of python_version with `and` between them."""
    verdicts = []
    for term in filter(None, (part.strip() for part in marker.split(" and "))):
        matched = re.fullmatch(r'python_version (<|==|>=) "(\d+)\.(\d+)"', term)
        assert matched, term
        wanted = (int(matched[2]), int(matched[3]))
        verdicts.append({"<": version < wanted, "==": version == wanted, ">=": version >= wanted}[matched[1]])
    return all(verdicts)
