"""What `sasldb login` explains of a refusal by the Postfix of this host, beyond what the database says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.stock import CERTIFICATE, DOMAIN, HOST, StockMachine

PASSWORD = "wonder land:7"
ALICE = f"alice@{DOMAIN}"
JAILED = "/var/spool/postfix/etc/sasldb2"


@pytest.fixture
def machine(stock_machine: StockMachine) -> Iterator[StockMachine]:
    """Yield the machine, set up for logins, with alice."""
    stock_machine.shell("sasldb postfix setup --yes 2>&1")
    stock_machine.shell(f"saslpasswd2 -p -c {ALICE}", PASSWORD.encode())
    yield stock_machine


def explained(machine: StockMachine, port: int = 25, password: str = PASSWORD) -> list[str]:
    """Return what is explained of a login of alice with PLAIN, which is refused."""
    options = f"--ca-file {CERTIFICATE} --mechanism PLAIN --password-stdin --pace 0"
    done = machine.tried(f"sasldb login smtp://{HOST}:{port} {ALICE} {options}", password.encode())
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 1 and "PLAIN: refused: " in done.stdout.decode(), done
    return [line[len("on this host: ") :] for line in lines if line.startswith("on this host: ")]


def test_what_postfix_does_wrong(machine: StockMachine) -> None:
    """Where the password is right here, what is wrong with Postfix is told with what mends it; where it is wrong, that is enough."""
    machine.shell(f"chmod 0600 {JAILED}")
    right, suspect = explained(machine)
    assert right.startswith("the password is right for PLAIN in /etc/sasldb2")
    assert JAILED in suspect and "; run: " in suspect
    (wrong,) = explained(machine, password="x")
    assert wrong.startswith("the password is not the one")
    machine.shell(suspect.partition("; run: ")[2])
    done = machine.tried(
        f"sasldb login smtp://{HOST} {ALICE} --ca-file {CERTIFICATE} --password-stdin --pace 0 --all", PASSWORD.encode()
    )
    assert done.returncode == 0, done


def test_a_password_that_clients_change(machine: StockMachine) -> None:
    """With a password that SASLprep changes, PLAIN gets in and SCRAM and NTLM do not; that is told, and the server is not suspected."""
    password = b"a\xc2\xa0b"
    machine.shell(f"saslpasswd2 -p -c bob@{DOMAIN}", password)
    login = f"sasldb login smtp://{HOST} bob@{DOMAIN} --ca-file {CERTIFICATE} --password-stdin --pace 0 --all"
    lines = machine.tried(login, password).stdout.decode().splitlines()
    assert any(line.startswith("PLAIN: accepted") for line in lines)
    told = [line.partition(": ")[2] for line in lines if line.startswith("on this host: ")]
    refused = [line.partition(":")[0] for line in lines if ": refused: " in line]
    assert all(any(f" {name} " in line for line in told) for name in refused) and "SCRAM-SHA-256" in refused
    assert "(SASLprep)" in told[0] and not any("the password is right" in line for line in told)


@pytest.mark.parametrize("wish", ["", "--mechanism PLAIN", "--all --json"])
def test_no_auth_at_all(machine: StockMachine, wish: str) -> None:
    """Where nothing is offered, that is told, and what keeps this host's Postfix from offering it, with what mends it."""
    machine.shell("postconf -e smtpd_sasl_auth_enable=no && postfix reload 2>&1")
    login = f"sasldb login smtp://{HOST} {ALICE} --ca-file {CERTIFICATE} --password-stdin --pace 0 {wish}"
    done = machine.tried(login, PASSWORD.encode())
    assert (done.returncode, done.stdout) == (3, b"")
    reason, explanation = done.stderr.decode().rstrip().split("; on this host: ")
    assert reason == f"sasldb: {HOST}:25: offers no AUTH"
    seen, _, remedy = explanation.partition("; run: ")
    assert seen == "smtpd_sasl_auth_enable is not yes for any smtpd service"
    machine.shell(remedy)
    assert machine.tried(login, PASSWORD.encode()).returncode == 0


def test_auth_under_tls_alone(machine: StockMachine) -> None:
    """Who stays in the clear where AUTH waits behind STARTTLS is told that, and no fault of Postfix."""
    options = "--no-starttls --password-stdin --pace 0"
    done = machine.tried(f"sasldb login smtp://{HOST} {ALICE} {options}", PASSWORD.encode())
    words = f"sasldb: {HOST}:25: offers no AUTH in the clear, but STARTTLS; leave --no-starttls away\n"
    assert (done.returncode, done.stderr.decode()) == (3, words)


def test_no_auth_at_one_service(machine: StockMachine) -> None:
    """So it is where AUTH is off at the port asked alone."""
    machine.shell("postconf -P smtp/inet/smtpd_sasl_auth_enable=no && postfix reload 2>&1")
    machine.shell("postconf -M submission/inet='587 inet n - y - - smtpd' && postfix reload 2>&1")
    done = machine.tried(f"sasldb login smtp://{HOST} {ALICE} --insecure --password-stdin --pace 0", PASSWORD.encode())
    words = b"offers no AUTH; on this host: smtpd_sasl_auth_enable is not yes for the service at port 25\n"
    assert done.returncode == 3 and done.stderr.endswith(words), done
