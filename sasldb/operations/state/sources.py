"""Where a desired state comes from: a YAML or JSON file, standard input, or a directory of files named after users.

Of a directory (a mounted Kubernetes secret, say) every entry is one user, by its name, and holds the password: one line. Entries whose names
begin with a dot are passed over; where there is a `..data`, which Kubernetes swaps to publish a new version, all are read from what it leads
to at one moment. Such a state prunes only realms that the caller names.

Errors: ExchangeError (with the place), BadPassword, BadName, EntryError, SiteConfigError, SasldbError (cannot be read).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from sasldb import bounds
from sasldb.errors import EntryError, ExchangeError, SasldbError
from sasldb.model.text import to_bytes
from sasldb.operations import location, passwords
from sasldb.operations.state import documents, statefile
from sasldb.operations.state.desired import Desired, Wish
from sasldb.operations.users import named

STDIN = "-"
_DATA = "..data"  # Kubernetes: a link to the directory that holds the current version


def load(source: str, realm: str | None = None, prune: Iterable[str] = ()) -> Desired:
    """Return the desired state that `source` (a path, or "-" for standard input) holds.

    Args:
        realm: of users that name none, where the file has none either; None is the host's name in lower case.
        prune: realms to prune, more than those that the file itself names.

    Raises:
        SasldbError: see the module.
    """
    if source != STDIN and os.path.isdir(source):
        return from_directory(source, realm, prune)
    data, name = content(source)
    return statefile.read(documents.parse(data, name), name, realm, prune)


def from_directory(directory: str, realm: str | None = None, prune: Iterable[str] = ()) -> Desired:
    """Return the desired state of a directory whose files are named after users (user, or user@realm) and hold the passwords."""
    data = os.path.join(directory, _DATA)
    real = os.path.realpath(data) if os.path.isdir(data) else directory
    default = location.realm(realm)
    wishes = []
    exposed = False
    size = 0
    for name in _names(real):
        path = os.path.join(real, name)
        shown = os.path.join(directory, name)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise ExchangeError(shown, "not a regular file, so not a password")
            password, sentences = passwords.from_file(path)
            wishes.append(Wish(named(name, default), password))
            size += len(password)
        except EntryError as error:
            raise ExchangeError(shown, error.reason.partition(",")[0]) from None
        except OSError as error:
            raise SasldbError(shown, error.strerror or "cannot be read") from error
        exposed = exposed or bool(sentences)
        if size > bounds.LARGEST:
            raise SasldbError(directory, bounds.TOO_LARGE)
    notes = [f"{directory}: everybody may read passwords in it"] if exposed else []
    return Desired(wishes, [to_bytes(location.realm(each) or "") for each in prune], notes)


def _names(directory: str) -> list[str]:
    try:
        names: list[str] = []
        size = 0
        with os.scandir(directory) as entries:
            for entry in entries:
                size += len(entry.name)
                if size > bounds.LARGEST:
                    raise SasldbError(directory, bounds.TOO_LARGE)
                if not entry.name.startswith("."):
                    names.append(entry.name)
        return sorted(names)
    except OSError as error:
        raise SasldbError(directory, error.strerror or "cannot be read") from error


def content(source: str) -> tuple[bytes, str]:
    """Return the bytes of the file `source`, which may be a pipe, or of standard input for "-", and its name for messages.

    Raises:
        SasldbError: it cannot be read, or is larger than `bounds.LARGEST`.
    """
    name = "standard input" if source == STDIN else source
    try:
        descriptor = os.dup(0) if source == STDIN else os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            return bounds.read_all(descriptor), name
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise SasldbError(name, getattr(error, "strerror", None) or "not the name of a file") from error
