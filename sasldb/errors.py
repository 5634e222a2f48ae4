"""The one exception tree.

Everything that this package raises on purpose is a `SasldbError`. A message names the thing, the reason and, where there
is one, the next step: `/etc/sasldb2: not a database; run: sasldb check`. No message, argument or attribute ever
holds a password or a stored secret.

A wrong password is no error: `verify` returns a verdict (see `sasldb.model.verdict`).
"""

from __future__ import annotations


class SasldbError(Exception):
    """Base of every error of this package.

    Attributes:
        subject: what it is about (a path, a user id, an option), as text.
        reason: what is wrong, without a final full stop.
        remedy: the next step as a phrase (`run: ...`), or "" where none is known.
    """

    def __init__(self, subject: str, reason: str, remedy: str = "") -> None:
        self.subject = subject
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{subject}: {reason}; {remedy}" if remedy else f"{subject}: {reason}")

    def __reduce__(self) -> tuple[object, ...]:
        """Let copy, pickle and with it multiprocessing carry the error, though `args` is not what the classes are made from."""
        return _restored, (type(self), self.args, self.__dict__)


class DatabaseError(SasldbError):
    """One database file cannot serve. `path` is the file as the caller named it."""

    def __init__(self, path: str, reason: str, remedy: str = "") -> None:
        self.path = path
        super().__init__(path, reason, remedy)


class NotFound(DatabaseError):
    """There is no such file, or a link that leads nowhere."""


class EmptyFile(DatabaseError):
    """The file has zero bytes: it is no database yet, and never taken for one."""


class FileExists(DatabaseError):
    """There is a file with something in it where a new database was to be made."""


class UnknownFormat(DatabaseError):
    """The file is not a database of any format known here."""


class FormatUnavailable(DatabaseError):
    """The format is known, but this installation or this version cannot read or write it."""


class Corrupt(DatabaseError):
    """The file is a database of a known format, but damaged. `page` is the 0-based page number, or None."""

    def __init__(self, path: str, reason: str, page: int | None = None, remedy: str = "") -> None:
        self.page = page
        super().__init__(path, reason if page is None else f"page {page}: {reason}", remedy)


class Locked(DatabaseError):
    """Somebody else held the lock for longer than the caller wanted to wait."""


class Conflict(DatabaseError):
    """A program that takes no locks changed, while it was being edited, what the edit was based on."""


class UnsafeFile(DatabaseError):
    """The path or file is not one that secrets may be read from or written to."""


class AccessDenied(DatabaseError):
    """The operating system refused to read or change the file."""


class WriteFailed(DatabaseError):
    """The new file could not be completed (disk full, I/O error, owner not settable ...); the old one still stands."""


class StaleCopy(DatabaseError):
    """The database WAS changed; its copy in Postfix's chroot, which is `path`, was not. The only error after which a change stands."""


class ReportLost(SasldbError):
    """A change was made and stands, and standard output could not be told of it."""


class EntryError(SasldbError):
    """A user or a record cannot be what was asked for."""


class NoSuchUser(EntryError):
    """The database has no record of that user."""


class UserExists(EntryError):
    """The database already has records of that user."""


class BadName(EntryError):
    """A user, realm or property name that cannot be stored."""


class BadPassword(EntryError):
    """A password that cannot be stored so that libsasl accepts it (empty, with NUL, too long). Never holds it."""


class ExchangeError(SasldbError):
    """A line or record of another store cannot be read. `source` is its file, `line` the 1-based line number or None."""

    def __init__(self, source: str, reason: str, line: int | None = None, remedy: str = "") -> None:
        self.source = source
        self.line = line
        super().__init__(source if line is None else f"{source}:{line}", reason, remedy)


class MechanismError(SasldbError):
    """A SASL mechanism or stored secret cannot do what was asked. `subject` is the property or mechanism."""


class SecretUnusable(MechanismError):
    """A stored secret that does not parse or that this installation cannot compute."""


class BadMessage(MechanismError):
    """The peer of a login broke the protocol."""


class SiteConfigError(SasldbError):
    """libsasl's or Postfix's configuration cannot be used. `line` is the 1-based line number or None."""

    def __init__(self, path: str, reason: str, line: int | None = None, remedy: str = "") -> None:
        self.path = path
        self.line = line
        super().__init__(path if line is None else f"{path}:{line}", reason, remedy)


def quoted(word: str) -> str:
    """Return `word` (a path, a user id) as a POSIX shell reads it back, for the command line that a remedy names."""
    if word and not word.strip(_PLAIN):
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def _restored(kind: type[SasldbError], args: tuple[object, ...], attributes: dict[str, object]) -> SasldbError:
    """Return the error that `__reduce__` took apart."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error


_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%"
