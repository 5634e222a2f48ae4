"""Users made by our saslpasswd2 log in to a real Postfix, with other people's clients; nobody else does."""

from __future__ import annotations

import grp
import os
import stat
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Commands
from tests.real.clients import LOGINS, login, relay, relay_unauthenticated
from tests.real.postfix import REALM, PostfixInstance

PASSWORD = "pass w:rd%7"
ALICE = f"alice@{REALM}"
FROM_VERIFIER = [("gsasl", "PLAIN"), ("swaks", "LOGIN"), ("gsasl", "SCRAM-SHA-256")]
# With how each is refused: libsasl takes the SCRAM-SHA-256 verifier for a broken SCRAM-SHA-1 one, and smtpd says 454 then.
FROM_PLAINTEXT_ONLY = [
    ("swaks", "CRAM-MD5", 535),
    ("swaks", "DIGEST-MD5", 535),
    ("swaks", "NTLM", 535),
    ("gsasl", "SCRAM-SHA-1", 454),
]

Saslpasswd2 = Callable[..., None]


@pytest.fixture(scope="module")
def saslpasswd2(postfix_instance: PostfixInstance, commands: Commands) -> Saslpasswd2:
    """Return `saslpasswd2(*arguments, password="")`: ours, on that Postfix's database and realm; it must succeed."""

    def run(*arguments: str, password: str = "") -> None:
        argv = [commands.saslpasswd2, "-f", str(postfix_instance.database), "-u", REALM, *arguments]
        done = subprocess.run(argv, input=f"{password}\n".encode(), capture_output=True, timeout=30, check=False)
        assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode(errors="replace")

    return run


@pytest.fixture(scope="module")
def server(postfix_instance: PostfixInstance, saslpasswd2: Saslpasswd2) -> Iterator[PostfixInstance]:
    """Yield the Postfix with one user, alice, made the way that the howto says."""
    saslpasswd2("-c", "-p", "alice", password=PASSWORD)
    yield postfix_instance


@pytest.mark.parametrize("client, mechanism", LOGINS)
def test_a_created_user_logs_in(server: PostfixInstance, client: str, mechanism: str) -> None:
    """A user of saslpasswd2 -c -p -u REALM logs in as user@REALM with every mechanism that the server offers."""
    assert login(server.port, client, mechanism, ALICE, PASSWORD) == 235


@pytest.mark.parametrize("client, mechanism", LOGINS)
def test_a_wrong_password_is_refused(server: PostfixInstance, client: str, mechanism: str) -> None:
    """No mechanism takes another password."""
    assert login(server.port, client, mechanism, ALICE, PASSWORD + "x") == 535


@pytest.mark.parametrize("client, mechanism", [("gsasl", "PLAIN"), ("swaks", "CRAM-MD5"), ("gsasl", "SCRAM-SHA-256")])
def test_a_wrong_realm_is_refused(server: PostfixInstance, client: str, mechanism: str) -> None:
    """The right user and password in a realm that the database does not have are refused."""
    assert login(server.port, client, mechanism, "alice@example.org", PASSWORD) == 535


def test_a_bare_name_belongs_to_the_local_domain(server: PostfixInstance) -> None:
    """A login without a realm is looked up in smtpd_sasl_local_domain."""
    assert login(server.port, "swaks", "CRAM-MD5", "alice", PASSWORD) == 235


@pytest.mark.parametrize("client, mechanism", LOGINS)
def test_a_changed_password_changes_everywhere(
    server: PostfixInstance, saslpasswd2: Saslpasswd2, client: str, mechanism: str
) -> None:
    """After a change the new password is accepted and the old one refused, at once and without a restart."""
    user = f"carol-{client}-{mechanism.lower()}"
    saslpasswd2("-c", "-p", user, password="the old one")
    saslpasswd2("-p", user, password="the new one")
    codes = [login(server.port, client, mechanism, f"{user}@{REALM}", word) for word in ("the new one", "the old one")]
    assert codes == [235, 535]


