"""The schema of a desired-state file: from the tree of a document to wishes, with a named place for everything that is wrong.

    realm: example.com            # of users that name none
    storage: no_plaintext         # or plaintext; these four are defaults, and each user may have its own
    scram: SHA-256
    iterations: 4096
    update_password: always       # or on_create
    prune: true                   # or a list of realms; not unless asked for
    users:
      - name: alice               # or alice@example.org, or with realm: example.org
        password: wonderland      # or password_file: alice.txt, beside this file; or neither: the user stays as it is
      - name: bob
        state: absent             # or present

docs/apply.md explains it. Unknown keys, values of another type and users that stand twice are errors: `state.yml:7: users[2].storage: ...`.

Errors: ExchangeError; those of reading a password file; SiteConfigError for the realms `postfix` and `mydomain`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from sasldb import bounds
from sasldb.errors import BadName, EntryError, SasldbError, quoted
from sasldb.model.identity import UserId
from sasldb.model.secret import Secret
from sasldb.model.text import to_bytes
from sasldb.operations import location, passwords
from sasldb.operations.state.desired import AS_BEFORE, Desired, Wish
from sasldb.operations.state.documents import Node
from sasldb.operations.state.fields import Fields
from sasldb.operations.storing import Storing
from sasldb.secrets.scram import FEWEST, HASHES, MOST
from sasldb.store.accounts import host_realm

DEFAULTS = ("realm", "storage", "scram", "iterations", "update_password")
TOP = (*DEFAULTS, "prune", "users")
USER = ("name", *DEFAULTS, "password", "password_file", "state")
STORAGES = ("no_plaintext", "plaintext")
SCRAM = tuple(HASHES)
UPDATES = ("always", "on_create")
STATES = ("present", "absent")
_HOLDS_PASSWORDS = ""


def read(tree: Node, source: str, realm: str | None = None, prune: Iterable[str] = ()) -> Desired:
    """Return what the document `tree` desires.

    Args:
        tree: see `documents`.
        source: its file, for messages and for finding password files beside it.
        realm: of users without one, where the file has none either; None is the host's name in lower case.
        prune: more realms to prune.

    Raises:
        ExchangeError, SasldbError: see the module.
    """
    return _Reader(source, realm).desired(tree, prune)


class _Reader:
    """Reads one document; keeps what its users have in common."""

    def __init__(self, source: str, realm: str | None) -> None:
        self._source = source
        self._directory = os.path.dirname(source)
        self._fallback = realm
        self._realms: dict[str | None, bytes] = {}
        self._storings: dict[tuple[str | None, str | None, int | None], Storing] = {(None, None, None): AS_BEFORE}
        self._notes: dict[str, None] = {}
        self._files: dict[str, Secret] = {}
        self._size = 0  # bytes of these

    def desired(self, tree: Node, prune: Iterable[str]) -> Desired:
        top = Fields(tree, "", self._source, TOP)
        users = top.items("users")
        self._storing(top)  # defaults are looked at even where no user falls back on them
        top.word("update_password", UPDATES)
        top.text("realm")
        wishes: dict[bytes, Wish] = {}
        for number, node in enumerate(users, 1):
            user = Fields(node, f"users[{number}]", self._source, USER, top)
            wish = self._wish(user)
            if wishes.setdefault(wish.user.prefix, wish) is not wish:
                raise user.error("", f"{wish.user} stands twice")
            if "password" in user:
                self._notes.setdefault(_HOLDS_PASSWORDS)
        if self._notes.pop(_HOLDS_PASSWORDS, self) is None:
            self._notes.update(dict.fromkeys(exposure(self._source)))
        realms = [*map(self._realm, prune), *self._pruned(top, wishes.values())]
        return Desired(wishes.values(), realms, self._notes)

    def _wish(self, user: Fields) -> Wish:
        user_id = self._user_id(user)
        present = user.word("state", STATES) != "absent"
        storing = self._storing(user)
        always = user.word("update_password", UPDATES) != "on_create"
        try:
            password = self._password(user) if present else None
            return Wish(user_id, password, present=present, storing=storing, always=always)
        except EntryError as error:
            raise user.error("", f"{user_id}: {error.reason.partition(',')[0]}") from None

    def _user_id(self, user: Fields) -> UserId:
        name = user.text("name")
        if name is None:
            raise user.error("name", "missing")
        try:
            if "@" in name:
                if "realm" in user:
                    raise user.error("realm", "beside a name that has its own behind @")
                return UserId.parse(name)
            realm = user.text("realm")
            return UserId(to_bytes(name), self._realm(self._fallback if realm is None else realm))
        except BadName:
            raise user.error("name", "not a name that can be stored") from None

    def _password(self, user: Fields) -> Secret | None:
        name = user.text("password_file")
        if name is not None:
            if "password" in user:
                raise user.error("password_file", "beside password")
            return self._from_file(os.path.join(self._directory, os.fsdecode(to_bytes(name))))
        text = user.text("password")
        if text is None:
            return None
        if "\n" in text or "\r" in text:
            raise user.error("password", "not one line; behind | YAML keeps a newline, behind |- it does not")
        try:
            return Secret(text.encode("utf-8", "surrogateescape"))  # not by to_bytes, whose error shows it
        except UnicodeEncodeError:
            raise user.error("password", "half a surrogate pair, which is no text") from None

    def _from_file(self, path: str) -> Secret:
        """Return the password in the file `path`, which is read once however many users have it."""
        if path not in self._files:
            self._files[path], notes = passwords.from_file(path)
            self._notes.update(dict.fromkeys(notes))
            self._size += len(self._files[path])
            if self._size > bounds.LARGEST:
                raise SasldbError(path, f"with the password files before it {bounds.TOO_LARGE}")
        return self._files[path]

    def _storing(self, table: Fields) -> Storing:
        choice = (table.word("storage", STORAGES), table.word("scram", SCRAM), table.number("iterations"))
        kind, hash, iterations = choice
        for name in ("scram", "iterations"):
            if table.place and kind != "no_plaintext" and name in table:
                raise table.error(name, "only beside storage: no_plaintext")
        if choice not in self._storings:
            if iterations is not None and not FEWEST <= iterations <= MOST:
                raise table.error("iterations", f"not between {FEWEST} and {MOST}, what Cyrus's clients accept")
            verified = kind == "no_plaintext"
            plaintext = None if kind is None else not verified
            self._storings[choice] = Storing(plaintext, hash if verified else None, iterations if verified else None)
        return self._storings[choice]

    def _pruned(self, top: Fields, wishes: Iterable[Wish]) -> Iterator[bytes]:
        """Yield the realms that the file itself wants pruned; for `true`, its own and those of users who shall be there."""
        value, _ = top.node("prune") or (False, None)
        if value is True:
            yield from {wish.user.realm for wish in wishes if wish.present}
            if "realm" in top:
                yield self._realm(top.text("realm"))
        elif value is not False:
            for name, _ in value if isinstance(value, list) else [(None, None)]:
                if not isinstance(name, str):
                    raise top.error("prune", "neither true, false nor a list of realms")
                try:
                    yield self._realm(name)
                except BadName:
                    raise top.error("prune", "not a realm that can be stored") from None

    def _realm(self, name: str | None) -> bytes:
        """Return the realm of that name, the words `postfix` and `mydomain` replaced; the host's for None."""
        if name not in self._realms:
            real = location.realm(name)
            self._realms[name] = host_realm() if real is None else UserId(b"", to_bytes(real)).realm
        return self._realms[name]


def exposure(path: str) -> list[str]:
    """Return the sentence that everybody may read the passwords in `path`, where it is a file or directory and they may."""
    import stat

    try:
        status = os.stat(path)
    except OSError:
        return []  # standard input, say
    readable = status.st_mode & stat.S_IROTH and (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))
    return [f"{path}: everybody may read it, and it holds passwords; run: chmod o= {quoted(path)}"] if readable else []
