"""The copy of a default database in Postfix's chroot, kept true to it.

A chrooted smtpd opens the database's path inside its jail, so what it reads is a copy. Where one is in use, it is replaced after each
change of the database, by the same steps and under a lock of its own. Who changes the database reads it again once the copy is locked, so
whoever comes last brings the newest.

A file in the jail need not be a copy: some people work on it alone. It is taken for one only if nothing of its own can be lost:
- it has zero bytes, or the very bytes that the database had before the change;
- or all its records are records of the database too, so that it is only behind;
- or it was made by these steps, and nobody has written to it since (`files.copied`): what it has more was deleted from the database.
Times and relationship alone would not do: a password that was changed in the jail first and in the database later looks the same as one
that was changed in the database alone.

Errors: StaleCopy: the change of the database stands, and the copy could not follow.
"""

from __future__ import annotations

import os
import stat

from sasldb.errors import Conflict, DatabaseError, NotFound, SecretUnusable, StaleCopy
from sasldb.files import copied
from sasldb.files.deadline import Deadline
from sasldb.files.draft import write_all
from sasldb.files.exclusive import Exclusive
from sasldb.files.lock import open_regular
from sasldb.files.place import Place
from sasldb.files.refusals import close, refusal
from sasldb.files.snapshot import Snapshot
from sasldb.model.record import split_key
from sasldb.policy.ownership import OwnershipOptions
from sasldb.secrets import otp
from sasldb.store.reading import Database

_WAIT = 30.0  # seconds, for the copy's lock
_PIECE = 1 << 20
_OTP = otp.NAME.encode()


class ChrootCopy:
    """The file at `path`, as it stands to the locked database `held` before that is changed.

    Attributes:
        foreign: whether it is something else than a copy. same: whether it is the database itself, under another name.
    """

    __slots__ = ("_held", "_options", "foreign", "path", "same")

    def __init__(self, held: Exclusive, path: str, options: OwnershipOptions) -> None:
        """Judge it, while the database is as it was; `options` are those of the database."""
        self._options = options
        self._held = held
        self.path = path
        self.same = self.foreign = False
        database = held.status()
        try:
            with Place(path) as place:
                status = place.directory.status(place.name)
            if database is not None and os.path.samestat(status, database):
                self.same = True
            elif stat.S_ISREG(status.st_mode) and status.st_size:
                self.foreign = not (_has_no_records(path) if held.fd is None else _is_copy(path, held.path, held.fd))
        except (OSError, NotFound):
            pass  # `follow` meets it again, and reports it
        except DatabaseError:
            self.foreign = True

    def follow(self) -> list[str]:
        """Make the copy what the database is now, and return sentences about it.

        Raises:
            StaleCopy: see the module.
        """
        if self.same:
            return []
        if self.foreign:
            return [f"{self.path}: not a copy of {self._held.path}, and left as it is"]
        try:
            wishes = self._options.for_copy()
            return copy(self._held.path, self.path, wishes, deadline=self._held.deadline)
        except DatabaseError as error:
            remedy = "mend that, then run: sasldb postfix setup"
            reason = f"{self._held.path} was changed, this copy of it was not: {error.reason}"
            raise StaleCopy(self.path, reason, remedy) from error


def copy(
    source: str, target: str, wishes: OwnershipOptions, create: bool = False, deadline: Deadline | None = None
) -> list[str]:
    """Make the file `target` a copy of the database `source`, under the lock of the former, and return sentences about it.

    With `create` it need not exist. If it is a copy already, owner and mode are made right. All waiting counts against `deadline`.

    Raises:
        DatabaseError: one cannot be read, or the other not written; what was there stands.
    """
    held = Exclusive(target, wishes, create, deadline or Deadline(_WAIT))
    try:
        snapshot = Snapshot(source, held.deadline)
        try:
            if held.fd is not None and _same_content(snapshot, held):
                held.adjust()
            elif not held.replace(lambda draft: _pour(snapshot, draft, target)):
                raise Conflict(target, "another process has made it just now", "run this again")
            _note(snapshot, held)
        finally:
            snapshot.close()
        return held.notes
    finally:
        held.close()


def is_copy(path: str, database: str) -> bool:
    """Tell whether the file `path` is a copy, new or old, of the file `database`, so that nothing is lost with it.

    The errors are those of reading them as files; one that is no sound database is a copy only by its bytes, or by the note on it.
    """
    with Place(database) as place:
        original = open_regular(place)
    try:
        return _is_copy(path, database, original)
    except OSError as error:
        raise refusal(path, "cannot be compared", error) from error
    finally:
        close(original)


def _is_copy(path: str, database: str, opened: int) -> bool:
    """Tell whether the file `path` is a copy, new or old, of `database`, which descriptor `opened` has open."""
    size = os.fstat(opened).st_size
    with Place(path) as place:
        fd = open_regular(place)
    try:
        present = os.fstat(fd).st_size
        same = present == size and _same_bytes(fd, opened, size)
        return not present or same or copied.untouched(fd) or _adds_nothing(path, database)
    finally:
        close(fd)


def _adds_nothing(path: str, database: str) -> bool:
    """Tell whether all records of the database `path` are in `database`."""
    try:
        with Database(path) as copy_, Database(database) as ours:
            present = dict(ours.records())
            return all(present.get(key) == value for key, value in copy_.records())
    except DatabaseError:
        return False


def moved_on(key: bytes, copied: bytes | None, ours: bytes | None) -> bool:
    """Tell whether the record `copied` is what became of one-time passwords, in the database `ours`, by logins."""
    names = split_key(key)
    if names is None or names[2] != _OTP or copied is None or ours is None:
        return False
    try:
        used, fresh = otp.parse(copied), otp.parse(ours)
    except SecretUnusable:
        return False
    return (used.algorithm, used.seed) == (fresh.algorithm, fresh.seed) and used.sequence < fresh.sequence


def _has_no_records(path: str) -> bool:
    """Tell whether `path` is a database without records; the errors are those of reading one."""
    with Database(path) as database:
        return next(database.records(), None) is None


def _same_bytes(one: int, other: int, size: int) -> bool:
    return all(os.pread(one, _PIECE, at) == os.pread(other, _PIECE, at) for at in range(0, size, _PIECE))


def _same_content(source: Snapshot, target: Exclusive) -> bool:
    if source.size != target.size:
        return False
    return all(source.read(at, _PIECE) == target.read(at, _PIECE) for at in range(0, source.size, _PIECE))


def _note(source: Snapshot, target: Exclusive) -> None:
    """Note on the file at the place of `target` that it is a copy, if it still has what `source` has: the time is taken before that is looked at."""
    try:
        fd = target.place.directory.open_file(target.place.name, os.O_RDONLY | os.O_NONBLOCK)
        try:
            status = os.fstat(fd)
            same = all(source.read(at, _PIECE) == os.pread(fd, _PIECE, at) for at in range(0, source.size, _PIECE))
            if same and status.st_size == source.size:
                copied.note(fd, status.st_mtime_ns)
                os.fsync(fd)
        finally:
            close(fd)
    except OSError:
        pass  # it is a copy all the same, of which less is known


def _pour(source: Snapshot, draft: str, path: str) -> None:
    """Make the content of the file `draft` that of the snapshot; `path` is what errors call it."""
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            for at in range(0, source.size, _PIECE):
                write_all(fd, source.read(at, _PIECE), at)
        finally:
            close(fd)
    except OSError as error:
        raise refusal(path, "cannot be written", error) from error
