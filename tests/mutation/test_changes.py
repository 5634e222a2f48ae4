"""Each kind of change is found where it can be made, and is made in its place alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mutation.changes import Change, changes_of
from tests.mutation.rooms import ROOMS, sources, selection


def made(tmp_path: Path, text: str) -> list[Change]:
    """Return the changes of a module of that text."""
    (tmp_path / "module.py").write_text(text, encoding="utf-8")
    return changes_of(tmp_path, "module.py")


def results(tmp_path: Path, text: str, kind: str) -> set[str]:
    """Return what the text becomes by each change of a kind."""
    return {change.applied(text.encode()).decode() for change in made(tmp_path, text) if change.kind == kind}


@pytest.mark.parametrize(
    "kind, text, expected",
    [
        ("comparison", "a < b", {"a <= b", "a >= b"}),
        ("comparison", "a is not None", {"a is None"}),
        ("comparison", "(a) not in (b)", {"(a) in (b)"}),
        ("comparison", "0 < a == b", {"0 <= a == b", "0 >= a == b", "0 < a != b"}),
        ("arithmetic", "(a + (b))", {"(a - (b))"}),
        ("arithmetic", "a |= b", {"a &= b"}),
        ("arithmetic", "a << 4 | b", {"a >> 4 | b", "a << 4 & b"}),
        ("boolean", "a and b and c", {"a or b and c", "a and b or c"}),
        ("sign", "not a", {"(a)"}),
        ("sign", "f(-a)", {"f((a))"}),
        ("condition", "a if b else c", {"a if not (b) else c"}),
        ("condition", "[a for a in b if c]", {"[a for a in b if not (c)]", "[a for a in b if True]"}),
        ("condition", "if a: b()", {"if not (a): b()"}),
        ("condition", "if a == b: c()", set()),
        ("constant", "f(0o640)", {"f(0o641)", "f(0o637)", "f(0o600)"}),
        ("constant", "a = 0", {"a = 1"}),
        ("constant", "a = True", {"a = False"}),
        ("constant", "f(b'ab')", {"f(b'ac')"}),
        ("constant", "f('text')", set()),
        ("arguments swapped", "f(a, b, *c, d=e)", {"f(b, a, *c, d=e)"}),
        ("guard dropped", "if a:\n    raise B", {"if False:\n    raise B"}),
        ("guard dropped", "if a:\n    b()", set()),
        ("call dropped", "f(a)", {"pass"}),
        ("assignment dropped", "a.b = c", {"pass"}),
        ("assignment dropped", "a = c", set()),
        ("raise dropped", "raise A", {"pass"}),
        ("returned value", "def f():\n    return a", {"def f():\n    return None"}),
        ("returned value", "def f():\n    return None", set()),
        ("returned value", "def f():\n    return False", set()),
        (
            "except class",
            "try: a()\nexcept (B, C): d()",
            {"try: a()\nexcept (ZeroDivisionError, C): d()", "try: a()\nexcept (B, ZeroDivisionError): d()"},
        ),
        ("loop", "while a: break", {"while a: continue"}),
        ("deletion dropped", "del a[b]", {"pass"}),
    ],
)
def test_what_can_become_of_it(tmp_path: Path, kind: str, text: str, expected: set[str]) -> None:
    """Each operator, constant, condition, call and statement is changed into its likes, once."""
    assert results(tmp_path, text, kind) == expected


@pytest.mark.parametrize(
    "text",
    [
        "def f(a: int | None = None) -> bytes | None: ...",
        "a: dict[str, int | None]",
        '"""A docstring."""',
        "import a, b",
        "class A:\n    __slots__ = ('a',)",
        "if TYPE_CHECKING:\n    a = f(1, 2)",
        "'%s' % a",
    ],
)
def test_what_no_test_could_notice(tmp_path: Path, text: str) -> None:
    """Types, docstrings, imports and sentences are left alone."""
    assert made(tmp_path, text) == []


def test_formatting_stays(tmp_path: Path) -> None:
    """Comments, blanks, line ends and characters of several bytes around a change stay as they are."""
    text = "é = 'ä'  # é <\nif (é ==   1  # é\n    ):\n    pass  \n"
    assert results(tmp_path, text, "comparison") == {text.replace("==", "!=")}
    assert results(tmp_path, text, "constant") == {text.replace("1", "2"), text.replace("1", "0")}


def test_a_change_is_told_by_its_place_and_its_lines(tmp_path: Path) -> None:
    """A change has the line, the function around it, and the lines that it touches with white space folded."""
    text = "class A:\n    def f(self):\n        return g(\n            a,\n            b,\n        )\n"
    (swapped,) = (change for change in made(tmp_path, text) if change.kind == "arguments swapped")
    assert swapped.where == "module.py:4"
    assert swapped.identity == ("module.py", "A.f", "a, b,", "b, a,")


@pytest.mark.parametrize("name", ROOMS)
def test_the_rooms(name: str) -> None:
    """Every room has modules, changes of them that are programs, and tests that are there, its own first."""
    room = ROOMS[name]
    paths = sources(ROOT, room)
    assert paths and all(selection(ROOT, room, path) for path in paths)
    for pattern in room.tests:
        assert list(ROOT.glob(pattern)), pattern
    content = (ROOT / paths[-1]).read_bytes()
    changes = changes_of(ROOT, paths[-1])
    assert len({change.applied(content) for change in changes}) == len(changes) > 5
    for change in changes:
        ast.parse(change.applied(content))


def test_what_mirrors_a_module_runs_first() -> None:
    """The tests of a room begin with those of the changed module."""
    assert selection(ROOT, ROOMS["policy"], "sasldb/policy/ownership.py")[0] == "tests/policy/test_ownership.py"
