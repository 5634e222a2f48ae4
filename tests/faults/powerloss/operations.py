"""The operations whose records are taken apart: what is there before, and the commands."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import sasldb
from tests.faults import careless_edit, one_library_edit
from tests.faults.databases import age, build
from tests.faults.powerloss.places import COPY, Place

USERS, SIZE = 24, 400  # few users with long passwords fill many blocks, and are quickly read
MANY, SIZE_OF_MANY = 1_600, 800  # the file is larger than 1 MiB
LONG = b"n" * 3000 + b"\n"  # makes the file grow
_SHORT = b"new-password\n"


@dataclass(frozen=True)
class Command:
    """One command: a `program` of `Tools` and its `words`."""

    program: str
    words: tuple[str, ...]
    stdin: bytes = _SHORT
    changes: bool = True


@dataclass(frozen=True)
class Operation:
    """What is done to a database.

    Attributes:
        setting: see `places`. users: how many there are before; None: there is no file. mode, uid, gid: of the file before.
        env: of the commands. torn: the power goes once in the midst of it, and what is tried is the next command.
        fewest: states that there must be, lest nothing was tried.
    """

    name: str
    commands: tuple[Command, ...]
    setting: str = "plain"
    users: int | None = USERS
    mode: int = 0o640
    uid: int = 0
    gid: int = 0
    env: dict[str, str] = field(default_factory=dict)
    torn: bool = False
    fewest: int = 20

    def build(self, place: Place) -> None:
        """Make the database as it is before."""
        if self.users is None:
            return
        build(place.path, self.users, SIZE_OF_MANY if self.users == MANY else SIZE)
        if place.path == Path("/etc/sasldb2"):
            COPY.touch()
            with sasldb.edit(str(place.path)) as db:
                db.set_password("earlier@example.com", b"earlier-password")
            return
        os.chown(place.path, self.uid, self.gid)
        place.path.chmod(self.mode)
        age(place.path)

    def finishing(self) -> Operation:
        """Return the command that comes after a power failure, in the place of this one's own."""
        return replace(self, commands=(delete("user5"),), torn=False)


class Tools:
    """The programs, by their paths: ours, and Berkeley DB's own check."""

    def __init__(self, saslpasswd2: str, sasldb_command: str, db_verify: str) -> None:
        self.saslpasswd2 = saslpasswd2
        self.sasldb = sasldb_command
        self.db_verify = db_verify

    def argv(self, command: Command, place: Place) -> list[str]:
        """Return the argument list of `command` on the database at `place`."""
        if command.program == "saslpasswd2":
            return [self.saslpasswd2, *place.options, "-u", "example.com", *command.words]
        if command.program == "sasldb":
            return [self.sasldb, command.words[0], *place.options, *command.words[1:]]
        script = careless_edit if command.program == "careless" else one_library_edit
        return [sys.executable, "-I", str(script.__file__), str(place.path), *command.words]

    def next_command(self, place: Place) -> list[str]:
        """Return the command that makes the user `next`."""
        return self.argv(create("next"), place)


def create(user: str, password: bytes = _SHORT) -> Command:
    """Return the drop-in's command that makes `user`."""
    return Command("saslpasswd2", ("-p", "-c", user), password)


def change(user: str) -> Command:
    """Return the drop-in's command that changes the password of `user`."""
    return Command("saslpasswd2", ("-p", user))


def delete(user: str) -> Command:
    """Return the drop-in's command that deletes `user`."""
    return Command("saslpasswd2", ("-d", user))


_BY_LIBRARY = Command("library", ("set", "new", "delete", "user1"))
_RENAME = Command("sasldb", ("rename-realm", "example.com", "example.net"), b"")
_MANY_BY_LIBRARY = Command("library", tuple(word for number in range(40) for word in ("set", f"new{number}")))
_NOTHING = Command("library", (), changes=False)
_OTHER_GROUP = {"SASLDB_GROUP": "65500"}

OPERATIONS = (
    Operation("create", (create("new"),)),
    Operation("create by the library", (_BY_LIBRARY,)),
    Operation("change", (change("user5"),)),
    Operation("delete", (delete("user5"),)),
    Operation("change of another user's file", (change("user5"),), uid=65501, gid=65502),
    Operation("owner and mode alone", (_NOTHING,), mode=0o664, gid=65502, env=_OTHER_GROUP, fewest=4),
    Operation("first create, and one more", (create("new", LONG), create("other")), users=None),
    Operation("first create by the library", (_MANY_BY_LIBRARY,), users=None),
    Operation("overwrite, two names", (create("new", LONG),), "linked", mode=0o644),
    Operation(
        "overwrite by the library, another group", (_BY_LIBRARY,), "linked", mode=0o664, gid=65502, env=_OTHER_GROUP
    ),
    Operation("overwrite, mounted", (create("new", LONG),), "mounted", mode=0o660, gid=65502),
    Operation("overwrite, read-only directory", (create("new", LONG),), "readonly"),
    Operation("two overwrites", (create("new", LONG), delete("user5")), "linked"),
    Operation("two overwrites, read-only directory", (create("new", LONG), delete("user5")), "readonly"),
    Operation("finish of an overwrite", (create("new", LONG),), "linked", torn=True),
    Operation("finish of an overwrite, read-only directory", (create("new", LONG),), "readonly", torn=True),
    Operation("change and delete, copy in the chroot", (change("user5"), delete("user5")), "default"),
    Operation("rename of a realm", (_RENAME,), users=MANY),
    Operation("rename of a realm, two names", (_RENAME,), "linked", users=MANY),
)