def test_a_deleted_user_is_refused(server: PostfixInstance, saslpasswd2: Saslpasswd2) -> None:
    """saslpasswd2 -d ends every way in, also for a user that had both the plaintext and verifiers."""
    saslpasswd2("-c", "-p", "-n", "bob", password=PASSWORD)
    saslpasswd2("-c", "-p", "bob", password=PASSWORD)
    assert login(server.port, "gsasl", "PLAIN", f"bob@{REALM}", PASSWORD) == 235
    saslpasswd2("-d", "bob")
    codes = {login(server.port, client, mechanism, f"bob@{REALM}", PASSWORD) for client, mechanism in LOGINS}
    assert codes == {535}


@pytest.fixture(scope="module")
def verifier_only(server: PostfixInstance, saslpasswd2: Saslpasswd2) -> str:
    """Return the login of a user whose plaintext was there once, and is not stored any more (-n)."""
    saslpasswd2("-c", "-p", "dora", password=PASSWORD)
    saslpasswd2("-c", "-p", "-n", "dora", password=PASSWORD)
    return f"dora@{REALM}"


@pytest.mark.parametrize("client, mechanism", FROM_VERIFIER)
def test_without_plaintext_verifiers_serve(
    server: PostfixInstance, verifier_only: str, client: str, mechanism: str
) -> None:
    """A user made with -n logs in with PLAIN, LOGIN and SCRAM-SHA-256, and with the right password only."""
    codes = [login(server.port, client, mechanism, verifier_only, word) for word in (PASSWORD, PASSWORD + "x")]
    assert codes == [235, 535]


@pytest.mark.parametrize("client, mechanism, code", FROM_PLAINTEXT_ONLY)
def test_without_plaintext_the_rest_is_refused(
    server: PostfixInstance, verifier_only: str, client: str, mechanism: str, code: int
) -> None:
    """What needs the plaintext does not work for a user made with -n: the plaintext is really gone."""
    assert login(server.port, client, mechanism, verifier_only, PASSWORD) == code


@pytest.mark.parametrize("client, mechanism", LOGINS)
def test_plaintext_again_ends_what_verifiers_let_in(
    server: PostfixInstance, saslpasswd2: Saslpasswd2, client: str, mechanism: str
) -> None:
    """A user made with -n who then gets a new password without it logs in with the new one only, by every mechanism."""
    user = f"erna-{client}-{mechanism.lower()}"
    saslpasswd2("-c", "-p", "-n", user, password="the old one")
    saslpasswd2("-c", "-p", user, password="the new one")
    codes = [login(server.port, client, mechanism, f"{user}@{REALM}", word) for word in ("the new one", "the old one")]
    assert codes == [235, 535]


def test_only_who_logged_in_may_relay(server: PostfixInstance) -> None:
    """The login is worth something: with it mail to foreign domains is taken, without it refused."""
    assert (relay(server.port, ALICE, PASSWORD), relay_unauthenticated(server.port)) == (250, 554)


def test_owner_and_mode(server: PostfixInstance, saslpasswd2: Saslpasswd2) -> None:
    """The database is root:postfix 0640 when it was made by saslpasswd2, and is so again after a change."""
    saslpasswd2("-p", "alice", password=PASSWORD)
    found = server.database.stat()
    owner_group_mode = found.st_uid, grp.getgrgid(found.st_gid).gr_name, stat.S_IMODE(found.st_mode)
    assert owner_group_mode == (0, "postfix", 0o640)


def test_smtpd_is_neither_root_nor_free(server: PostfixInstance) -> None:
    """What accepted these logins runs as user postfix, and in its jail where it has one: so the mode is really needed."""
    assert login(server.port, "gsasl", "PLAIN", ALICE, PASSWORD) == 235
    root = os.readlink(f"/proc/{server.processes()['smtpd']}/root")
    assert (server.user_of("smtpd"), root) == ("postfix", str(server.queue) if server.chroot else "/")


def test_an_unreadable_database_serves_nobody(server: PostfixInstance) -> None:
    """Without the group's permission the same login fails (for now: 454): the accepted ones came through this file."""
    server.database.chmod(0o600)
    try:
        assert login(server.port, "gsasl", "PLAIN", ALICE, PASSWORD) == 454
    finally:
        server.database.chmod(0o640)
    assert login(server.port, "gsasl", "PLAIN", ALICE, PASSWORD) == 235
