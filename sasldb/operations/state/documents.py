"""Documents: the text of a YAML or JSON file as a tree that remembers its lines.

A node is `(value, line)`: the value is None, a bool, an int, a str, `Unquoted`, a list of nodes, or a dict of text to nodes; the
1-based line is None for JSON, whose parser tells none. A key that stands twice in one mapping is an error, and so is a second YAML
document, a tag, and a merge key (`<<`, an ordinary key here); anchors and aliases are taken.

YAML is read as PyYAML's events, from its C parser where there is one: a tenth of the time of its own trees, and a plain scalar that
YAML 1.1 takes for something other than text (`no`, `0123`, `1e3`, a date) is known as such and never silently turned into text.

Errors: ExchangeError with the line, never with a scalar; SasldbError where PyYAML is not installed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional, Union

from sasldb.errors import ExchangeError, SasldbError

Line = Optional[int]
Value = Union[None, bool, int, str, "Unquoted", list["Node"], dict[str, "Node"]]
Node = tuple[Value, Line]

_TEXT = "tag:yaml.org,2002:str"
_KINDS = {"int": "a number", "float": "a number", "timestamp": "a date", "bool": "yes or no", "null": "nothing"}
_DEEP = "nested too deeply"
_LONGEST_NUMBER = 18  # digits


class Unquoted:
    """A scalar that is neither text nor a plain whole number; `kind` says what the document's language takes it for."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


def parse(content: bytes, source: str) -> Node:
    """Return the tree of the document `content` (UTF-8), in the language that the name `source`, or the content, tells.

    Raises:
        ExchangeError: not UTF-8, or not well-formed. SasldbError: YAML without PyYAML.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ExchangeError(source, "not UTF-8", line) from None
    name = source.lower()
    is_json = name.endswith(".json") or (not name.endswith((".yaml", ".yml")) and text.lstrip().startswith("{"))
    return from_json(text, source) if is_json else from_yaml(text, source)


def kind_of(value: Value) -> str:
    """Return what `value` is, as words for a message that must not show it."""
    if isinstance(value, Unquoted):
        return value.kind
    words = {bool: "yes or no", int: "a number", str: "text", list: "a list", dict: "a mapping"}
    return words.get(type(value), "nothing")


def is_plain(key: str) -> bool:
    """Tell whether `key` is a word that an error may show; anything else might hold a password."""
    return key.isascii() and key.replace("_", "").replace("-", "").isalpha()


def _shown(key: str) -> str:
    return f"the key {key!r}" if is_plain(key) else "a key"


def from_json(text: str, source: str) -> Node:
    """Return the tree of a JSON document; ExchangeError where it is none."""
    import json

    def mapping(pairs: list[tuple[str, Value]]) -> dict[str, Node]:
        found: dict[str, Node] = {key: (value, None) for key, value in pairs}
        if len(found) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise ExchangeError(source, f"{_shown(twice)} stands twice in one object")
        return found

    def number(digits: str) -> Value:
        return int(digits) if len(digits) <= _LONGEST_NUMBER else Unquoted("a number")

    def other(_: str) -> Value:
        return Unquoted("a number")

    try:
        value = json.loads(text, object_pairs_hook=mapping, parse_int=number, parse_float=other, parse_constant=other)
        return _placed(value), None
    except json.JSONDecodeError as error:
        raise ExchangeError(source, f"not JSON: {error.msg}", error.lineno) from None
    except RecursionError:
        raise ExchangeError(source, _DEEP) from None


def _placed(value: Any) -> Value:
    """Turn the lists of a JSON value into lists of nodes; its objects are ones already, but for lists in them."""
    if isinstance(value, list):
        return [(_placed(item), None) for item in value]
    if isinstance(value, dict):
        for key, (item, line) in value.items():
            if isinstance(item, (list, dict)):
                value[key] = (_placed(item), line)
    return value  # type: ignore[no-any-return]


def from_yaml(text: str, source: str) -> Node:
    """Return the tree of a YAML document.

    Raises:
        ExchangeError: it is none, is empty, or holds what this project does not take. SasldbError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise SasldbError(
            source, "reading YAML needs PyYAML", "install python3-yaml or sasldb[yaml], or write JSON"
        ) from None
    compiled = getattr(yaml, "CSafeLoader", None)  # its messages never quote the text
    loader: Any = compiled or yaml.SafeLoader
    try:
        return _Tree(yaml, yaml.parse(text, Loader=loader), source).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        if compiled and "nesting" in (error.problem or ""):  # libyaml 0.2.6 has a limit of its own
            raise ExchangeError(source, _DEEP, mark.line + 1 if mark else None) from None
        reason = f"not YAML: {error.problem}" if compiled and error.problem else "not YAML"
        raise ExchangeError(source, reason, mark.line + 1 if mark else None) from None
    except yaml.YAMLError:
        raise ExchangeError(source, "not YAML: a character that must not stand in it") from None
    except RecursionError:
        raise ExchangeError(source, _DEEP) from None


