"""Owner, mode and extended attributes of an open file (SELinux, access control lists).

An access control list of the model is copied with the entries that the mode stands for set to the mode first: at no moment does it give
more than at the end. Source of its layout: Linux, include/uapi/linux/posix_acl_xattr.h.

Errors: OSError stays inside this room.
"""

from __future__ import annotations

import os
import stat
import struct

_LIST = "system.posix_acl_access"
_OF_CONTENT = frozenset({"security.ima", "security.evm"})  # signatures: they hold for the old content only
_HEADER = 4  # bytes: a version
_ENTRY = struct.Struct("<HHI")  # tag, permissions, id
_OWNER, _GROUP, _MASK, _OTHERS = 0x01, 0x04, 0x10, 0x20


def set_metadata(fd: int, uid: int, gid: int, mode: int, model: int | None) -> None:
    """Give the open file `fd` owner, group and mode, and the extended attributes of the open file `model`.

    Without a model a list that the file got from its directory is removed: it would give access that the mode does not show.
    """
    status = os.fstat(fd)
    if (status.st_uid, status.st_gid) != (uid, gid):
        os.fchown(fd, uid, gid)
    names = _names(model)
    if _LIST not in names:
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
    if _LIST in _names(fd):
        os.removexattr(fd, _LIST)


def _copy(name: str, model: int, fd: int, mode: int) -> None:
    if name in _OF_CONTENT:
        return
    value = os.getxattr(model, name)
    if name == _LIST:
        value = tightened(value, mode)
    try:
        if os.getxattr(fd, name) == value:
            return
    except OSError:
        pass  # it has none
    os.setxattr(fd, name, value)


def tightened(value: bytes, mode: int) -> bytes:
    """Return the access control list `value` (as the attribute has it) with the entries of owner, mask or group, and others as in `mode`."""
    entries = [list(entry) for entry in _ENTRY.iter_unpack(value[_HEADER:])]
    group = _MASK if any(entry[0] == _MASK for entry in entries) else _GROUP
    shifts = {_OWNER: 6, group: 3, _OTHERS: 0}
    for entry in entries:
        if entry[0] in shifts:
            entry[1] = mode >> shifts[entry[0]] & 7
    return value[:_HEADER] + b"".join(_ENTRY.pack(*entry) for entry in entries)


def change_metadata(fd: int, status: os.stat_result, uid: int, gid: int, mode: int) -> None:
    """Give the open file `fd`, whose status is `status`, owner, group and mode, so that it never gives more than before or after."""
    present = stat.S_IMODE(status.st_mode)
    if present & ~mode:
        os.fchmod(fd, present & mode)
    if (status.st_uid, status.st_gid) != (uid, gid):
        os.fchown(fd, uid, gid)
    if present & mode != mode:
        os.fchmod(fd, mode)
