"""The schema of desired-state files: what each key means, and a named place for everything that is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sasldb.errors import EntryError, ExchangeError, SasldbError
from sasldb.operations.state import statefile
from sasldb.operations.state.desired import Desired
from sasldb.operations.state.documents import parse
from sasldb.store.accounts import host_realm

PASSWORD = "wonderland"


def read(text: str, source: str = "s.yml", realm: str | None = None, prune: tuple[str, ...] = ()) -> Desired:
    """Return what a YAML text desires."""
    return statefile.read(parse(text.encode(), source), source, realm, prune)


def users(desired: Desired) -> list[str]:
    """Return the ids of all users, in their order."""
    return [str(wish.user) for wish in desired.wishes.values()]


def test_whole_schema() -> None:
    """Every key does what the documentation says, and a user's own settings go before the defaults."""
    desired = read("""
        realm: example.com
        storage: no_plaintext
        scram: SHA-512
        iterations: 8192
        update_password: on_create
        users:
          - {name: alice, password: wonderland}
          - {name: bob, realm: example.org, password: x, storage: plaintext, update_password: always}
          - {name: carol@example.net, password: x, scram: SHA-1, iterations: 4096}
          - {name: dave, state: absent, password: x}
          - {name: erin, state: present}
        """)
    assert users(desired) == [
        "alice@example.com",
        "bob@example.org",
        "carol@example.net",
        "dave@example.com",
        "erin@example.com",
    ]
    alice, bob, carol, dave, erin = desired.wishes.values()
    assert alice.password is not None and alice.password.reveal() == b"wonderland"
    assert (alice.storing.plaintext, alice.storing.hash, alice.storing.iterations) == (False, "SHA-512", 8192)
    assert (bob.storing.plaintext, bob.storing.hash) == (True, None)
    assert (carol.storing.plaintext, carol.storing.hash, carol.storing.iterations) == (False, "SHA-1", 4096)
    assert [wish.always for wish in (alice, bob)] == [False, True]
    assert [wish.present for wish in (dave, erin)] == [False, True]
    assert erin.password is None
    assert desired.prune == frozenset()


def test_without_a_choice_of_storage() -> None:
    """Where nothing says how to store, the user's own way is kept."""
    (wish,) = read("users: [{name: a@b, password: x}]").wishes.values()
    assert wish.storing.plaintext is None and wish.always and wish.present


@pytest.mark.parametrize(
    "top, argument, realm",
    [("realm: a", "b", b"a"), ("", "b", b"b"), ("", None, None), ("realm: ''", "b", b"")],
    ids=["file", "caller", "host", "empty"],
)
def test_realm_of_a_bare_name(top: str, argument: str | None, realm: bytes | None) -> None:
    """A bare name is in the file's realm, else in the caller's, else in the host's."""
    (wish,) = read(f"{top}\nusers:\n - {{name: alice}}", realm=argument).wishes.values()
    assert wish.user.realm == (host_realm() if realm is None else realm)


@pytest.mark.parametrize(
    "prune, realms",
    [
        ("", set()),
        ("prune: false", set()),
        ("prune: true", {b"a", b"b"}),
        ("prune: [z]", {b"z"}),
        ("prune: []", set()),
    ],
)
def test_prune(prune: str, realms: set[bytes]) -> None:
    """Nothing is pruned unless asked for; true means its own realm and those of users who shall be there, a list means these."""
    text = f"realm: a\n{prune}\nusers: [{{name: u@b}}, {{name: v, realm: c, state: absent}}]"
    assert read(text).prune == realms
    assert read(text, prune=("y",)).prune == realms | {b"y"}


