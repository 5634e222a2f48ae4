"""A set of changes to records, independent of what the file holds, so that it can be applied again when the file has moved on.

Two kinds: a record's new value (or its removal), and the blind removal of some or all properties of a user, whichever of them
the file holds by then.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sasldb.formats.table import Pages

    Values = dict[bytes, "bytes | None"]

_FEW = 64  # keys that are cheaper looked up one by one than by going through the file


class ChangeSet:
    """Changes in the order of their making; later ones win. Keys and values are bytes; a value of None is a removal."""

    __slots__ = ("_cleared", "_values")

    def __init__(self) -> None:
        self._values: Values = {}
        self._cleared: dict[bytes, frozenset[bytes] | None] = {}

    def __bool__(self) -> bool:
        return bool(self._values or self._cleared)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set one record to `value`, or remove it (None)."""
        self._values[key] = value

    def clear(self, prefix: bytes, names: frozenset[bytes] | None) -> None:
        """Remove the properties `names` (None: all) of the user whose keys begin with `prefix` (see `UserId.prefix`)."""
        for key in [prefix + name for name in names] if names is not None else self._keys_of(prefix):
            self._values.pop(key, None)
        before = self._cleared.get(prefix, frozenset())
        self._cleared[prefix] = None if before is None or names is None else before | names

    def _keys_of(self, prefix: bytes) -> list[bytes]:
        return [key for key in self._values if key.startswith(prefix)]

    def value(self, key: bytes, otherwise: Callable[[bytes], bytes | None]) -> bytes | None:
        """Return the value of `key` after these changes; `otherwise` tells it where they do not touch it."""
        if key in self._values:
            return self._values[key]
        return None if self._clears(key) else otherwise(key)

    def added(self, present: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """Return the records (key, value) that the changes set and that are not among the keys `present`."""
        there = frozenset(present)
        return [(key, value) for key, value in self._values.items() if value is not None and key not in there]

    def resolve(self, pages: Pages | None) -> Values:
        """Return what is to be put and removed (None) in a file that holds `pages`, without what would change nothing.

        Raises:
            Corrupt: where the file is damaged.
        """
        if pages is None:
            return {key: value for key, value in self._values.items() if value is not None}
        keys = self._candidates()
        if keys is not None and len(keys) <= _FEW:
            present = look_up(pages, keys)
        else:
            present = {key: old for key, old in pages.items() if key in self._values or self._clears(key)}
        changes: Values = {key: None for key in present if key not in self._values}
        changes.update((key, value) for key, value in self._values.items() if present.get(key) != value)
        return changes

    def _candidates(self) -> list[bytes] | None:
        """Return every key that the changes may touch; None where only the file can tell or they are more than a few."""
        keys = list(self._values)
        for prefix, names in self._cleared.items():
            if names is None or len(keys) > _FEW:
                return None
            keys.extend(prefix + name for name in names)
        return keys

    def _clears(self, key: bytes) -> bool:
        if not self._cleared:
            return False
        end = key.find(0, key.find(0) + 1) + 1
        name = key[end:]
        names = self._cleared.get(key[:end], frozenset())
        return (names is None and 0 not in name) or (names is not None and name in names)


def look_up(pages: Pages, keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return key -> value for those of `keys` that `pages` has; many are found in one pass through the file."""
    wanted = keys if isinstance(keys, (dict, list)) else list(keys)
    if len(wanted) <= _FEW:
        found = ((key, pages.get(key)) for key in wanted)
        return {key: value for key, value in found if value is not None}
    among = frozenset(wanted)
    records: dict[bytes, bytes] = {}
    for key, value in pages.items():
        if key in among:
            records.setdefault(key, value)
    return records
