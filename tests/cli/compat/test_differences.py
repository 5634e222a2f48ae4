"""The deliberate differences, each on its own: what ours does where the real tools do harm, and that the real ones do."""

from __future__ import annotations

import fcntl
import grp
import os
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from berkeleydb import db

from tests.cli.compat.conftest import Oracle
from tests.cli.compat.records import AUTH, PLAIN, PROPERTIES, USER, image, key, load, meaning, seeded
from tests.cli.compat.sides import LONG_AGO, Case
from tests.conftest import ROOT, Commands, CyrusTools, Require

TO_T = (b"-f", b"t.db", b"u@R")
POSTFIX = "postfix" in [entry.gr_name for entry in grp.getgrall()]


def ours(oracle: Oracle, case: Case) -> tuple[int, bytes, Mapping[bytes, object] | None]:
    """Return exit status, stderr and the records of t.db (None where there is none) of our command."""
    outcome = oracle.run(case, True)[0]
    return outcome.status, outcome.stderr, outcome.databases.get("t.db")


def run(
    command: str, *args: str, cwd: Path, stdin: bytes = b"pw\n", **environ: str
) -> subprocess.CompletedProcess[bytes]:
    """Run one of our commands, outside any namespace."""
    environment = {"PATH": "/usr/bin:/bin", "SASL_CONF_PATH": "none", **environ}
    return subprocess.run(
        [command, *args], cwd=cwd, input=stdin, env=environment, capture_output=True, timeout=30, check=False
    )


# 1. Nothing lost, damaged, half-written, endless or cut


@pytest.mark.parametrize(
    ("pieces", "password"),
    [
        (((0, b"pw"), (0.2, b"rest\n")), b"pwrest"),
        (((0, b"a" * 1024), (0.2, b"b" * 1024 + b"\n")), b"a" * 1024 + b"b" * 1024),
        (((0, b"pw"), (0.2, b"\n")), b"pw"),
        (((0, b"p"), (0.1, b"w"), (0.1, b"\n")), b"pw"),
    ],
)
def test_a_password_in_pieces_is_not_cut(
    oracle: Oracle, pieces: tuple[tuple[float, bytes], ...], password: bytes
) -> None:
    """Reading goes on until what has come ends in a newline."""
    status, stderr, records = ours(oracle, Case("pieces", (b"-p", *TO_T), stdin=pieces, password=password))
    assert (status, stderr) == (0, b"")
    assert records is not None and records[key(b"u", b"R")] == password


def test_a_line_is_answered_though_the_pipe_stays_open(oracle: Oracle) -> None:
    """A writer that sends a whole line and waits is answered at once."""
    begun = time.monotonic()
    assert ours(oracle, Case("open", (b"-p", *TO_T), stdin=((0, b"pw\n"),)))[0] == 0
    assert time.monotonic() - begun < 90


@pytest.mark.parametrize("malformed", [b"none", b"u\0R", b"u\0R\0p\0", b"\0\0\0\0", b"", b"a\0b\0c\0d\0e"])
def test_a_malformed_key_is_counted_and_passed_over(oracle: Oracle, malformed: bytes) -> None:
    """Where the real list loops for ever, ours lists the rest and says how many records it left out."""
    content = image({malformed: b"x", **{key(b"u%d" % n, b"R"): b"y" for n in range(20)}})
    outcome = oracle.run(Case("malformed", (b"t.db",), "sasldblistusers2", files={"t.db": content}), True)[0]
    assert (outcome.status, outcome.stderr) == (0, b"sasldblistusers2: 1 record with a malformed key not listed\n")
    assert sorted(outcome.stdout.splitlines()) == sorted(b"u%d@R: userPassword" % n for n in range(20))


def test_long_names_are_listed(oracle: Oracle) -> None:
    """Names and keys longer than the real tool's buffers, on which it loops or stops, are listed like others."""
    records = {key(b"u" * size, b"R"): b"x" for size in (16383, 16384, 32768, 100000)}
    outcome = oracle.run(Case("long", (b"t.db",), "sasldblistusers2", files={"t.db": image(records)}), True)[0]
    assert sorted(map(len, outcome.stdout.splitlines())) == [
        size + len(b"@R: userPassword") for size in (16383, 16384, 32768, 100000)
    ]