WRONG = {
    "no mapping": ("[]", "s.yml:1: a list where a mapping is expected"),
    "no users": ("realm: a", "s.yml:1: users: missing"),
    "users no list": ("users: {a: b}", "s.yml:1: users: a mapping where a list is expected"),
    "top key": ("user: []", "s.yml:1: unknown key 'user'; did you mean users?"),
    "user no mapping": ("users:\n - alice", "s.yml:2: users[1]: text where a mapping is expected"),
    "user key": ("users:\n - name: a@b\n   pasword: wonderland", "s.yml:3: users[1]: unknown key 'pasword'; did you mean password?"),
    "unknown key": ("users:\n - {name: a@b, home: x}", "the keys here are name, realm"),
    "no name": ("users:\n - {password: wonderland}", "s.yml:2: users[1].name: missing"),
    "name a number": ("users:\n - {name: 12}", "users[1].name: a number where text is expected; put it in quotes"),
    "name empty": ("users:\n - {name: '', realm: b}", "users[1]: @b: an empty user name"),
    "name with NUL": ('users:\n - {name: "a\\0b"}', "users[1].name: not a name that can be stored"),
    "two realms": ("users:\n - {name: a@b, realm: c}", "users[1].realm: beside a name"),
    "twice": ("realm: b\nusers:\n - {name: a}\n - {name: a@b}", "s.yml:4: users[2]: a@b stands twice"),
    "password yes": ("users:\n - {name: a@b, password: yes}", "users[1].password: yes or no where text is expected; put it in quotes"),
    "password octal": ("users:\n - {name: a@b, password: 0123}", "users[1].password: a number where text"),
    "password date": ("users:\n - {name: a@b, password: 2024-01-01}", "users[1].password: a date where text"),
    "password nothing": ("users:\n - {name: a@b, password: }", "users[1].password: nothing where text is expected"),
    "password list": ("users:\n - {name: a@b, password: [wonderland]}", "users[1].password: a list where text is expected"),
    "password empty": ("users:\n - {name: a@b, password: ''}", "users[1]: a@b: an empty password"),
    "password with NUL": ('users:\n - {name: a@b, password: "wonderland\\0"}', "users[1]: a@b: a NUL in the password"),
    "password of two lines": ("users:\n - name: a@b\n   password: |\n    wonderland\n", "s.yml:3: users[1].password: not one line"),
    "password with CR": ('users:\n - {name: a@b, password: "wonderland\\r"}', "users[1].password: not one line"),
    "password twice": ("users:\n - {name: a@b, password: wonderland, password_file: x}", "users[1].password_file: beside password"),
    "password too long": (f"users:\n - {{name: a@b, password: {'x' * 8193}}}", "a password of more than 8192 bytes"),
    "state": ("users:\n - {name: a@b, state: gone}", "s.yml:2: users[1].state: none of present, absent"),
    "storage": ("users:\n - {name: a@b, storage: plain}", "users[1].storage: none of no_plaintext, plaintext"),
    "default storage": ("storage: plain\nusers: []", "s.yml:1: storage: none of"),
    "scram": ("storage: no_plaintext\nscram: MD5\nusers: []", "s.yml:2: scram: none of SHA-1"),
    "scram alone": ("users:\n - {name: a@b, scram: SHA-1}", "users[1].scram: only beside storage: no_plaintext"),
    "iterations alone": ("users:\n - {name: a@b, iterations: 4096}", "users[1].iterations: only beside"),
    "few iterations": ("storage: no_plaintext\niterations: 4095\nusers: []", "s.yml:2: iterations: not between 4096 and 65536"),
    "iterations no number": ("iterations: many\nusers: []", "s.yml:1: iterations: text where a whole number"),
    "iterations a truth": ("iterations: yes\nusers: []", "s.yml:1: iterations: yes or no where"),
    "update_password": ("update_password: never\nusers: []", "s.yml:1: update_password: none of always, on_create"),
    "realm": ("realm: yes\nusers: []", "s.yml:1: realm: yes or no where text"),
    "prune": ("prune: maybe\nusers: []", "s.yml:1: prune: neither true, false nor a list"),
    "prune numbers": ("prune: [1]\nusers: []", "s.yml:1: prune: neither true, false nor a list"),
    "prune NUL": ('prune: ["a\\0"]\nusers: []', "s.yml:1: prune: not a realm that can be stored"),
    "merge": ("x: &x {a: b}\nusers: []", "unknown key 'x'"),
}  # fmt: skip


