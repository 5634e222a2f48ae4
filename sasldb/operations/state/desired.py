"""The desired state of a database: which users there shall be, with which password, stored how; and which shall be gone.

Values only. A file or directory becomes one in `statefile` and `sources`; `planning` finds what it takes to get there, `applying` does it.
For a script:

    state = Desired([Wish(UserId(b"alice", b"example.com"), Secret(b"wonderland")),
                     Wish(UserId(b"bob", b"example.com"), present=False)])

Errors: BadPassword, BadName, EntryError (a user who is there twice; pruning with nobody left).
"""

from __future__ import annotations

from collections.abc import Iterable

from sasldb.errors import BadName, EntryError
from sasldb.model.identity import UserId
from sasldb.model.secret import Secret
from sasldb.model.text import to_text
from sasldb.operations.storing import Storing
from sasldb.store.editing import check_storable

AS_BEFORE = Storing()


class Wish:
    """What one user shall be.

    Attributes:
        user: the `UserId`.
        password: a `Secret`; None keeps the one that is stored, so the user must be there.
        present: whether the user shall be there at all; if not, nothing else counts.
        storing: how the password is stored; without a choice in it, as the old one was, and as plaintext for a new user.
        always: whether a user who is there gets this password too, and not only a new one.
    """

    __slots__ = ("always", "password", "present", "storing", "user")

    def __init__(
        self,
        user: UserId,
        password: Secret | None = None,
        *,
        present: bool = True,
        storing: Storing = AS_BEFORE,
        always: bool = True,
    ) -> None:
        """Take the wish.

        Raises:
            BadName: an empty user. BadPassword: a password that libsasl could not use.
        """
        if not user.user:
            raise BadName(str(user), "an empty user name")
        if password is not None:
            check_storable(user, password.reveal())
        self.user = user
        self.password = password
        self.present = present
        self.storing = storing
        self.always = always

    def __repr__(self) -> str:
        return f"Wish({self.user}, {'present' if self.present else 'absent'})"


class Desired:
    """All wishes, one a user, and the realms whose other users shall go.

    Attributes:
        wishes: `UserId.prefix` -> Wish, in the order given.
        prune: the realms (bytes) of which every user without a wish is deleted; empty unless asked for.
        notes: sentences about where the state comes from, for the person who keeps it there.
    """

    __slots__ = ("notes", "prune", "wishes")

    def __init__(self, wishes: Iterable[Wish], prune: Iterable[bytes] = (), notes: Iterable[str] = ()) -> None:
        """Take the wishes.

        Raises:
            EntryError: a user has two; or a realm is to be pruned, and no wish is for a user who shall be there.
        """
        self.wishes: dict[bytes, Wish] = {}
        for wish in wishes:
            if self.wishes.setdefault(wish.user.prefix, wish) is not wish:
                raise EntryError(str(wish.user), "stands twice in the desired state")
        self.prune = frozenset(prune)
        self.notes = tuple(notes)
        if self.prune and not any(wish.present for wish in self.wishes.values()):
            realms = ", ".join(sorted(map(to_text, self.prune)))
            raise EntryError(realms, "pruning would delete every user, for the desired state has none", "name one")

    def __len__(self) -> int:
        return len(self.wishes)
