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
    stock_machine.shell(f"sasldb add --password-stdin {ALICE}", PASSWORD.encode())
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
