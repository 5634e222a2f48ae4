"""The commands that give a database the owner and mode that it must have: by the rule of `policy.ownership`, so that nobody loses access.

What the rule leaves alone is for people to decide: such a command is shown, and never run unasked.
"""

from __future__ import annotations

import os
import pwd
from shlex import quote

from sasldb.files.acl import Acl
from sasldb.files.names import group_name, user_name
from sasldb.files.ownership import Ownership
from sasldb.policy.access import group_bits, members
from sasldb.policy.access import group_of, lets_in
from sasldb.policy.ownership import OwnershipOptions, PRIVATE
from sasldb.postfix.checks.writing import writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.postfix.site.site import Site

SASL = "sasl"  # Debian's group for users of the database: nothing else of weight is behind it
_READ, _WRITE = 4, 2


class Remedy:
    """A shell command: `command`, `safe` (nobody loses or gains what was not meant), `why` (a sentence where it is not, else "")."""

    __slots__ = ("command", "safe", "why")

    def __init__(self, command: str, safe: bool = True, why: str = "") -> None:
        self.command = command
        self.safe = safe
        self.why = why


def private(site: Site, path: str) -> Remedy:
    """Return what lets the program in that opens the database, where it does, and keeps others out."""
    status = os.stat(path)
    reader = site.reader if site.opens(path) else None
    if not site.foreign and status.st_uid == _uid(site.user):
        return to_root(site, path)
    after = OwnershipOptions(reader=reader).due_for_root(os.path.realpath(path), status)
    usual = group_of(reader or ("" if site.foreign else site.user))
    commands = [_commands(path, Ownership.of(status), after, usual)]
    acl = after.acl or Acl.of(path)
    if reader is None or lets_in(reader, after, acl):
        return Remedy(_joined(commands))
    group = group_name(after.gid)
    if not members(after.gid):
        return Remedy(_joined([*commands, f"setfacl -m u:{quote(reader)}:r {quote(path)}"]), safe=False)
    if not group_bits(after.mode, acl) & _READ:
        commands.append(f"chmod g+r {quote(path)}")
    commands.insert(0, f"usermod -a -G {quote(group)} {quote(reader)}")
    safe = group == SASL and len(commands) == 2
    why = "" if safe else f"That makes {reader} a member of group {group}: see first what else the group may do."
    return Remedy(_joined(commands), safe, why)


def to_root(site: Site, path: str) -> Remedy:
    """Return what gives the database to root, and to smtpd by its group; safe where only smtpd had it, and does not write."""
    status = os.stat(path)
    mode = PRIVATE | (_WRITE << 3 if writer(site) else 0)
    if status.st_uid == _uid(site.user) and status.st_gid in (0, group_of(site.user)) and Acl.of(path) is None:
        return Remedy(f"chown root:{quote(site.group)} {quote(path)} && chmod {mode:04o} {quote(path)}")
    owner = user_name(status.st_uid)
    why = f"{owner} could do less with it then: see first whether a program runs as that user and needs it."
    return Remedy(f"chown root {quote(path)}", safe=False, why=why)


def restored(site: Site, path: str) -> str:
    """Return the commands that give a file that is made anew at `path` what the one that is there now must have."""
    status = os.stat(path)
    options = OwnershipOptions(reader=site.reader if site.opens(path) else None)
    after = options.due_for_root(os.path.realpath(path), status)
    owner = f"{user_name(after.uid)}:{group_name(after.gid)}"
    commands = [f"chown {quote(owner)} {quote(path)}", f"chmod {after.mode:04o} {quote(path)}"]
    acl = after.acl or Acl.of(path)
    if acl is not None:
        commands.append(f"setfacl --set {acl.text} {quote(path)}")
    return _joined(commands)


def first_group(site: Site) -> str:
    """Return the name of the group of the user as which the program reads the database."""
    gid = group_of(site.reader or "")
    return site.group if gid is None else group_name(gid)


def alone(path: str, user: str) -> bool:
    """Tell whether nobody but `user` and root has access to the file by its group."""
    return set(members(os.stat(path).st_gid)) <= {user} and Acl.of(path) is None


def group_of_file(path: str) -> str:
    """Return the name of a file's group."""
    return group_name(os.stat(path).st_gid)


def _commands(path: str, before: Ownership, after: Ownership, usual: int | None) -> str:
    """Return the commands that make `before` `after`: in full where that is the usual owner and group, else only what differs."""
    if after.acl is not None:
        owner = f"{user_name(after.uid)}:{group_name(after.gid)}"
        return f"chown {quote(owner)} {quote(path)} && setfacl --set {after.acl.text} {quote(path)}"
    commands = []
    if after.uid == 0 and after.gid == usual:
        commands = [f"chown root:{quote(group_name(after.gid))} {quote(path)}", f"chmod {after.mode:04o} {quote(path)}"]
        return _joined(commands)
    if after.uid != before.uid:
        commands.append(f"chown {quote(user_name(after.uid))} {quote(path)}")
    if after.gid != before.gid:
        commands.append(f"chgrp {quote(group_name(after.gid))} {quote(path)}")
    if after.mode == before.mode & 0o770 != before.mode:
        commands.append(f"chmod o-rwx {quote(path)}")
    elif after.mode != before.mode:
        commands.append(f"chmod {after.mode:04o} {quote(path)}")
    return _joined(commands)


def _joined(commands: list[str]) -> str:
    return " && ".join(command for command in commands if command)


def _uid(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return -1