class _Tree:
    """Builds the nodes of one document from PyYAML's events."""

    def __init__(self, yaml: Any, events: Iterator[Any], source: str) -> None:
        self._yaml = yaml
        self._events = events
        self._source = source
        self._anchors: dict[str, Node] = {}
        self._resolve = yaml.resolver.Resolver().resolve

    def document(self) -> Node:
        yaml = self._yaml
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise ExchangeError(self._source, "empty")
        node = self._node(next(self._events))
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise self._error("a second document", after)
        return node

    def _node(self, event: Any) -> Node:
        yaml = self._yaml
        kind = type(event)
        value: Value
        if kind is yaml.ScalarEvent:
            value = self._scalar(event)
        elif kind is yaml.AliasEvent:
            if event.anchor not in self._anchors:
                raise self._error("an alias without an anchor before it", event)
            return self._anchors[event.anchor]
        elif event.tag is not None:
            raise self._error("a tag", event)
        elif kind is yaml.MappingStartEvent:
            value = self._mapping()
        else:
            value = self._list()
        node = (value, event.start_mark.line + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _mapping(self) -> dict[str, Node]:
        yaml = self._yaml
        found: dict[str, Node] = {}
        for event in self._events:
            if type(event) is yaml.MappingEndEvent:
                break
            if type(event) is not yaml.ScalarEvent:
                raise self._error("a key that is no word", event)
            if event.value in found:
                line = event.start_mark.line + 1
                raise ExchangeError(self._source, f"{_shown(event.value)} stands twice in one mapping", line)
            value, _ = self._node(next(self._events))
            found[event.value] = (value, event.start_mark.line + 1)
        return found

    def _list(self) -> list[Node]:
        end = self._yaml.SequenceEndEvent
        found = []
        for event in self._events:
            if type(event) is end:
                break
            found.append(self._node(event))
        return found

    def _scalar(self, event: Any) -> Value:
        text: str = event.value
        plain, quoted = event.implicit
        if event.tag is not None or not (plain or quoted):
            if event.tag == _TEXT:
                return text
            raise self._error("a tag", event)
        if not plain:
            return text
        tag = self._resolve(self._yaml.ScalarNode, text, (True, False))
        if tag == _TEXT:
            return text
        kind = tag.rpartition(":")[2]
        if kind == "bool":
            return text.lower() in ("yes", "true", "on")
        if kind == "null":
            return None
        digits = kind == "int" and text.isdigit() and (text == "0" or text[0] != "0") and len(text) <= _LONGEST_NUMBER
        return int(text) if digits else Unquoted(_KINDS.get(kind, "no text"))

    def _error(self, what: str, event: Any) -> ExchangeError:
        return ExchangeError(self._source, f"{what}, which is not taken here", event.start_mark.line + 1)