@pytest.mark.parametrize("text, message", WRONG.values(), ids=WRONG)
def test_what_is_wrong(text: str, message: str) -> None:
    """Unknown keys, other types, impossible values and users that stand twice are errors with place and line, without the password."""
    with pytest.raises(ExchangeError) as caught:
        read(text)
    assert message in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_json_places() -> None:
    """In JSON, which tells no lines, the place is named all the same."""
    with pytest.raises(ExchangeError, match=r"^s\.json: users\[2\]\.state: none of"):
        statefile.read(parse(b'{"users": [{"name": "a@b"}, {"name": "c@d", "state": "gone"}]}', "s.json"), "s.json")


def test_json_names_come_back() -> None:
    """A name that is no UTF-8, as --json prints it, is that name again; half a surrogate pair of another kind is refused."""
    (wish,) = read('{"users": [{"name": "\\udcff@b"}]}', "s.json").wishes.values()
    assert wish.user.user == b"\xff"
    for field in '"name": "\\ud800"', '"name": "a", "password": "\\ud800"':
        with pytest.raises(ExchangeError, match=r"users\[1\]\."):
            read('{"users": [{%s}]}' % field, "s.json")
    with pytest.raises(ExchangeError, match=r"prune: not a realm"):
        read('{"users": [], "prune": ["\\ud800"]}', "s.json")


@pytest.mark.parametrize(
    "text", ["prune: [a]\nusers: []", "realm: a\nprune: true\nusers: [{name: u@a, state: absent}]"]
)
def test_nobody_left(text: str) -> None:
    """A state that prunes and leaves nobody is refused: it is more often an empty mount than a wish."""
    with pytest.raises(EntryError, match="pruning would delete every user"):
        read(text)


def test_password_file(tmp_path: Path) -> None:
    """A password file is looked for beside the state file, and its newline at the end does not count."""
    (tmp_path / "alice.txt").write_bytes(b"wonderland\n")
    (tmp_path / "alice.txt").chmod(0o600)
    desired = read("users: [{name: a@b, password_file: alice.txt}]", str(tmp_path / "s.yml"))
    (wish,) = desired.wishes.values()
    assert wish.password is not None and wish.password.reveal() == b"wonderland"
    assert desired.notes == ()


@pytest.mark.parametrize(
    "content, message",
    [(b"", "it is empty"), (b"wonderland\nx\n", "more than one line"), (b"wonderland\r\n", "a carriage return")],
)
def test_bad_password_file(tmp_path: Path, content: bytes, message: str) -> None:
    """A password file with nothing, or with more than a line, is an error that names the user and the place."""
    (tmp_path / "alice.txt").write_bytes(content)
    with pytest.raises(ExchangeError) as caught:
        read("users:\n - {name: a@b, password_file: alice.txt}", str(tmp_path / "s.yml"))
    assert f"s.yml:2: users[1]: a@b: {message}" in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_missing_password_file(tmp_path: Path) -> None:
    """A password file that is not there is named; for a user to be absent none is read."""
    with pytest.raises(SasldbError, match=r"nope\.txt: No such file"):
        read("users: [{name: a@b, password_file: nope.txt}]", str(tmp_path / "s.yml"))
    assert len(read("users: [{name: a@b, password_file: nope.txt, state: absent}]", str(tmp_path / "s.yml"))) == 1


@pytest.mark.parametrize(
    "mode, user, told", [(0o644, "password: x", True), (0o640, "password: x", False), (0o644, "state: absent", False)]
)
def test_readable_by_everybody(tmp_path: Path, mode: int, user: str, told: bool) -> None:
    """A state file with passwords that everybody may read is told of, with what to do."""
    path = tmp_path / "s.yml"
    path.write_text(f"users: [{{name: a@b, {user}}}]")
    os.chmod(path, mode)
    notes = read(path.read_text(), str(path)).notes
    assert [f"run: chmod o= {path}" in note for note in notes] == [True] * told


def test_secrets_do_not_show() -> None:
    """The repr of a wish shows no password."""
    (wish,) = read("users: [{name: a@b, password: wonderland}]").wishes.values()
    assert PASSWORD not in f"{wish!r} {wish.password!r}"