@pytest.mark.parametrize(
    ("offset", "value"), [(20, bytes(4)), (4096 + 20, b"\x0f\x27"), (4096 + 16, b"\1\0\0\0"), (4096 + 25, b"\xff")]
)
@pytest.mark.parametrize("flag", ["-p", "-d"])
def test_a_damaged_file_is_refused_unchanged(
    commands: Commands, tmp_path: Path, flag: str, offset: int, value: bytes
) -> None:
    """Where the real tool crashes, loops or reports success, ours fails with status 1 and leaves the file alone."""
    content = bytearray(image(seeded()))
    content[offset : offset + len(value)] = value
    (tmp_path / "t.db").write_bytes(content)
    os.utime(tmp_path / "t.db", (LONG_AGO, LONG_AGO))
    done = run(commands.saslpasswd2, flag, "-f", "t.db", "u@R", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, b"saslpasswd2: generic failure\n")
    assert (tmp_path / "t.db").read_bytes() == content
    assert os.listdir(tmp_path) == ["t.db"]
    listed = run(commands.sasldblistusers2, "t.db", cwd=tmp_path)
    assert (listed.returncode, listed.stderr) == (0, b"listusers failed\n")


def test_a_stale_temporary_file_of_libdb_blocks_nothing(oracle: Oracle) -> None:
    """A `__db.t.db` left by a killed real tool, which makes the next one wait 100 seconds, does not matter."""
    begun = time.monotonic()
    assert ours(oracle, Case("stale", TO_T, files={"__db.t.db": b""}))[0] == 0
    assert time.monotonic() - begun < 90


def test_a_pipe_for_a_database_is_an_error(commands: Commands, tmp_path: Path) -> None:
    """A named pipe, at which the real tools wait for ever, is no database."""
    os.mkfifo(tmp_path / "t.db", 0o600)
    for flag in ("-p", "-d"):
        assert run(commands.saslpasswd2, flag, "-f", "t.db", "u@R", cwd=tmp_path).returncode == 1
    assert run(commands.sasldblistusers2, "t.db", cwd=tmp_path).stderr == b"listusers failed\n"


def test_an_old_password_does_not_stay_beside_the_new(commands: Commands, cyrus: CyrusTools, tmp_path: Path) -> None:
    """In a database that allows duplicates the real tool adds a second userPassword; ours replaces the first."""
    counts = []
    for command in (cyrus.saslpasswd2, commands.saslpasswd2):
        (tmp_path / "t.db").write_bytes(image({key(b"u", b"R"): b"old", key(b"v", b"R"): b"x"}, flags=db.DB_DUP))
        (tmp_path / "t.db").chmod(0o640)
        assert run(command, "-f", "t.db", "u@R", cwd=tmp_path).stderr == b""
        counts.append(run(cyrus.sasldblistusers2, "t.db", cwd=tmp_path).stdout.count(b"u@R: userPassword\n"))
    assert counts == [2, 1]
    assert (load(tmp_path / "t.db") or {})[key(b"u", b"R")] == b"pw"


