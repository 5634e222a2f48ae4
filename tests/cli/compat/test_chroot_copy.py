"""The drop-in where the copy of the database in Postfix's chroot cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_writing_commands import LAY_CHROOT
from tests.conftest import Commands
from tests.faults.databases import key, records
from tests.operations.databases import make
from tests.real.namespace import PrivateEtc


@pytest.mark.parametrize("options, left", [(["-p"], b"looking-glass"), (["-d"], None)], ids=["set", "delete"])
def test_a_copy_that_cannot_be_written(
    private_etc: PrivateEtc, commands: Commands, tmp_path: Path, options: list[str], left: bytes | None
) -> None:
    """The change stands; saslpasswd2 says which copy is old, and ends with libsasl's "transient failure", 8, for it may be tried again."""
    path = make(tmp_path / "db", {"alice@example.com": {"userPassword": b"wonderland"}})
    assert private_etc.run("sh", "-c", LAY_CHROOT, "sh", path).returncode == 0
    done = private_etc.run(commands.saslpasswd2, *options, "-u", "example.com", "alice", stdin=b"looking-glass\n")
    assert (done.returncode, done.stdout) == (8, b"")
    lines = done.stderr.decode().splitlines()
    where = "saslpasswd2: /etc/chroot/etc/sasldb2: /etc/sasldb2 was changed, this copy of it was not: "
    assert [line for line in lines if line.startswith(where)], lines
    assert records(Path(path)).get(key("alice")) == left
