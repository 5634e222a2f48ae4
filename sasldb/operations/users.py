"""Adding and deleting users, and setting passwords: each in one commit that leaves no secret of an old password.

A user exists if the database has any record of it. Errors: UserExists, NoSuchUser, BadName, BadPassword; SiteConfigError,
SecretUnusable; those of `operations.change`. Nothing was changed then.
"""

from __future__ import annotations

from sasldb.errors import BadName, NoSuchUser, UserExists, quoted
from sasldb.model.identity import UserId
from sasldb.model.secret import Secret
from sasldb.model.text import to_text
from sasldb.operations.change import Deed, Report, Target, change, write
from sasldb.operations.logins.resolving import LONGEST, unreachable
from sasldb.operations.storing import Storing, without
from sasldb.store.accounts import identify
from sasldb.store.editing import Editor, check_storable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sasldb.operations.cyrus import Site

    Properties = dict[bytes, bytes]  # name -> value
    Found = dict[UserId, Properties]


def named(login: str | bytes, realm: str | bytes | None) -> UserId:
    """Return the user that `login` names: split at its first `@`, else in `realm`, else (None) in the host's name in lower case.

    Raises:
        BadName: a NUL in a name.
    """
    from sasldb.model.text import to_bytes

    return identify(login, None if realm is None else to_bytes(realm))


def expect(path: str, user: UserId, there: bool) -> None:
    """Look whether `user` is in the database `path` or is not, before a person types a password for nothing.

    Raises:
        UserExists: it is, and should not be. NoSuchUser: the other way round. DatabaseError: the file cannot be read.
    """
    from sasldb.errors import NotFound
    from sasldb.store.reading import Database

    try:
        with Database(path, checked=False) as database:
            present = database.get(user) is not None
    except NotFound:
        if there:
            raise
        return
    if present and not there:
        raise _exists(user, path)
    if there and not present:
        raise NoSuchUser(str(user), f"no such user in {path}")


def add(target: Target, user: UserId, password: Secret, storing: Storing, site: Site) -> Report:
    """Store a new `user`; the database is made when it is missing.

    Raises:
        UserExists: there is a record of that user. Else see the module.
    """
    check_name(user)
    check_storable(user, password.reveal())
    states: list[Properties] = []

    def work(editor: Editor) -> list[Deed]:
        if editor.properties(user):
            raise _exists(user, target.path)
        changes = storing.first(user, password.reveal(), site)
        states[:] = [{}, _changed({}, changes)]
        write(editor, user, changes)
        return [Deed("add", user)]

    report = change(target, f"add {user}", work, create=True)
    report.undo = lambda: _undo(target, user, *states)
    reason = unreachable(user)
    report.sentences += [f"{user}: no login leads here: {reason}"] if reason else []
    report.sentences += _doubts(user, password)
    return report


def set_password(target: Target, user: UserId, password: Secret, storing: Storing, site: Site) -> Report:
    """Store a new password of `user`, who exists: the way the old one was stored, unless `storing` says otherwise.

    Raises:
        NoSuchUser: there is no record of that user. Else see the module.
    """
    check_storable(user, password.reveal())
    removed: list[bytes] = []
    states: list[Properties] = []

    def work(editor: Editor) -> list[Deed]:
        properties = found(editor, [user])[user]
        changes = storing.renewed(user, properties, password.reveal(), site)
        states[:] = [properties, _changed(properties, changes)]
        removed[:] = without(properties, changes)
        write(editor, user, changes)
        return [Deed("set password of", user)]

    report = change(target, f"set the password of {user}", work)
    report.undo = lambda: _undo(target, user, *states)
    for name in removed:
        report.sentences.append(f"{user}: {to_text(name)}, of the old password, is removed")
    report.sentences += _doubts(user, password)
    return report


def delete(target: Target, users: Sequence[UserId], missing_ok: bool = False) -> Report:
    """Delete every property of `users`, of all or of none.

    Raises:
        NoSuchUser: names all that do not exist; with `missing_ok` they are passed over. Else see the module.
    """

    def work(editor: Editor) -> list[Deed]:
        present = {user: properties for user, properties in found(editor, users, missing_ok).items() if properties}
        for user, properties in present.items():
            write(editor, user, dict.fromkeys(properties))
        return [Deed("delete", user) for user in present]

    return change(target, f"delete {', '.join(map(str, users))}", work)


def found(editor: Editor, users: Iterable[UserId], missing_ok: bool = False) -> Found:
    """Return each of `users`, once, with its properties (name -> value); all are found in one pass through the file.

    Raises:
        NoSuchUser: names all that have none, unless `missing_ok`.
    """
    all_of = {user.prefix: (user, dict[bytes, bytes]()) for user in users}
    for key, value in editor.records():
        end = key.rfind(0) + 1
        if key[:end] in all_of and key.count(0) == 2:
            all_of[key[:end]][1].setdefault(key[end:], value)
    missing = [str(user) for user, properties in all_of.values() if not properties]
    if missing and not missing_ok:
        raise NoSuchUser(", ".join(missing), f"no such user in {editor.path}")
    return dict(all_of.values())


def check_name(user: UserId) -> None:
    """Raise BadName where `user` is no name that a new user may have."""
    if not user.user:
        raise BadName(str(user), "an empty user name")
    if len(user.user) + len(user.realm) >= LONGEST:
        raise BadName(str(user)[:40] + "...", f"more than the {LONGEST} bytes that libsasl takes of a login")


def _changed(properties: Properties, changes: Mapping[bytes, bytes | None]) -> Properties:
    """Return what becomes of `properties` by `changes`."""
    merged = {**properties, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def _undo(target: Target, user: UserId, before: Properties, after: Properties) -> None:
    """Give `user` back the properties `before`, if they are still `after`; else another process has changed them since."""

    def work(editor: Editor) -> list[Deed]:
        if editor.properties(user) != after:
            return []
        write(editor, user, {**dict.fromkeys(after), **before})
        return [Deed("restore the password of" if before else "delete", user)]

    change(target, f"undo the change of {user}", work)


def _exists(user: UserId, path: str) -> UserExists:
    return UserExists(
        str(user), f"in {path} already", f"to change the password, run: sasldb passwd {quoted(str(user))}"
    )


def _doubts(user: UserId, password: Secret) -> list[str]:
    """Return the sentence that some clients will send another password than this, where they will."""
    from sasldb.secrets import saslprep

    if not saslprep.changes(password.reveal()):
        return []
    return [f"{user}: clients that apply SASLprep will send other bytes than this password, and SCRAM will refuse them"]
