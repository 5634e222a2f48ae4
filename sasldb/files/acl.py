"""POSIX access control lists, as the kernel keeps them in an extended attribute of a file.

In a file with a list, the group bits of the mode are the list's mask: what named users, named groups and the owning group may have at
most. The owning group's own permissions are an entry of the list.

Source: Linux, include/uapi/linux/posix_acl_xattr.h (layout: little endian, a version, then entries of tag, permissions and id), and
acl(5) for what the entries mean. Raises nothing but OSError from `put`.
"""

from __future__ import annotations

import os

ATTRIBUTE = "system.posix_acl_access"
_VERSION = (2).to_bytes(4, "little")
_ENTRY = 8  # bytes
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20


class Acl:
    """One list: `entries`, each (tag, permission bits 0-7, uid or gid), in the kernel's order."""

    __slots__ = ("entries",)

    def __init__(self, entries: list[tuple[int, int, int]]) -> None:
        self.entries = entries

    @classmethod
    def of(cls, file: int | str) -> Acl | None:
        """Return the list of a file, given by descriptor or path; None where it has none, or none is known here."""
        try:
            value = os.getxattr(file, ATTRIBUTE)
        except (AttributeError, OSError):
            return None  # no list, or a system or file system without them
        if value[:4] != _VERSION or len(value) % _ENTRY != 4:
            return None
        pieces = [value[at : at + _ENTRY] for at in range(4, len(value), _ENTRY)]
        number = int.from_bytes
        return cls(
            [(number(one[:2], "little"), number(one[2:4], "little"), number(one[4:], "little")) for one in pieces]
        )

    def put(self, fd: int) -> None:
        """Make it the list of the open file `fd`; OSError where the system refuses."""
        pieces = [
            tag.to_bytes(2, "little") + bits.to_bytes(2, "little") + number.to_bytes(4, "little")
            for tag, bits, number in self.entries
        ]
        os.setxattr(fd, ATTRIBUTE, _VERSION + b"".join(pieces))

    @property
    def text(self) -> str:
        """The list as `setfacl --set` takes it, numbers for names."""
        named = {_USER: "u:{}", _GROUP: "g:{}", _USER_OBJ: "u:", _GROUP_OBJ: "g:", _MASK: "m:", _OTHER: "o:"}
        return ",".join(f"{named[tag].format(number)}:{_letters(bits)}" for tag, bits, number in self.entries)

    @property
    def mask(self) -> int:
        """The most that all but the owner and others may have."""
        return next((bits for tag, bits, _ in self.entries if tag == _MASK), 7)

    def of_group(self) -> int:
        """Return what the owning group may do."""
        return self.mask & next((bits for tag, bits, _ in self.entries if tag == _GROUP_OBJ), 0)

    def of_user(self, uid: int) -> int | None:
        """Return what the list lets user `uid` do by an entry of that user; None where it names another or none."""
        found = [bits & self.mask for tag, bits, number in self.entries if (tag, number) == (_USER, uid)]
        return found[0] if found else None

    def of_groups(self, gids: frozenset[int]) -> list[int]:
        """Return what each named group of `gids` may do; [] where the list names none of them."""
        return [bits & self.mask for tag, bits, number in self.entries if tag == _GROUP and number in gids]

    def as_mode(self, mode: int) -> Acl:
        """Return a list whose entries of the owner, the mask (without one, the owning group) and others are those of `mode`."""
        group = _MASK if any(tag == _MASK for tag, _, _ in self.entries) else _GROUP_OBJ
        shifts = {_USER_OBJ: 6, group: 3, _OTHER: 0}
        return Acl(
            [(tag, mode >> shifts[tag] & 7 if tag in shifts else bits, number) for tag, bits, number in self.entries]
        )

    def granting(self, mode: int, group: int) -> Acl:
        """Return a list with which the owning group may do `group`, the owner what `mode` says, others nothing, and all else is as before.

        What the mask took from an entry stays taken, also where the mask grows.
        """
        entries = []
        for tag, bits, number in self.entries:
            if tag == _GROUP_OBJ:
                bits = group
            elif tag in (_USER, _GROUP):
                bits &= self.mask
            elif tag in (_USER_OBJ, _OTHER):
                bits = mode >> 6 & 7 if tag == _USER_OBJ else 0
            entries.append((tag, bits, number))
        most = 0
        for tag, bits, _ in entries:
            most |= bits if tag in (_USER, _GROUP_OBJ, _GROUP) else 0
        return Acl([(tag, most if tag == _MASK else bits, number) for tag, bits, number in entries])


def _letters(bits: int) -> str:
    return "".join(letter for letter, bit in (("r", 4), ("w", 2), ("x", 1)) if bits & bit) or "-"
