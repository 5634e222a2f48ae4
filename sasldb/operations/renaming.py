"""Renaming a user, and moving or copying a whole realm: every property goes along, all users in one commit.

Nothing is overwritten: where a new name is taken, all such names are told and nothing is changed. A secret that is computed from a name
too is computed anew where the plaintext is stored, and else left behind, which is told.

Source of what depends on a name: RFC 2831 section 2.1.2.1 (DIGEST-MD5: user and realm), RFC 2945 section 3 (SRP: user). The secrets of
mechanisms that are unknown here go along as they are.
Errors: NoSuchUser, UserExists, BadName; those of `operations.change`.
"""

from __future__ import annotations

from sasldb.errors import BadName, NoSuchUser, SecretUnusable, UserExists, quoted
from sasldb.model.identity import UserId
from sasldb.model.text import to_text
from sasldb.operations.change import Deed, Report, Target, change, write
from sasldb.operations.users import check_name, found
from sasldb.secrets import digest_md5, plaintext
from sasldb.secrets.mechanisms import mechanisms_of
from sasldb.secrets.properties import USER_PASSWORD
from sasldb.store.editing import Editor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Properties = dict[bytes, bytes]

_OF_USER_AND_REALM = b"cmusaslsecretDIGEST-MD5"
_OF_USER = b"cmusaslsecretSRP"


def rename(target: Target, old: UserId, new: UserId) -> Report:
    """Give user `old` the name `new`.

    Raises:
        NoSuchUser, UserExists, BadName: see the module.
    """
    check_name(new)
    _check_differ(old, new)
    remarks: list[str] = []

    def work(editor: Editor) -> list[Deed]:
        present = found(editor, [old, new], missing_ok=True)
        if not present[old]:
            raise NoSuchUser(str(old), f"no such user in {editor.path}")
        _check_free(editor, [new] if present[new] else [])
        remarks[:] = _carry(editor, present[old], old, new)
        write(editor, old, dict.fromkeys(present[old]))
        return [Deed("rename", f"{old} to {new}")]

    report = change(target, f"rename {old} to {new}", work)
    report.sentences += remarks
    return report


def rename_realm(target: Target, old: bytes, new: bytes) -> Report:
    """Move every user of realm `old` to realm `new`.

    Raises:
        NoSuchUser: the realm has none. UserExists: names all that are there already. BadName: the realms do not differ.
    """
    return _move(target, old, new, "rename")


def copy_realm(target: Target, old: bytes, new: bytes) -> Report:
    """Store every user of realm `old` in realm `new` as well; errors as `rename_realm`."""
    return _move(target, old, new, "copy")


def _move(target: Target, old: bytes, new: bytes, verb: str) -> Report:
    before, after = to_text(old), to_text(new)
    _check_differ(before, after)
    if not new:
        raise BadName("realm", "an empty name")
    remarks: list[str] = []

    def work(editor: Editor) -> list[Deed]:
        users = _of_realm(editor, old)
        there = _of_realm(editor, new)
        if not users:
            raise NoSuchUser(f"realm {before}", f"has no user in {target.path}")
        _check_free(editor, [UserId(user, new) for user in users if user in there])
        remarks.clear()
        for user, properties in users.items():
            remarks.extend(_carry(editor, properties, UserId(user, old), UserId(user, new)))
            if verb == "rename":
                write(editor, UserId(user, old), dict.fromkeys(properties))
        number = "1 user" if len(users) == 1 else f"{len(users)} users"
        return [Deed(verb, f"{number} of realm {before} to realm {after}")]

    report = change(target, f"{verb} realm {before} to {after}", work)
    report.sentences += remarks
    return report


def _of_realm(editor: Editor, realm: bytes) -> dict[bytes, Properties]:
    """Return user -> properties of everybody in `realm`, in the file's order."""
    users: dict[bytes, Properties] = {}
    between = b"\0" + realm + b"\0"
    for key, value in editor.records():
        if between in key and key.count(0) == 2:
            user, of, name = key.split(b"\0")
            if of == realm:
                users.setdefault(user, {}).setdefault(name, value)
    return users


def _carry(editor: Editor, properties: Properties, old: UserId, new: UserId) -> list[str]:
    """Store `properties` of `old` under the name `new`, and return what there is to say about it."""
    carried: dict[bytes, bytes] = {}
    remarks = []
    for name, value in properties.items():
        kept = _under(name, value, properties, old, new)
        if kept is None:
            remarks.append(f"{new}: {to_text(name)} was made for {old}, and is left behind")
        else:
            carried[name] = kept
    if remarks and not mechanisms_of(carried):
        remarks.append(f"{new}: cannot log in any more; to give it a password, run: sasldb passwd {quoted(str(new))}")
    write(editor, new, carried)
    return remarks


def _under(name: bytes, value: bytes, properties: Mapping[bytes, bytes], old: UserId, new: UserId) -> bytes | None:
    """Return the value of property `name` for `new`, None where it cannot be told."""
    if name == _OF_USER and old.user != new.user:
        return None
    if name != _OF_USER_AND_REALM:
        return value
    try:
        password = plaintext.parse(properties.get(USER_PASSWORD, b""))
        return digest_md5.make(new.user, new.realm, password) if password else None
    except SecretUnusable:
        return None


def _check_differ(old: object, new: object) -> None:
    if old == new:
        raise BadName(str(old), "the new name is the old one")


def _check_free(editor: Editor, taken: list[UserId]) -> None:
    if taken:
        raise UserExists(", ".join(map(str, taken)), f"in {editor.path} already, and nothing was changed")
