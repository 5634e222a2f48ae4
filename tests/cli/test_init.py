"""sasldb init: an empty database with the right owner and mode, and nothing overwritten."""

from __future__ import annotations

import os
import stat
import subprocess
from grp import getgrnam
from pathlib import Path
from pwd import getpwnam

import pytest

from tests.cli.conftest import Sasldb, make_database
from tests.conftest import Commands, CyrusTools
from tests.real.namespace import PrivateEtc

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def test_makes_a_database(sasldb: Sasldb, tmp_path: Path) -> None:
    """A missing file becomes an empty database that nobody else may read, and the command says so."""
    done = sasldb("init", "-f", "db")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"made db, ") and done.stdout.endswith(b" 0640\n")
    assert stat.S_IMODE((tmp_path / "db").stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["db"]
    assert sasldb("list", "-f", "db").stdout == b""


def test_real_tools_take_it(sasldb: Sasldb, tmp_path: Path, cyrus: CyrusTools) -> None:
    """The real Cyrus tools and Berkeley DB's own find nothing wrong with the new file."""
    sasldb("init", "-f", "db")
    subprocess.run([cyrus.db_verify, "db"], cwd=tmp_path, check=True, timeout=30)
    subprocess.run([cyrus.saslpasswd2, "-p", "-f", "db", "u@x"], input=b"pw\n", cwd=tmp_path, check=True, timeout=30)
    assert sasldb("list", "-f", "db").stdout == b"u@x\n"


@as_root
def test_owner_group_and_mode(sasldb: Sasldb, tmp_path: Path) -> None:
    """--owner, --group and --mode overrule, and each may come from the environment; the option wins."""
    sasldb(
        "init", "-f", "db", "--owner", "daemon", "--mode", "0660", env={"SASLDB_GROUP": "mail", "SASLDB_MODE": "0600"}
    )
    status = (tmp_path / "db").stat()
    assert stat.S_IMODE(status.st_mode) == 0o660
    assert (status.st_uid, status.st_gid) == (getpwnam("daemon").pw_uid, getgrnam("mail").gr_gid)


def test_default_database(private_etc: PrivateEtc, commands: Commands) -> None:
    """Without -f it is /etc/sasldb2, root:postfix 0640 where there is such a group."""
    private_etc.run("rm", "-f", "/etc/sasldb2")
    private_etc.run("sh", "-c", "getent group postfix || groupadd postfix")
    done = private_etc.run(commands.sasldb, "init")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"made /etc/sasldb2, root:postfix 0640\n", b"")
    assert private_etc.run("stat", "-c", "%U:%G %a", "/etc/sasldb2").stdout == b"root:postfix 640\n"


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, b"a Berkeley DB hash database is there already"),
        (b"alice: secret\n", b"a file is there already, and it is no database"),
        (b"\xce\x9a\x57\x13" + bytes(600), b"a GDBM database is there already"),
    ],
    ids=["database", "text", "gdbm"],
)
@pytest.mark.parametrize("more", [(), ("--dry-run",)], ids=["init", "dry run"])
def test_refuses_what_is_there(
    sasldb: Sasldb, tmp_path: Path, content: bytes | None, reason: bytes, more: tuple[str, ...]
) -> None:
    """A file with anything in it is left alone; the message says what it is, and the exit status is 3."""
    if content is None:
        make_database(tmp_path / "db", {b"alice\0x\0userPassword": b"secret"})
    else:
        (tmp_path / "db").write_bytes(content)
    before = (tmp_path / "db").stat(), (tmp_path / "db").read_bytes()
    done = sasldb("init", "-f", "db", "--mode", "0600", *more)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr == b"sasldb: db: " + reason + b"\n"
    after = (tmp_path / "db").stat(), (tmp_path / "db").read_bytes()
    assert (after[0].st_ino, after[0].st_mtime_ns, after[0].st_mode, after[1]) == (
        before[0].st_ino,
        before[0].st_mtime_ns,
        before[0].st_mode,
        before[1],
    )


