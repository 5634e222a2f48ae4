"""YAML and JSON become the same tree, with lines where YAML tells them; whatever is no document is an error that shows no value."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sasldb.errors import ExchangeError, SasldbError
from sasldb.operations.state import documents
from sasldb.operations.state.documents import Node, Unquoted, kind_of, parse

SECRET = "wonderland"


def bare(node: Node) -> Any:
    """Return a tree as plain values, without lines."""
    value, _ = node
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items()}
    return [bare(item) for item in value] if isinstance(value, list) else value


def test_lines() -> None:
    """A YAML node knows the line of its key, or of its beginning in a list."""
    value, line = parse(b"a: 1\nb:\n  - x\n  - c: y\n", "s.yml")
    assert line == 1 and isinstance(value, dict)
    assert value["a"] == (1, 1)
    items, line = value["b"]
    assert line == 2 and items == [("x", 3), ({"c": ("y", 4)}, 4)]


SCALARS = [
    ("wonder land", "wonder land"),
    ("'1'", "1"),
    ('"no"', "no"),
    ("!!str 12", "12"),
    ("yes", True),
    ("Off", False),
    ("12", 12),
    ("0", 0),
    ("~", None),
    ("", None),
    ("|\n  x\n", "x\n"),
    ("ü", "ü"),
]


@pytest.mark.parametrize("text, value", SCALARS)
def test_yaml_scalars(text: str, value: object) -> None:
    """Quoted scalars are text; plain ones are what YAML 1.1 takes them for, and text only where it does."""
    assert bare(parse(f"a: {text}\n".encode(), "s.yml")) == {"a": value}


@pytest.mark.parametrize(
    "text, kind",
    [("0123", "a number"), ("1.5", "a number"), ("2024-01-01", "a date"), ("0x1f", "a number"), ("9" * 30, "a number")],
)
def test_yaml_scalars_that_lose_something(text: str, kind: str) -> None:
    """A plain scalar that would come out changed is neither text nor number, and its kind can be told."""
    value, _ = parse(f"a: {text}\n".encode(), "s.yml")
    assert isinstance(value, dict)
    scalar = value["a"][0]
    assert isinstance(scalar, Unquoted) and kind_of(scalar) == kind


def test_aliases() -> None:
    """An alias stands for what its anchor holds."""
    assert bare(parse(b"- &x {a: b}\n- *x\n", "s.yml")) == [{"a": "b"}, {"a": "b"}]


BROKEN = {
    "empty": ("", "empty"),
    "comment": ("# nothing\n", "empty"),
    "unclosed": (f"a: [{SECRET}\n", "s.yml:2: not YAML"),
    "indicator": (f"a: @{SECRET}\n", "s.yml:1: not YAML"),
    "control": (f"a: {SECRET}\x07\n", "a character that must not stand in it"),
    "twice": (f"a: {SECRET}\nb: 1\na: x\n", "s.yml:3: the key 'a' stands twice"),
    "second document": (f"a: {SECRET}\n---\nb: 1\n", "a second document"),
    "tag": (f"a: !vault {SECRET}\n", "s.yml:1: a tag"),
    "object": (f"a: !!python/object:os.system [{SECRET}]\n", "s.yml:1: a tag"),
    "alias": (f"a: {SECRET}\nb: *x\n", "s.yml:2: an alias without an anchor"),
    "circle": ("a: &x [*x]\n", "an alias without an anchor"),
    "key": (f"? [{SECRET}]\n: 1\n", "a key that is no word"),
    "deep": ("[" * 3000 + "]" * 3000, "nested too deeply"),
}


@pytest.mark.parametrize("text, message", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("compiled", [True, False], ids=["libyaml", "python"])
def test_broken_yaml(text: str, message: str, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no YAML of this project's is an error with the line, and shows no value; with PyYAML's C parser and without it."""
    if not compiled:
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    with pytest.raises(ExchangeError) as caught:
        parse(text.encode(), "s.yml")
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"a": "%s"' % SECRET, "s.json:1: not JSON"),
        ('{"a": 1, "a": "%s"}' % SECRET, "the key 'a' stands twice"),
        ('{"a": 1, "b": "%s", "c": 2, "b": 3}' % SECRET, "the key 'b' stands twice"),
        ("[" * 100_000, "nested too deeply"),
        ('\n{"%s' % SECRET, "s.json:2: not JSON"),
    ],
)
def test_broken_json(text: str, message: str) -> None:
    """What is no JSON, or has a key twice, is an error that shows no value."""
    with pytest.raises(ExchangeError) as caught:
        parse(text.encode(), "s.json")
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


def test_not_utf8() -> None:
    """A document that is no UTF-8 is named with the line."""
    with pytest.raises(ExchangeError, match=r"s\.yml:2: not UTF-8"):
        parse(b"a: b\nc: \xff\n", "s.yml")


@pytest.mark.parametrize("name", ["state", "-", "/dev/fd/63"])
def test_language_by_content(name: str) -> None:
    """Where the name tells nothing, a brace at the beginning makes it JSON."""
    assert parse(b' {"a": "b"}', name)[1] is None
    assert parse(b"a: b", name)[1] == 1


def test_without_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyYAML, YAML is refused with the package's name, and JSON goes on working."""
    import sys

    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(SasldbError, match="python3-yaml"):
        parse(b"a: b", "s.yml")
    assert bare(parse(b'{"a": "b"}', "s.json")) == {"a": "b"}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**17) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_json_round_trip(value: object) -> None:
    """Every JSON value comes back as it went."""
    assert bare(documents.from_json(json.dumps(value), "s.json")) == value


@given(JSON_VALUES)
def test_yaml_round_trip(value: object) -> None:
    """Every value that PyYAML writes comes back as it went, with escapes for what ASCII lacks.

    Written as it is (allow_unicode), U+0085 does not even come back to PyYAML itself.
    """
    assert bare(documents.from_yaml(yaml.safe_dump(value), "s.yml")) == value


@given(st.binary(max_size=200), st.sampled_from(["s.yml", "s.json"]))
def test_any_bytes(content: bytes, name: str) -> None:
    """Any bytes at all are a document, or the one error."""
    try:
        parse(content, name)
    except ExchangeError:
        pass
