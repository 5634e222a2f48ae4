"""What every test may use: this project's commands, and the real parts it is measured against.

A real part is what is installed beside this project: the Cyrus SASL tools (`cyrus`), Postfix and the clients that log in
there (`postfix`), the servers that it may ask instead of a sasldb (`imap`, `ldap`, `postgresql`), strace (`strace`), or the
right to make private namespaces (`namespace`). A test that needs one asks for its fixture, or for `require`; where the part is missing the test is skipped with the reason, unless the environment variable
SASLDB_REQUIRE names the part (several with commas, or `all`): then it fails. script/test installs the parts; CI requires all.

Whatever is random comes from one seed, which each run prints: SASLDB_SEED=NUMBER in the environment runs the same cases again.
"""

from __future__ import annotations

import compileall
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import berkeleydb
import click
import pytest
from hypothesis import settings

from tests import campaigns
from tests.real.namespace import PrivateEtc
from tests.real.postfix import PostfixInstance
from tests.real.stock import StockMachine

ROOT = Path(__file__).resolve().parent.parent
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # Debian's own programs; never what pip installed under the same name
REAL_FIXTURES = {"require", "cyrus", "postfix_parts", "postfix_instance", "private_etc", "stock_machine"}

Require = Callable[..., list[str]]

# A run in the background (`nohup`, or `&` in a script) begins with signals ignored, and programs inherit that: what a test starts would
# not end by its signal. A handler is not inherited. So one that does nothing keeps these tests deaf, and what they start hears.
_background = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP)
_told = os.environ.get("SASLDB_IGNORED", "").split()  # by the process that has started this one, pytest-xdist's
_ignored = [each for each in _background if each.name in _told or signal.getsignal(each) is signal.SIG_IGN]
for _signal in _ignored:
    signal.signal(_signal, lambda number, frame: None)
os.environ["SASLDB_IGNORED"] = " ".join(each.name for each in _ignored)

# What changes libsasl's, getopt's or our own defaults would make results depend on who runs the tests.
_KEPT = {"SASLDB_REQUIRE", "SASLDB_SEED", "SASLDB_CAMPAIGN", "SASLDB_IGNORED"}
for _name in [name for name in os.environ if name.startswith(("SASL_", "SASLDB_")) or name == "POSIXLY_CORRECT"]:
    if _name not in _KEPT:
        del os.environ[_name]


SLOW = ("tests/faults/", "tests/real/", "tests/cli/compat/", "tests/ansible/", "tests/login/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `real` every test that uses a real part: `-m "not real"` is the fast half.

    Where several processes share the modules, the slow ones come first: one that begins last would be waited for.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: [*(item.nodeid.startswith(folder) for folder in SLOW), True].index(True))
    for item in items:
        if REAL_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("real")


def lacking(part: str, reason: str) -> NoReturn:
    """Skip the test with `reason`, or fail it where SASLDB_REQUIRE asks for `part`."""
    if {part, "all"} & set(os.environ.get("SASLDB_REQUIRE", "").split(",")):
        pytest.fail(f"{part} is required (SASLDB_REQUIRE) and missing: {reason}", pytrace=False)
    pytest.skip(reason)


# Hypothesis takes its seed from ours, and nothing from an earlier run, so that the printed seed says which cases were run.
settings.register_profile("sasldb", derandomize=False, deadline=None, print_blob=True, database=None)
settings.load_profile("sasldb")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give Hypothesis the seed, before its own plugin looks for it."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(campaigns.SEED)


def _about_the_seed() -> str:
    which = "campaigns whole" if campaigns.WHOLE else "a sample of each campaign"
    return f"seed: SASLDB_SEED={campaigns.SEED} runs the same cases again ({which})"


def pytest_report_header() -> str:
    """Say the seed at the beginning, for a run that is not finished."""
    return _about_the_seed()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say the seed at the end, where -q leaves out the beginning."""
    terminalreporter.write_line(_about_the_seed())


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """Compile the package first: CPython keeps what it could write of a .pyc when a file size limit or an injected fault cuts it."""
    compileall.compile_dir(ROOT / "sasldb", quiet=2)


@pytest.fixture(scope="session")
def require() -> Require:
    """Return `require(part, *programs) -> paths`: the real programs (str, absolute), or the end of the test."""

    def find(part: str, *programs: str) -> list[str]:
        paths = [shutil.which(name, path=SYSTEM_PATH) for name in programs]
        absent = [name for name, path in zip(programs, paths) if path is None]
        if absent:
            lacking(part, f"not installed: {', '.join(absent)}; script/test installs it")
        return [path for path in paths if path is not None]

    return find


class Commands:
    """Paths (str, absolute) of the three commands of this checkout."""

    saslpasswd2 = str(ROOT / "bin/saslpasswd2")
    sasldblistusers2 = str(ROOT / "bin/sasldblistusers2")
    sasldb = str(ROOT / "bin/sasldb")


@pytest.fixture(scope="session")
def commands() -> Commands:
    """Return this project's commands, as they run from the checkout."""
    return Commands()


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """Return the test's directory, which anybody may walk to."""
    directory = tmp_path
    while directory != Path("/tmp") and directory != Path("/"):
        directory.chmod(0o755)
        directory = directory.parent
    return tmp_path