def test_adopts_an_empty_file(sasldb: Sasldb, tmp_path: Path) -> None:
    """A file of zero bytes becomes a database and keeps its owner and mode."""
    (tmp_path / "db").touch()
    (tmp_path / "db").chmod(0o600)
    if os.geteuid() == 0:
        os.chown(tmp_path / "db", 1, 1)
    before = (tmp_path / "db").stat()
    done = sasldb("init", "-f", "db")
    after = (tmp_path / "db").stat()
    assert (done.returncode, done.stderr) == (0, b"")
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert after.st_size == 12288


def test_empty_file_open_to_others(sasldb: Sasldb, tmp_path: Path) -> None:
    """An empty file that others may read is closed to them, and stderr says so."""
    (tmp_path / "db").touch()
    (tmp_path / "db").chmod(0o644)
    done = sasldb("init", "-f", "db")
    assert stat.S_IMODE((tmp_path / "db").stat().st_mode) == 0o640
    assert b"sasldb: db: was " in done.stderr and b"0644, is now " in done.stderr


@pytest.mark.parametrize("present", [False, True], ids=["missing", "zero bytes"])
def test_dry_run(sasldb: Sasldb, tmp_path: Path, present: bool) -> None:
    """--dry-run says what would be made, with owner and mode, and makes nothing."""
    if present:
        (tmp_path / "db").touch()
    done = sasldb("init", "-f", "db", "--mode", "0600", "--dry-run")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"would make db, ") and done.stdout.endswith(b" 0600\n")
    assert [(path.name, path.stat().st_size) for path in tmp_path.iterdir()] == [("db", 0)] * present


def test_several_at_once(commands: Commands, tmp_path: Path, sasldb: Sasldb) -> None:
    """Of eight that make the same database at once, one does, and the others say that it is there."""
    argv = [commands.sasldb, "init", "-f", "db"]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(argv, cwd=tmp_path, stdout=pipe, stderr=pipe) for _ in range(8)]
    spoken = [process.communicate(timeout=60)[1] for process in running]
    assert sorted(process.returncode for process in running) == [0] + [3] * 7
    assert all(words.startswith(b"sasldb: db: ") for words in spoken if words) and spoken.count(b"") == 1
    assert os.listdir(tmp_path) == ["db"]
    assert sasldb("list", "-f", "db").returncode == 0


def test_link_that_leads_nowhere(sasldb: Sasldb, tmp_path: Path) -> None:
    """A dangling link is an error, and neither it nor its target is made anything of."""
    (tmp_path / "db").symlink_to("absent")
    done = sasldb("init", "-f", "db")
    assert (done.returncode, done.stdout) == (3, b"")
    assert os.listdir(tmp_path) == ["db"] and os.readlink(tmp_path / "db") == "absent"


def test_missing_directory(sasldb: Sasldb) -> None:
    """In a directory that does not exist, it fails and says so."""
    done = sasldb("init", "-f", "absent/db")
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"sasldb: absent/db: ") and b"No such file or directory" in done.stderr


def test_system_log(private_etc: PrivateEtc, commands: Commands) -> None:
    """What was made is logged, with who made it; a dry run is not."""
    listen = (
        "import socket, subprocess, sys; log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); log.bind('/dev/log');"
        "log.settimeout(5); subprocess.run(sys.argv[1:] + ['--dry-run'], check=True);"
        "subprocess.run(sys.argv[1:], check=True); print(log.recv(4096).decode())"
    )
    mount = 'mount -t tmpfs private-dev /dev && exec "$@"'
    init = [commands.sasldb, "init", "-f", str(private_etc.scratch / "db")]
    inner = ["unshare", "-m", "sh", "-c", mount, "sh", "/usr/bin/python3", "-c", listen, *init]
    done = private_etc.run(*inner)
    assert done.stderr == b""
    assert b"<37>" in done.stdout and b" sasldb: made " in done.stdout and b"/db by uid=" in done.stdout
