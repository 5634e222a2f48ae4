"""Where a path leads: the directory, opened once, and the file's name in it.

The path is walked component by component, each looked up relative to the one before, so that a directory which is exchanged meanwhile
leads nowhere else. Links are followed, so that the target is replaced and never the link; but a link which somebody else could have put
there (owned by neither root nor us, in a directory that other users may write to) is refused. Source: path_resolution(7).

Errors: UnsafeFile (such a link, a loop of links, not the path of a file), NotFound (a dangling link), AccessDenied; DatabaseError for
whatever else the system says.
"""

from __future__ import annotations

import errno
import os
import stat

from sasldb.errors import NotFound, UnsafeFile
from sasldb.files.directory import LOOK, Directory
from sasldb.files.refusals import close, refusal

_MOST_LINKS = 40  # as the kernel's own limit, path_resolution(7)


class Place:
    """The place of one file. Close it after use.

    Attributes:
        path: as the caller named it. name: the file's name in `directory`. It need not exist, but is no link.
        directory: the open directory. exposed: the directories on the way in which other users may exchange what the path names.
    """

    __slots__ = ("directory", "exposed", "name", "path")

    def __init__(self, path: str) -> None:
        """Walk `path` (text); the errors are those of the module."""
        if not path or path.endswith("/") or "\0" in path:
            raise UnsafeFile(path.replace("\0", "\\0"), "not the path of a file")
        self.path = path
        try:
            absolute = path if path.startswith("/") else os.path.join(os.getcwd(), path)
        except OSError as error:
            raise refusal(path, "the current directory cannot be told", error) from error
        try:
            walk = _Walk(path, absolute)
        except OSError as error:
            raise refusal(path, "cannot be reached", error) from error
        self.directory = walk.directory
        self.name = walk.name
        self.exposed = walk.exposed

    @property
    def real(self) -> str:
        """The absolute path without links, as it was when it was walked."""
        return self.directory.path_of(self.name)

    def close(self) -> None:
        """Give the directory's descriptor back."""
        self.directory.close()

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def warnings(self) -> list[str]:
        """Return what is worrying about the file's place, as sentences without a full stop; [] when nothing is."""
        if self.exposed[-1:] == [self.directory.path]:
            return [f"{self.real}: other users may write to its directory {self.directory.path}"]
        return [
            f"{self.real}: other users may write to {path}, and exchange what is in it" for path in self.exposed[:1]
        ]


class _Walk:
    """The walk along an absolute path; afterwards `directory`, `name` and `exposed` are those of a `Place`."""

    def __init__(self, path: str, absolute: str) -> None:
        self._path = path
        self._pending = absolute.split("/")[::-1]
        self._links = 0
        self._link = False  # whether the path's last component is a link: what follows is its target
        self.exposed: list[str] = []
        self.name = ""
        self.directory = Directory(os.open("/", LOOK | os.O_DIRECTORY), "/")
        try:
            while not self.name:
                self._step()
        except BaseException:
            self.directory.close()
            raise

    def _step(self) -> None:
        """Take the next component."""
        while self._pending and self._pending[-1] in ("", "."):
            self._pending.pop()
        if not self._pending:
            raise UnsafeFile(self._path, "not a regular file")
        name = self._pending.pop()
        try:
            fd = os.open(name, LOOK | os.O_NOFOLLOW, dir_fd=self.directory.fd)
        except FileNotFoundError:
            self._end(name)
            return
        try:
            status = os.fstat(fd)
            if name != "..":
                self._look_around(status)
            if stat.S_ISLNK(status.st_mode):
                self._follow(name, fd, status.st_uid)
            elif stat.S_ISDIR(status.st_mode) and self._more():
                fd = self._enter(name, fd, status)
            elif self._more():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            elif name == "..":
                raise UnsafeFile(self._path, "not a regular file")
            else:
                self.name = name
        finally:
            close(fd)

    def _more(self) -> bool:
        return any(name not in ("", ".") for name in self._pending)

    def _end(self, name: str) -> None:
        """Stop at `name`, which does not exist."""
        if self._link:
            target = os.path.join(self.directory.path_of(name), *self._pending[::-1])
            raise NotFound(
                self._path, f"a link to {target}, which does not exist", "make the target, or remove the link"
            )
        if self._more():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._look_around(None)
        self.name = name

    def _look_around(self, entry: os.stat_result | None) -> None:
        """Note whether others may exchange `entry`, which is in the directory where the walk is."""
        if not self.directory.open_to_others() or self.directory.path in self.exposed:
            return
        # In a sticky directory only the owners of the entry and of the directory may rename an entry.
        here = self.directory.itself
        ours = (0, os.geteuid())
        protected = here.st_mode & stat.S_ISVTX and here.st_uid in ours and entry is not None and entry.st_uid in ours
        if not protected or not self._more():
            self.exposed.append(self.directory.path)

    def _enter(self, name: str, fd: int, status: os.stat_result) -> int:
        """Go into the directory `fd`; return the descriptor that is to be closed."""
        left = self.directory
        up = os.path.dirname(left.path) if name == ".." else left.path_of(name)
        self.directory = Directory(fd, up, status)
        return left.fd

    def _follow(self, name: str, fd: int, owner: int) -> None:
        """Go on where the link `fd` points to."""
        link = self.directory.path_of(name)
        self._links += 1
        if self._links > _MOST_LINKS:
            raise UnsafeFile(self._path, "too many links, or a loop of links")
        if owner not in (0, os.geteuid()) and self.directory.open_to_others():
            raise UnsafeFile(
                self._path, f"{link} is a link owned by uid {owner} in a directory that others may write to"
            )
        target = os.readlink("", dir_fd=fd)
        self._link = self._link or not self._more()
        if target.startswith("/"):
            self._enter_root()
        self._pending.extend(target.split("/")[::-1])

    def _enter_root(self) -> None:
        root = Directory(os.open("/", LOOK | os.O_DIRECTORY), "/")
        self.directory.close()
        self.directory = root
