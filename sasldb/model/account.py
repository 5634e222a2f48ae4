"""Accounts: everything that one database holds for one user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sasldb.model.identity import UserId
from sasldb.model.text import to_text


class Properties(Mapping[str, bytes]):
    """Property name (str) -> value (bytes, as stored), in the file's own order. Its repr names them and shows no value."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, bytes]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> bytes:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Properties({', '.join(self._values)})"


class Account:
    """One user and its properties. `user` and `realm` are text (see `model.text`), `id` holds the bytes."""

    __slots__ = ("id", "properties")

    def __init__(self, user_id: UserId, properties: Mapping[str, bytes]) -> None:
        self.id = user_id
        self.properties = Properties(properties)

    @property
    def user(self) -> str:
        """The user's name without its realm."""
        return to_text(self.id.user)

    @property
    def realm(self) -> str:
        """The realm's name."""
        return to_text(self.id.realm)

    def __repr__(self) -> str:
        return f"Account({self.id}, {self.properties!r})"
