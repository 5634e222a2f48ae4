"""Owner, mode and extended attributes of an open file (SELinux, access control lists).

An access control list of the model is copied with the entries that the mode stands for set to the mode first: at no moment does it give
more than at the end.

Errors: OSError stays inside this room.
"""

from __future__ import annotations

import os

from sasldb.files.acl import ATTRIBUTE, Acl

_OF_CONTENT = frozenset({"security.ima", "security.evm"})  # signatures: they hold for the old content only


def set_metadata(fd: int, uid: int, gid: int, mode: int, model: int | None) -> None:
    """Give the open file `fd` owner, group and mode, and the extended attributes of the open file `model`.

    Without a model a list that the file got from its directory is removed: it would give access that the mode does not show.
    """
    status = os.fstat(fd)
    if (status.st_uid, status.st_gid) != (uid, gid):
        os.fchown(fd, uid, gid)
    names = _names(model)
    if ATTRIBUTE not in names:
        _drop_list(fd)
    if model is not None:
        for name in names:
            _copy(name, model, fd, mode)
    os.fchmod(fd, mode)  # after the list: its mask is the mode's group


def _names(fd: int | None) -> list[str]:
    try:
        return [] if fd is None else os.listxattr(fd)
    except (OSError, AttributeError):
        return []  # a file system or system without extended attributes


def _drop_list(fd: int) -> None:
    if ATTRIBUTE in _names(fd):
        os.removexattr(fd, ATTRIBUTE)


def _copy(name: str, model: int, fd: int, mode: int) -> None:
    if name in _OF_CONTENT:
        return
    acl = Acl.of(model) if name == ATTRIBUTE else None
    if acl is not None:
        acl.as_mode(mode).put(fd)
        return
    value = os.getxattr(model, name)
    try:
        if os.getxattr(fd, name) == value:
            return
    except OSError:
        pass  # it has none
    os.setxattr(fd, name, value)