def test_a_wait_in_vain_is_told(tmp_path: Path) -> None:
    """Who waits 30 seconds for another process reads, before what the real tool would say, which process that is."""
    (tmp_path / "t.db").write_bytes(image(seeded()))
    (tmp_path / "t.db").chmod(0o640)
    code = (  # the clock runs a hundred times as fast
        f"import sys, time; sys.path.insert(0, {str(ROOT)!r}); clock = time.monotonic\n"
        "time.monotonic = lambda: 100 * clock()\n"
        "from sasldb.cli.compat.saslpasswd2 import main\n"
        "sys.exit(main([b'/x/saslpasswd2', *map(str.encode, sys.argv[1:])]))\n"
    )
    with open(tmp_path / "t.db", "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for flag in ("-p", "-d"):
            done = run(sys.executable, "-c", code, flag, "-f", "t.db", "u@R", cwd=tmp_path)
            told, error = done.stderr.splitlines()
            assert told.startswith(b"saslpasswd2: t.db: still locked by process %d (" % os.getpid()) and b"30 s" in told
            assert (done.returncode, error) == (1, b"saslpasswd2: generic failure")
    assert load(tmp_path / "t.db") == seeded()


# 2. -d removes everything


def test_delete_removes_every_property(oracle: Oracle) -> None:
    """-d leaves nothing of the user, of which the real tool keeps most, and all of everybody else."""
    case = Case("-d", (b"-d", *TO_T), files={"t.db": image(seeded())}, environ={"SASL_PATH": None})
    real, ours_ = oracle.run(case, False, True)
    others = {name: value for name, value in seeded().items() if not name.startswith(b"u\0R\0")}
    assert ours_.databases["t.db"] == others
    assert len(real.databases["t.db"]) == len(others) + len(PROPERTIES) - 5


# 3. -n stores what replaces the plaintext


@pytest.mark.parametrize("environ", [{}, {"SASL_PATH": "plug"}])
def test_no_plaintext_keeps_its_word(oracle: Oracle, environ: dict[str, str | None]) -> None:
    """-n stores authPassword and cmusaslsecretPLAIN of the new password, and the old plaintext is gone."""
    plug: dict[str, bytes | str | None] = {
        "t.db": image(seeded()),
        "plug/libsasldb.so": "/usr/lib/x86_64-linux-gnu/sasl2/libsasldb.so",
    }
    status, stderr, records = ours(oracle, Case("-n", (b"-n", *TO_T), files=plug, environ=environ))
    assert (status, stderr) == (0, b"") and records is not None
    assert key(b"u", b"R", USER) not in records
    assert records[key(b"u", b"R", PLAIN)] == "PLAIN"
    assert records[key(b"u", b"R", AUTH)] == ("SCRAM", b"SCRAM-SHA-256", b"4096", 16)


@pytest.mark.parametrize(
    ("conf", "mechanism", "iterations"),
    [
        (b"scram_iteration_counter: 6000\n", b"SCRAM-SHA-256", b"6000"),
        (b"mech_list: PLAIN SCRAM-SHA-1 LOGIN\n", b"SCRAM-SHA-1", b"4096"),
        (b"mech_list: SCRAM-SHA-512 SCRAM-SHA-256 SCRAM-SHA-1\n", b"SCRAM-SHA-256", b"4096"),
        (b"mech_list: PLAIN\n", b"SCRAM-SHA-256", b"4096"),
    ],
)
def test_no_plaintext_follows_the_configuration(
    oracle: Oracle, conf: bytes, mechanism: bytes, iterations: bytes
) -> None:
    """The mechanism of authPassword is one that mech_list lets in, the iterations are those asked for."""
    records = ours(oracle, Case("-n", (b"-n", *TO_T), conf=conf))[2]
    assert records is not None and records[key(b"u", b"R", AUTH)] == ("SCRAM", mechanism, iterations, 16)


# 4. No password is cut


@pytest.mark.parametrize("size", [2049, 3000, 8191, 8192])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_long_passwords_are_stored_whole(oracle: Oracle, size: int, end: bytes) -> None:
    """Of these the real tool stores the first 2048 bytes without a word."""
    case = Case("long", (b"-p", *TO_T), stdin=b"x" * size + end, password=b"x" * size)
    real, ours_ = oracle.run(case, False, True)
    assert ours_.databases["t.db"][key(b"u", b"R")] == b"x" * size
    assert real.databases["t.db"][key(b"u", b"R")] == b"x" * 2048
    assert ours_.databases["t.db"][key(b"u", b"R", b"cmusaslsecretOTP")][0] == "OTP"  # type: ignore[index]


@pytest.mark.parametrize("password", [b"ab\0cd\n", b"\0", b"x" * 8193, b"x" * 8193 + b"\n", b"x" * 1000000])
@pytest.mark.parametrize("flag", [b"-p", b"-n", b"-c"])
def test_what_libsasl_cannot_read_is_refused(oracle: Oracle, flag: bytes, password: bytes) -> None:
    """A NUL, or more than 8192 bytes, is an invalid parameter, and nothing is changed."""
    case = Case("refused", (flag, *TO_T), stdin=password, files={"t.db": image(seeded())})
    assert ours(oracle, case) == (7, b"saslpasswd2: invalid parameter supplied\n", seeded())


# 5. Owner and mode, links, echo (for which see test_dialogue)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_new_database_is_for_postfix(commands: Commands, tmp_path: Path, umask: int) -> None:
    """Whatever the umask: mode 0640, and as root it belongs to root and, where there is one, to group postfix."""
    before = os.umask(umask)
    try:
        assert run(commands.saslpasswd2, "-f", "t.db", "u@R", cwd=tmp_path).stderr == b""
    finally:
        os.umask(before)
    status = (tmp_path / "t.db").stat()
    assert stat.S_IMODE(status.st_mode) == 0o640
    if os.geteuid() == 0 and POSTFIX:
        assert (status.st_uid, grp.getgrgid(status.st_gid).gr_name) == (0, "postfix")


def test_others_lose_their_permissions_and_it_is_told(commands: Commands, tmp_path: Path) -> None:
    """An existing database loses what others may do, which is said on stderr; a second run has nothing to say."""
    (tmp_path / "t.db").write_bytes(image({}))
    (tmp_path / "t.db").chmod(0o666)
    told = run(commands.saslpasswd2, "-f", "t.db", "u@R", cwd=tmp_path).stderr
    assert told.startswith(b"saslpasswd2: t.db: ") and told.count(b"\n") == 1 and b"0666" in told and b"0660" in told
    assert stat.S_IMODE((tmp_path / "t.db").stat().st_mode) == 0o660
    assert run(commands.saslpasswd2, "-f", "t.db", "u@R", cwd=tmp_path).stderr == b""


def test_the_environment_overrules_owner_and_mode(commands: Commands, tmp_path: Path, require: Require) -> None:
    """SASLDB_MODE and SASLDB_GROUP are obeyed; what they cannot mean is an error that changes nothing."""
    assert run(commands.saslpasswd2, "-f", "t.db", "u@R", cwd=tmp_path, SASLDB_MODE="0600").returncode == 0
    assert stat.S_IMODE((tmp_path / "t.db").stat().st_mode) == 0o600
    before = (tmp_path / "t.db").read_bytes()
    failed = run(commands.saslpasswd2, "-f", "t.db", "v@R", cwd=tmp_path, SASLDB_GROUP="no-such-group")
    assert (failed.returncode, failed.stderr) == (1, b"saslpasswd2: generic failure\n")
    assert (tmp_path / "t.db").read_bytes() == before


@pytest.mark.parametrize("flag", [b"-p", b"-d"])
def test_a_dangling_link_is_an_error(oracle: Oracle, flag: bytes) -> None:
    """The link stays, and nothing is made in its place (which the real tool does) nor where it points."""
    outcome = oracle.run(Case("dangling", (flag, b"-f", b"link", b"u@R"), files={"link": "target"}), True)[0]
    assert (outcome.status, outcome.stderr) == (1, b"saslpasswd2: generic failure\n")
    assert outcome.others == outcome.others_before and not outcome.databases


# 6. What is not imitated


def test_the_version_is_ours(commands: Commands, tmp_path: Path) -> None:
    """-v names this project and its version, in one line on stderr, with status 0."""
    for command in (commands.saslpasswd2, commands.sasldblistusers2):
        done = run(command, "-v", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (0, b"")
        name, project, version = done.stderr.split()
        assert name == os.path.basename(command).encode() and project == b"(sasldb)" and version[:1].isdigit()


def test_usage_has_no_notice(oracle: Oracle) -> None:
    """The usage begins with the command's name; the real one stands below a notice of Carnegie Mellon University."""
    real, ours_ = oracle.run(Case("usage", ()), False, True)
    assert ours_.stderr.startswith(b"saslpasswd2: usage: saslpasswd2 [-v]")
    assert real.stderr.endswith(ours_.stderr) and b"Carnegie Mellon" in real.stderr


def test_otp_with_md4_is_refused(oracle: Oracle) -> None:
    """`otp_mda: md4`, on which the real tool crashes half-way and later libsasl at the login, fails and changes nothing."""
    case = Case("md4", TO_T, conf=b"otp_mda: md4\n", files={"t.db": image(seeded())})
    assert ours(oracle, case) == (1, b"saslpasswd2: generic failure\n", seeded())


def test_absurd_iterations_are_refused(oracle: Oracle) -> None:
    """A count of 0 gives a useless secret and one of 4294967295 an endless run; ours fails, and changes nothing."""
    for count in (b"0", b"-1", b"4294967295"):
        conf = b"scram_secret_generate: on\nscram_iteration_counter: " + count + b"\n"
        case = Case("absurd", TO_T, conf=conf, files={"t.db": image(seeded())})
        assert ours(oracle, case) == (1, b"saslpasswd2: generic failure\n", seeded())


def test_a_directory_for_stdin_stops_python_itself(oracle: Oracle) -> None:
    """Known limit: Python does not start with a directory for stdin. The status is 1, as that of the real tool, and nothing changes."""
    case = replace(Case("directory", (b"-p", *TO_T), files={"t.db": image(seeded())}), channel="directory")
    real, ours_ = oracle.run(case, False, True)
    assert ours_.status == real.status == 1
    assert ours_.databases == ours_.before


def test_records_are_readable_by_the_same_standard_as_others(tmp_path: Path) -> None:
    """The independent check of secrets that these tests rely on tells a right password from a wrong one."""
    (tmp_path / "t.db").write_bytes(image({key(b"u", b"R"): b"x"}))
    assert load(tmp_path / "t.db") == {key(b"u", b"R"): b"x"}
    value = b"SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE="  # RFC 5802's
    assert meaning(AUTH, value, b"pencil") == ("SCRAM", b"SCRAM-SHA-1", b"4096", 12)
    assert meaning(AUTH, value, b"pen") == value
