"""What a command changed of the system's configuration, kept so that it can be taken back byte for byte.

A backup is a directory `sasldb-undo/WHAT-NUMBER` in Postfix's configuration directory, which only root may enter: a verbatim copy of each
file that was changed, and `manifest.json`, which says where it belongs, with which owner and mode, and how the command left it. The
manifest is written before each change, so that even what was cut short can be taken back. Backups of one kind are a stack.

Taking back never destroys what came later. A file that was edited since is a Conflict, before anything is touched; a file that was made
and has been changed since stays. No content of a database is kept here, nor put back (`postfix.setup.restoring`).

Errors: NotFound (nothing to take back), AccessDenied (somebody else than root), Conflict, those of `files.content`.
"""

from __future__ import annotations

import json
import os

from sasldb.errors import AccessDenied, Conflict, NotFound, UnknownFormat
from sasldb.files import content
from sasldb.files.ownership import Ownership
from sasldb.files.refusals import refusal
from sasldb.postfix.setup import restoring
from sasldb.postfix.setup.turn import FOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    State = dict[str, Any]

_MANIFEST = "manifest.json"
_OURS = Ownership(os.geteuid(), os.getegid(), 0o600)


class Backup:
    """One backup, growing while its command works: `directory`, and its `entries` in the order of the changes."""

    def __init__(self, directory: str, entries: list[State]) -> None:
        self.directory = directory
        self.entries = entries

    @classmethod
    def begin(cls, config_dir: str, what: str) -> Backup:
        """Make an empty one on top of the stack of `what` ("setup", "client")."""
        parent = os.path.join(config_dir, FOLDER)
        numbers = _numbers(parent, what)
        directory = os.path.join(parent, f"{what}-{max(numbers, default=0) + 1}")
        try:
            if not os.path.isdir(parent):
                os.mkdir(parent, 0o700)
            os.mkdir(directory, 0o700)
        except OSError as error:
            raise refusal(directory, "no backup can be made", error) from error
        return cls(directory, [])

    @classmethod
    def last(cls, config_dir: str, what: str) -> Backup:
        """Return the one on top of the stack; NotFound where there is none, AccessDenied where that cannot be seen."""
        parent = os.path.join(config_dir, FOLDER)
        numbers = _numbers(parent, what)
        if not numbers:
            raise NotFound(parent, f"no {what} to take back")
        directory = os.path.join(parent, f"{what}-{max(numbers)}")
        manifest = content.look(os.path.join(directory, _MANIFEST))
        try:
            return cls(directory, json.loads(manifest.content)["entries"] if manifest else [])
        except (ValueError, KeyError, TypeError) as error:
            raise UnknownFormat(os.path.join(directory, _MANIFEST), "not a manifest of this program") from error

    def keep(self, path: str, planned: bytes | None = None, generated: bool = False) -> None:
        """Save what is at `path`, before it becomes `planned` (None: not known yet); missing directories on the way are made, and noted.

        One that is `generated` may be made anew by other commands; then it stays.
        """
        self._make_way(path)
        present = content.look(path)
        after = None if planned is None else {"sha256": restoring.digest(planned)}
        entry: State = {"path": path, "before": restoring.state(present), "after": after}
        if generated:
            entry["generated"] = True
        if present is not None:
            entry["saved"] = f"{len(self.entries)}-{os.path.basename(path)}"
            content.put(os.path.join(self.directory, entry["saved"]), present.content, _OURS)
        self.entries.append(entry)
        self._write()

    def keep_database(self, path: str, source: str | None = None) -> None:
        """Note owner and mode of the database at `path`, which may become a copy of `source`: no second place for its secrets."""
        self._make_way(path)
        self.entries.append({"path": path, "source": source, "before": restoring.database_state(path)})
        self._write()

    def _make_way(self, path: str) -> None:
        for directory in _missing_directories(path):
            self.entries.append({"directory": directory})
            self._write()
            content.make_directory(directory)

    def seal(self) -> None:
        """Note how the command leaves every file."""
        for entry in self.entries:
            if "source" in entry:
                entry["left"] = restoring.database_state(entry["path"])
            elif "after" in entry:
                entry["after"] = restoring.state(content.look(entry["path"]))
        self._write()

    def drop(self) -> None:
        """Remove the backup itself, and the folder if it was the last one."""
        try:
            for name in os.listdir(self.directory):
                os.unlink(os.path.join(self.directory, name))
            os.rmdir(self.directory)
            if not os.listdir(os.path.dirname(self.directory)):
                os.rmdir(os.path.dirname(self.directory))
        except OSError as error:
            raise refusal(self.directory, "the backup cannot be removed", error) from error

    def undo(self, force: bool = False) -> list[str]:
        """Put everything back, the last change first, drop the backup, and return a sentence for each file.

        With `force` nothing counts as changed since: a command that failed takes back what it did itself.

        Raises:
            Conflict: a file was edited since; nothing is put back.
        """
        if not force:
            self._demand_unedited()
        sentences = [f"{restoring.TOLD[self._put_back(entry, force)]} {entry['path']}" for entry in self._files()]
        for entry in reversed(self.entries):
            if "directory" in entry:
                _remove_directory(entry["directory"])
        self.drop()
        return [sentence for sentence in sentences if not sentence.startswith(restoring.TOLD[restoring.NOTHING] + " ")]

    def outlook(self) -> list[str]:
        """Return what `undo` would do, as sentences; the errors are the same."""
        self._demand_unedited()
        actions = [(_action(entry), entry["path"]) for entry in self._files()]
        return [f"would {restoring.PLANNED[action]} {path}" for action, path in actions if action in restoring.PLANNED]

    def _files(self) -> list[State]:
        """Return the entries of files, the last change first."""
        return [entry for entry in reversed(self.entries) if "path" in entry]

    def _demand_unedited(self) -> None:
        edited = [entry["path"] for entry in self._files() if _action(entry) == restoring.EDITED]
        if edited:
            remedy = f"the file as it was lies in {self.directory}"
            raise Conflict(", ".join(edited), "changed since, and not overwritten", remedy)

    def _put_back(self, entry: State, force: bool) -> str:
        """Put one file back, and return the action that this took."""
        path, before = entry["path"], entry["before"]
        action = _action(entry, force)
        if action == restoring.REMOVE:
            content.remove(path)
        elif action == restoring.OWN:
            _own(path, entry.get("source"), Ownership(before["uid"], before["gid"], before["mode"]))
        elif action == restoring.RESTORE:
            saved = content.look(os.path.join(self.directory, entry["saved"]))
            if saved is None:
                raise NotFound(os.path.join(self.directory, entry["saved"]), "the backup is not complete")
            content.put(path, saved.content, Ownership(before["uid"], before["gid"], before["mode"]))
        return action

    def _write(self) -> None:
        text = json.dumps({"version": 1, "entries": self.entries}, indent=1)
        content.put(os.path.join(self.directory, _MANIFEST), text.encode("ascii"), _OURS)


