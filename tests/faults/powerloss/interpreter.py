"""From system calls to what they did on the disk: data, attributes, names and syncs.

Calls by path, relative to a directory's descriptor, and through /proc/self/fd are understood. What is outside the watched
directories is passed over. A call that changes watched files in a way that is not modelled here is an error, never overlooked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.faults.powerloss.disk import Disk, Event, Reserve, Resize, Write
from tests.faults.powerloss.lookup import Lookup, Open, Place
from tests.faults.powerloss.recording import Call
from tests.faults.powerloss.tree import Tree

_TIME = re.compile(r"tv_sec=(-?\d+), tv_nsec=(\d+)")
_UMASK = 0o022


class Interpreter:
    """Follows one recording after the other; `ids` are the owner and group of new files."""

    def __init__(self, tree: Tree, disk: Disk, ids: tuple[int, int] = (0, 0)) -> None:
        self.tree = tree
        self._ids = ids
        self._lookup = Lookup(tree, disk)

    def events(self, calls: list[Call]) -> Iterator[Event]:
        """Yield what `calls` did, in order."""
        self._lookup.fds.clear()
        for call in calls:
            handler = getattr(self, f"_{call.name}", None)
            if handler is None:
                self._unknown(call)
                continue
            for event in handler(call):
                self._lookup.follow(event)
                yield event

    def names(self) -> dict[int, dict[str, int]]:
        """Return what is in each directory now."""
        return self._lookup.names

    def content(self, inode: int) -> bytes:
        """Return what is in a file now."""
        return bytes(self._lookup.contents[inode])

    # Descriptors

    def _openat(self, call: Call, at: int = 1) -> Iterator[Event]:
        key = (call.pid, call.result)
        self._lookup.fds.pop(key, None)
        flags = call.word(at + 1)
        place = self._lookup.place(call, at, at - 1 if at else None)
        if place is None:
            return
        if "O_TMPFILE" in flags:
            inode = self.tree.new_inode()
            yield Event("file", inode, str(call), attributes=self._born(call, at + 2))
            self._lookup.fds[key] = Open(inode)
            return
        if place.inode is None:
            if "O_CREAT" not in flags:
                return  # a file that is not watched, such as a link
            inode = self.tree.new_inode()
            yield Event("file", inode, str(call), attributes=self._born(call, at + 2))
            yield Event("names", place.parent, str(call), names=((place.name, inode),))
        else:
            inode = place.inode
            if "O_TRUNC" in flags and self._lookup.contents[inode]:
                yield Event("data", inode, str(call), change=Resize(0))
        self._lookup.fds[key] = Open(inode, 0, "O_APPEND" in flags)

    def _open(self, call: Call) -> Iterator[Event]:
        return self._openat(call, 0)

    def _born(self, call: Call, at: int) -> dict[str, object]:
        return {"mode": call.number(at) & ~_UMASK, "uid": self._ids[0], "gid": self._ids[1]}

    def _close(self, call: Call) -> Iterator[Event]:
        self._lookup.fds.pop((call.pid, call.number(0)), None)
        return iter(())

    def _dup(self, call: Call) -> Iterator[Event]:
        opened = self._lookup.opened(call, 0)
        self._lookup.fds.pop((call.pid, call.result), None)
        if opened is not None:
            self._lookup.fds[call.pid, call.result] = opened
        return iter(())

    _dup2 = _dup3 = _dup

    def _fcntl(self, call: Call) -> Iterator[Event]:
        return self._dup(call) if call.word(1).startswith("F_DUPFD") else iter(())

    def _lseek(self, call: Call) -> Iterator[Event]:
        opened = self._lookup.opened(call, 0)
        if opened is not None:
            opened.position = call.result
        return iter(())

    def _clone(self, call: Call) -> Iterator[Event]:
        self._lookup.fds.update(
            {(call.result, fd): opened for (pid, fd), opened in list(self._lookup.fds.items()) if pid == call.pid}
        )
        return iter(())

    _clone3 = _fork = _vfork = _clone

    def _mmap(self, call: Call) -> Iterator[Event]:
        if len(call) > 4 and call.fd(4) is not None and self._lookup.opened(call, 4) is not None:
            assert "PROT_WRITE" not in call.word(2) or "MAP_PRIVATE" in call.word(3), f"not modelled: {call}"
        return iter(())

    def _unknown(self, call: Call) -> None:
        """Let pass a call that is not modelled, unless it names something that is watched."""
        for index in range(len(call)):
            word = call.word(index)
            if word.startswith('"'):
                assert self._lookup.place(call, index) is None, f"not modelled: {call}"
            elif word[:1].isdigit() and "<" in word:
                assert self._lookup.opened(call, index) is None, f"not modelled: {call}"

    # Data

    def _pwrite64(self, call: Call) -> Iterator[Event]:
        opened = self._lookup.opened(call, 0)
        if opened is not None and call.result:
            data = call.data(1)[: call.result]
            yield Event("data", opened.inode, str(call), change=Write(call.number(3), data))

    def _write(self, call: Call) -> Iterator[Event]:
        opened = self._lookup.opened(call, 0)
        if opened is not None and call.result:
            at = len(self._lookup.contents[opened.inode]) if opened.append else opened.position
            opened.position = at + call.result
            yield Event("data", opened.inode, str(call), change=Write(at, call.data(1)[: call.result]))

    def _copy_file_range(self, call: Call) -> Iterator[Event]:
        source, target = self._lookup.opened(call, 0), self._lookup.opened(call, 2)
        if target is None or not call.result:
            return
        assert source is not None and "NULL" not in (call.word(1), call.word(3)), f"not modelled: {call}"
        begin = call.number(1)
        data = bytes(self._lookup.contents[source.inode][begin : begin + call.result])
        assert len(data) == call.result, f"{call}: the model has {len(data)} bytes there"
        yield Event("data", target.inode, str(call), change=Write(call.number(3), data))

    def _ftruncate(self, call: Call) -> Iterator[Event]:
        opened = self._lookup.opened(call, 0)
        if opened is not None and len(self._lookup.contents[opened.inode]) != call.number(1):
            yield Event("data", opened.inode, str(call), change=Resize(call.number(1)))

    def _fallocate(self, call: Call) -> Iterator[Event]:
        opened = self._lookup.opened(call, 0)
        if opened is not None:
            assert call.word(1) == "0", f"not modelled: {call}"
            yield Event(
                "data", opened.inode, str(call), change=Reserve(call.number(2), call.number(2) + call.number(3))
            )

    def _fsync(self, call: Call) -> Iterator[Event]:
        opened = self._lookup.opened(call, 0)
        if opened is not None:
            yield Event("sync", opened.inode, str(call))

    def _fdatasync(self, call: Call) -> Iterator[Event]:
        opened = self._lookup.opened(call, 0)
        if opened is not None:
            yield Event("datasync", opened.inode, str(call))

    def _sync(self, call: Call) -> Iterator[Event]:
        yield Event("syncall", 0, str(call))

    # Attributes

    def _set(self, call: Call, inode: int | None, name: str, value: object) -> Iterator[Event]:
        if inode is not None:
            yield Event("attribute", inode, str(call), attribute=(name, value))

    def _by_fd(self, call: Call) -> int | None:
        opened = self._lookup.opened(call, 0)
        return None if opened is None else opened.inode

    def _by_path(self, call: Call, index: int, base: int | None = None) -> int | None:
        place = self._lookup.place(call, index, base)
        return None if place is None else place.inode

    def _owned(self, call: Call, inode: int | None, at: int) -> Iterator[Event]:
        for name, index in (("uid", at), ("gid", at + 1)):
            if call.number(index) != -1:
                yield from self._set(call, inode, name, call.number(index))

    def _fchmod(self, call: Call) -> Iterator[Event]:
        return self._set(call, self._by_fd(call), "mode", call.number(1))

    def _chmod(self, call: Call) -> Iterator[Event]:
        return self._set(call, self._by_path(call, 0), "mode", call.number(1))

    def _fchmodat(self, call: Call) -> Iterator[Event]:
        return self._set(call, self._by_path(call, 1, 0), "mode", call.number(2))

    def _fchown(self, call: Call) -> Iterator[Event]:
        return self._owned(call, self._by_fd(call), 1)

    def _chown(self, call: Call) -> Iterator[Event]:
        return self._owned(call, self._by_path(call, 0), 1)

    _lchown = _chown

    def _fchownat(self, call: Call) -> Iterator[Event]:
        return self._owned(call, self._by_path(call, 1, 0), 2)

    def _fsetxattr(self, call: Call) -> Iterator[Event]:
        return self._set(call, self._by_fd(call), f"xattr {call.path(1)}", call.data(2))

    def _setxattr(self, call: Call) -> Iterator[Event]:
        return self._set(call, self._by_path(call, 0), f"xattr {call.path(1)}", call.data(2))

    def _fremovexattr(self, call: Call) -> Iterator[Event]:
        return self._set(call, self._by_fd(call), f"xattr {call.path(1)}", None)

    def _utimensat(self, call: Call) -> Iterator[Event]:
        inode = self._by_fd(call) if call.word(1) == "NULL" else self._by_path(call, 1, 0)
        times = _TIME.findall(call.word(2))
        assert inode is None or len(times) == 2, f"not modelled: {call}"
        return self._set(call, inode, "mtime", int(times[1][0]) * 10**9 + int(times[1][1]) if times else None)

    # Names

    def _step(self, call: Call, source: Place | None, target: Place | None) -> Iterator[Event]:
        """Move the name `source` to `target`; either may be outside of what is watched."""
        if source is not None and target is not None and source.parent == target.parent:
            yield Event("names", source.parent, str(call), names=((source.name, None), (target.name, source.inode)))
            return
        assert source is None or target is not None, f"not modelled: {call}"
        assert target is None or source is not None, f"not modelled: {call}"
        if source is not None and target is not None:
            yield Event("names", target.parent, str(call), names=((target.name, source.inode),))
            yield Event("names", source.parent, str(call), names=((source.name, None),))

    def _rename(self, call: Call) -> Iterator[Event]:
        return self._step(call, self._lookup.place(call, 0), self._lookup.place(call, 1))

    def _renameat(self, call: Call) -> Iterator[Event]:
        return self._step(call, self._lookup.place(call, 1, 0), self._lookup.place(call, 3, 2))

    def _renameat2(self, call: Call) -> Iterator[Event]:
        assert "EXCHANGE" not in call.word(4), f"not modelled: {call}"
        return self._renameat(call)

    def _linked(self, call: Call, source: Place | None, target: Place | None) -> Iterator[Event]:
        assert (source is None) == (target is None), f"not modelled: {call}"
        if source is not None and target is not None:
            yield Event("names", target.parent, str(call), names=((target.name, source.inode),))

    def _link(self, call: Call) -> Iterator[Event]:
        return self._linked(call, self._lookup.place(call, 0), self._lookup.place(call, 1))

    def _linkat(self, call: Call) -> Iterator[Event]:
        return self._linked(call, self._lookup.place(call, 1, 0), self._lookup.place(call, 3, 2))

    def _gone(self, call: Call, place: Place | None) -> Iterator[Event]:
        if place is not None:
            yield Event("names", place.parent, str(call), names=((place.name, None),))

    def _unlink(self, call: Call) -> Iterator[Event]:
        return self._gone(call, self._lookup.place(call, 0))

    _rmdir = _unlink

    def _unlinkat(self, call: Call) -> Iterator[Event]:
        return self._gone(call, self._lookup.place(call, 1, 0))

    def _made(self, call: Call, place: Place | None, mode: int) -> Iterator[Event]:
        if place is not None:
            inode = self.tree.new_inode()
            attributes: dict[str, object] = {"mode": mode & ~_UMASK, "uid": self._ids[0], "gid": self._ids[1]}
            yield Event("directory", inode, str(call), attributes=attributes)
            yield Event("names", place.parent, str(call), names=((place.name, inode),))

    def _mkdir(self, call: Call) -> Iterator[Event]:
        return self._made(call, self._lookup.place(call, 0), call.number(1))

    def _mkdirat(self, call: Call) -> Iterator[Event]:
        return self._made(call, self._lookup.place(call, 1, 0), call.number(2))
