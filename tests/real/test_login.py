"""`sasldb login` with a real Postfix: every mechanism that is spoken here, in the clear and under TLS, right and wrong passwords."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sasldb
from sasldb.login.mechanisms import NAMES
from tests.conftest import Commands
from tests.login.certificates import Certificate
from tests.real.postfix import REALM, PostfixInstance

PASSWORD = "pass w:rd%7"
ALICE = f"alice@{REALM}"
PLAINTEXT = {"PLAIN", "LOGIN"}

Login = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module", params=["plain", "chroot"])
def server(
    request: pytest.FixtureRequest, postfix_parts: None, certificate: Certificate, smtps_port: int
) -> Iterator[PostfixInstance]:
    """Yield a Postfix that offers every mechanism of ours, PLAIN and LOGIN under TLS alone, and knows alice and dora (-n)."""
    instance = PostfixInstance(chroot=request.param == "chroot")
    change(
        instance.config / "main.cf",
        f"smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {certificate.certificate}\n"
        f"smtpd_tls_key_file = {certificate.key}\n"
        "smtpd_sasl_security_options = noanonymous, noplaintext\nsmtpd_sasl_tls_security_options = noanonymous\n"
        "smtpd_client_connection_rate_limit = 0\nsmtpd_error_sleep_time = 0\nsmtpd_client_auth_rate_limit = 0\n",
    )
    jailed = "y" if instance.chroot else "n"
    wrapped = f"127.0.0.1:{smtps_port} inet n - {jailed} - - smtpd -o smtpd_tls_wrappermode=yes\n"
    change(instance.config / "master.cf", "tlsmgr unix - - n 1000? 1 tlsmgr\n" + wrapped)
    conf = instance.config / "sasl/smtpd.conf"
    conf.write_text(conf.read_text().replace("SCRAM-SHA-1 ", "SCRAM-SHA-1 SCRAM-SHA-512 "))
    with sasldb.edit(str(instance.database)) as editor:
        editor.set_password(ALICE, PASSWORD.encode())
    with instance:
        yield instance


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return a certificate for localhost and 127.0.0.1."""
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def smtps_port() -> int:
    """Return a free port, at which that Postfix begins with TLS."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def login(server: PostfixInstance, commands: Commands, certificate: Certificate) -> Login:
    """Return `login(*arguments, password=..., user=..., at=...)`: our command, at that server, with its certificate for a CA."""

    def run(
        *arguments: str, password: str = PASSWORD, user: str = ALICE, at: str = f"smtp://127.0.0.1:{server.port}"
    ) -> subprocess.CompletedProcess[str]:
        argv = [commands.sasldb, "login", at, user, "--password-stdin", "--pace", "0"]
        argv += ["--ca-file", str(certificate.certificate), "-f", str(server.database), "--json", *arguments]
        argv += ["--local-domain", REALM]
        return subprocess.run(argv, input=f"{password}\n", capture_output=True, text=True, timeout=60, check=False)

    return run


def change(path: Path, addition: str) -> None:
    """Add to a configuration file, and leave it as old as Postfix wants it."""
    path.write_text(path.read_text() + addition)
    past = time.time() - 60
    os.utime(path, (past, past))


def results(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Return mechanism -> result."""
    return {attempt["mechanism"]: attempt["result"] for attempt in json.loads(done.stdout)["attempts"]}


def test_under_tls(login: Login) -> None:
    """Under STARTTLS, with its certificate checked, every mechanism takes the right password."""
    done = login("--all")
    told = json.loads(done.stdout)
    assert set(told["before_tls"]) == set(NAMES) - PLAINTEXT and set(told["under_tls"]) == set(NAMES)
    assert told["tls"].startswith("TLSv1.3 ")
    assert results(done) == dict.fromkeys(NAMES, "accepted")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("password, result", [(PASSWORD, "accepted"), (PASSWORD + "x", "refused")])
def test_smtps(login: Login, smtps_port: int, password: str, result: str) -> None:
    """Where the server begins with TLS there is no offer in the clear, and every mechanism takes the right password alone."""
    done = login("--all", password=password, at=f"smtps://localhost:{smtps_port}")
    told = json.loads(done.stdout)
    assert told["before_tls"] is None and set(told["under_tls"]) == set(NAMES)
    assert results(done) == dict.fromkeys(NAMES, result) and done.returncode == (result == "refused")