def _action(entry: State, force: bool = False) -> str:
    """Return what is to be done about one file."""
    if "source" in entry:
        return restoring.action_on_database(entry)
    return restoring.action(entry, content.look(entry["path"]), force)


def _own(path: str, source: str | None, ownership: Ownership) -> None:
    """Give a file owner and mode; one that was made a second name of the database `source` becomes a copy of its own again."""
    present = content.look(source) if source and restoring.is_linked(path, source) else None
    if present is not None:
        content.put(path, present.content, ownership)
    else:
        content.own(path, ownership)


def _numbers(parent: str, what: str) -> list[int]:
    try:
        names = os.listdir(parent)
    except FileNotFoundError:
        return []
    except PermissionError as error:
        raise AccessDenied(parent, "root alone may look for backups here", "run this as root") from error
    except OSError as error:
        raise refusal(parent, "it cannot be listed", error) from error
    tails = [name[len(what) + 1 :] for name in names if name.startswith(f"{what}-")]
    return [int(tail) for tail in tails if tail.isdigit()]


def _remove_directory(path: str) -> None:
    try:
        os.rmdir(path)
    except OSError:
        pass  # something was put there since


def _missing_directories(path: str) -> list[str]:
    """Return the directories above `path` that are not there, the outermost first."""
    missing: list[str] = []
    directory = os.path.dirname(os.path.abspath(path))
    while not os.path.isdir(directory):
        missing.insert(0, directory)
        directory = os.path.dirname(directory)
    return missing
