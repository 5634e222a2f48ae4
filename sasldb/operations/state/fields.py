"""The fields of one mapping in a document: typed access, and errors that name the place and the line.

See `documents` for the tree, `statefile` for who uses it. Errors: ExchangeError, which shows keys and never a value.
"""

from __future__ import annotations

from sasldb.errors import ExchangeError
from sasldb.operations.state.documents import Node, Unquoted, is_plain, kind_of


class Fields:
    """The mapping at `place` (text, "" for the document itself) of the file `source`; `defaults` answers for what it lacks."""

    __slots__ = ("_defaults", "_source", "_table", "line", "place")

    def __init__(
        self, node: Node, place: str, source: str, keys: tuple[str, ...], defaults: Fields | None = None
    ) -> None:
        """Take the mapping; `keys` are those that it may have.

        Raises:
            ExchangeError: no mapping, or one with another key.
        """
        table, self.line = node
        self.place = place
        self._source = source
        self._defaults = defaults
        if not isinstance(table, dict):
            raise self._wrong("", "a mapping", node)
        self._table = table
        for key in table:
            if key not in keys:
                raise self._unknown(key, keys)

    def __contains__(self, name: str) -> bool:
        """Tell whether the mapping itself has `name`."""
        return name in self._table

    def node(self, name: str) -> Node | None:
        """Return the node of `name`, here or among the defaults, None where there is none."""
        node = self._table.get(name)
        return self._defaults.node(name) if node is None and self._defaults is not None else node

    def text(self, name: str) -> str | None:
        """Return the text of `name`, None where there is none; ExchangeError for anything but text."""
        node = self.node(name)
        if node is None:
            return None
        value = node[0]
        if not isinstance(value, str):
            raise self._wrong(name, "text", node)
        return value

    def word(self, name: str, words: tuple[str, ...]) -> str | None:
        """Return the text of `name`, which is one of `words`, None where there is none; ExchangeError for another."""
        word = self.text(name)
        if word is None or word in words:
            return word
        raise self.error(name, f"none of {', '.join(words)}")

    def number(self, name: str) -> int | None:
        """Return the whole number `name`, None where there is none; ExchangeError for anything else."""
        node = self.node(name)
        if node is None:
            return None
        value = node[0]
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number", node)
        return value

    def items(self, name: str) -> list[Node]:
        """Return the nodes of the list `name`; ExchangeError where it is missing or no list."""
        node = self.node(name)
        if node is None:
            raise self.error(name, "missing")
        value = node[0]
        if not isinstance(value, list):
            raise self._wrong(name, "a list", node)
        return value

    def error(self, name: str, reason: str, remedy: str = "") -> ExchangeError:
        """Return the error about field `name`, or about the whole mapping for ""."""
        node = self.node(name) if name else None
        return ExchangeError(self._source, f"{self._path(name)}{reason}", node[1] if node else self.line, remedy)

    def _path(self, name: str) -> str:
        path = ".".join(filter(None, (self.place, name)))
        return f"{path}: " if path else ""

    def _wrong(self, name: str, wanted: str, node: Node) -> ExchangeError:
        value, line = node
        quotable = wanted == "text" and isinstance(value, (bool, int, Unquoted))
        reason = f"{self._path(name)}{kind_of(value)} where {wanted} is expected"
        return ExchangeError(self._source, reason, line, "put it in quotes" if quotable else "")

    def _unknown(self, key: str, keys: tuple[str, ...]) -> ExchangeError:
        from difflib import get_close_matches

        if not is_plain(key):  # who forgets the blank behind a colon makes a key of name and password
            remedy = "a colon needs a blank behind it" if ":" in key else f"the keys here are {', '.join(keys)}"
            return ExchangeError(self._source, f"{self._path('')}unknown key", self._table[key][1], remedy)
        near = get_close_matches(key, keys, 1)
        remedy = f"did you mean {near[0]}?" if near else f"the keys here are {', '.join(keys)}"
        return ExchangeError(self._source, f"{self._path('')}unknown key {key!r}", self._table[key][1], remedy)