def test_the_other_scheme(server: PostfixInstance, login: Login, smtps_port: int) -> None:
    """A port that begins with TLS, and one that does not, taken for the other, are told as that."""
    done = login("--timeout", "1", at=f"smtp://localhost:{smtps_port}")
    assert done.returncode == 3 and "if it begins with TLS there, name it smtps://" in done.stderr
    done = login(at=f"smtps://localhost:{server.port}")
    assert done.returncode == 3 and "if it begins without TLS there, name it smtp://" in done.stderr


def test_in_the_clear(login: Login) -> None:
    """Without TLS the same but for PLAIN and LOGIN, which this server does not offer then."""
    done = login("--all", "--no-starttls")
    assert results(done) == {name: "accepted" for name in NAMES if name not in PLAINTEXT}
    assert (done.returncode, json.loads(done.stdout)["tls"]) == (0, None)


@pytest.mark.parametrize("tls", [[], ["--no-starttls"]], ids=["under TLS", "in the clear"])
def test_a_wrong_password(login: Login, tls: list[str]) -> None:
    """Every mechanism refuses another password, and the database explains it."""
    done = login("--all", *tls, password=PASSWORD + "x")
    told = json.loads(done.stdout)
    assert set(results(done).values()) == {"refused"} and len(results(done)) == (6 if tls else 8)
    assert {attempt["words"][:3] for attempt in told["attempts"]} == {"535"}
    assert len(told["explained"]) == 1 and "not the one" in told["explained"][0]
    assert done.returncode == 1 and PASSWORD not in done.stdout + done.stderr


def test_bare_and_unknown_names(login: Login) -> None:
    """A bare name belongs to the local domain; a wrong realm is refused, and the user that is close is named."""
    assert set(results(login("--all", user="alice")).values()) == {"accepted"}
    done = login("--mechanism", "SCRAM-SHA-256", user="alice@example.org")
    assert done.returncode == 1
    assert json.loads(done.stdout)["explained"][0].endswith(f"has no user alice@example.org; close: {ALICE}")


def test_not_trusted(login: Login) -> None:
    """Without --insecure a certificate of no known CA ends it, before a password is sent; with it, it does not."""
    done = login("--ca-file", "/etc/ssl/certs/ca-certificates.crt")
    assert done.returncode == 3 and "certificate is not trusted" in done.stderr and "--insecure" in done.stderr


def test_verifiers_alone(server: PostfixInstance, login: Login, commands: Commands) -> None:
    """For a user without plaintext it is told which mechanism is served by what is stored, and which is not."""
    argv = [commands.saslpasswd2, "-c", "-p", "-n", "-f", str(server.database), "-u", REALM, "dora"]
    subprocess.run(argv, input=PASSWORD, text=True, check=True, timeout=30)
    wanted = ["--mechanism", "SCRAM-SHA-256", "--mechanism", "PLAIN", "--mechanism", "CRAM-MD5"]
    done = login(*wanted, user=f"dora@{REALM}")
    assert results(done) == {"SCRAM-SHA-256": "accepted", "PLAIN": "accepted", "CRAM-MD5": "refused"}
    (sentence,) = json.loads(done.stdout)["explained"]
    assert "serves CRAM-MD5, but what serves PLAIN LOGIN SCRAM-SHA-256" in sentence


def test_a_database_that_smtpd_may_not_read(server: PostfixInstance, login: Login) -> None:
    """Where the password is right and smtpd cannot read the file, that is what is asked about."""
    server.database.chmod(0o600)
    try:
        done = login("--mechanism", "PLAIN")
    finally:
        server.database.chmod(0o640)
    assert done.returncode == 1
    assert "may it not read this one?" in json.loads(done.stdout)["explained"][0]


@pytest.mark.parametrize("user, password", [("r\u00f6d", "p\u00e4ss"), ("a,b=c", 'q"\\'), ("x" * 300, "y" * 300)])
@pytest.mark.parametrize("tls", [[], ["--no-starttls"]], ids=["under TLS", "in the clear"])
def test_odd_names_and_passwords(
    server: PostfixInstance, login: Login, tls: list[str], user: str, password: str
) -> None:
    """Characters that a mechanism has to escape or convert, and long names, log in with every mechanism that can carry them."""
    with sasldb.edit(str(server.database)) as editor:
        editor.set_password(f"{user}@{REALM}", password.encode())
    done = login("--all", *tls, user=f"{user}@{REALM}", password=password)
    refused = {name for name, result in results(done).items() if result != "accepted"}
    # libsasl takes each byte of UTF-8 for a character in NTLM, so that no client can get in there.
    assert refused == (set() if password.isascii() else {"NTLM"})