@pytest.fixture(scope="session")
def public_bin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a directory (text) with the commands where other users can run them, wherever this checkout lies."""
    if all(folder.stat().st_mode & 0o001 for folder in ROOT.joinpath("bin").parents):
        yield str(ROOT / "bin")
        return
    with tempfile.TemporaryDirectory(prefix="sasldb-public-") as directory:
        copy = Path(directory)
        copy.chmod(0o755)
        for name in ("bin", "sasldb"):
            shutil.copytree(ROOT / name, copy / name)
        shutil.copy(ROOT / "setup.cfg", copy)
        for package in (click, berkeleydb):
            folder = Path(str(package.__file__)).parent
            shutil.copytree(folder, copy / folder.relative_to(ROOT))
        yield str(copy / "bin")


class CyrusTools:
    """The real programs, as paths (str, absolute); `db_` ones are Berkeley DB's own."""

    def __init__(self, require: Require) -> None:
        """Find them, or end the test."""
        names = "saslpasswd2", "sasldblistusers2", "saslauthd", "testsaslauthd"
        self.saslpasswd2, self.sasldblistusers2, self.saslauthd, self.testsaslauthd = require("cyrus", *names)
        self.db_verify, self.db_dump, self.db_load = require("cyrus", "db5.3_verify", "db5.3_dump", "db5.3_load")
        self.otp_installed = any(Path("/usr/lib").glob("*/sasl2/libotp.so"))

    def records(self, path: str | Path) -> dict[bytes, bytes]:
        """Verify the Berkeley DB file and return its records, key -> value, as Berkeley DB's own tools see them.

        Raises:
            subprocess.CalledProcessError: the file is damaged, or none.
        """
        subprocess.run([self.db_verify, "-q", path], check=True, capture_output=True, timeout=60)
        done = subprocess.run([self.db_dump, path], check=True, capture_output=True, text=True, timeout=60)
        lines = [bytes.fromhex(line) for line in done.stdout.splitlines() if line.startswith(" ")]
        return dict(zip(lines[::2], lines[1::2]))


@pytest.fixture(scope="session")
def cyrus(require: Require) -> CyrusTools:
    """Return the real Cyrus SASL and Berkeley DB tools."""
    return CyrusTools(require)


@pytest.fixture(scope="session")
def postfix_parts(require: Require) -> None:
    """Ask for all that a Postfix of the tests' own needs."""
    if os.geteuid() != 0:
        lacking("postfix", "only root can start a Postfix")
    if os.path.exists("/usr/sbin/sendmail") and not os.path.exists("/usr/sbin/postfix"):
        lacking("postfix", "another mail server is installed (/usr/sbin/sendmail), and is not replaced by Postfix")
    require("postfix", "postfix", "gsasl", "swaks")


@pytest.fixture(scope="module", params=["plain", "chroot"])
def postfix_instance(request: pytest.FixtureRequest, postfix_parts: None) -> Iterator[PostfixInstance]:
    """Yield a running Postfix of its own, with an empty place for its database; outside and inside a chroot."""
    with PostfixInstance(chroot=request.param == "chroot") as instance:
        yield instance


@pytest.fixture(scope="module")
def stock_machine(require: Require, postfix_parts: None) -> Iterator[StockMachine]:
    """Yield a machine of its own, with Postfix as Debian installs it, which runs; its host name is mail.example.com."""
    require("namespace", "unshare", "nsenter", "ip", "openssl")
    try:
        machine = StockMachine()
    except (OSError, subprocess.SubprocessError) as error:
        reason = str(error)
    else:
        with machine:
            machine.age()
            machine.shell("postfix start 2>&1")
            yield machine
        return
    lacking("namespace", f"no private namespaces can be made here: {reason}")


@pytest.fixture
def private_etc(require: Require) -> Iterator[PrivateEtc]:
    """Yield namespaces in which /etc may be changed and the host is called vm.example.com; nothing of it is left."""
    require("namespace", "unshare", "nsenter")
    try:
        instance = PrivateEtc("vm.example.com")
    except (OSError, subprocess.SubprocessError) as error:
        reason = str(error)
    else:
        with instance:
            yield instance
        return
    lacking("namespace", f"no private mount namespace can be made here: {reason}")
