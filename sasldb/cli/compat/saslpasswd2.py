"""saslpasswd2: set or delete one user's password, a drop-in for the command of Cyrus SASL.

Arguments, texts, exit status and records are those of 2.1.28 but for the differences listed in the manual page. Exit status: 0 done; 1 a
wrong call, stdin that cannot be read, or a database that cannot be changed; 4 no plug-in may store a password; 7 a password that
cannot be; 8 the database was changed and its copy in Postfix's chroot was not; 100 a configuration file that does not parse. Reasons go
to the system log.
"""

from __future__ import annotations

import os

from sasldb import syslog
from sasldb.cli.compat import streams, usage
from sasldb.cli.compat.scanner import MISTAKE, OPERAND, scan
from sasldb.errors import (
    BadPassword,
    Conflict,
    Locked,
    MechanismError,
    SasldbError,
    SecretUnusable,
    SiteConfigError,
    StaleCopy,
)
from sasldb.libsasl import config, plugins
from sasldb.model.identity import UserId
from sasldb.model.text import printable
from sasldb.operations import cyrus
from sasldb.store.accounts import host_realm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sasldb.policy.ownership import OwnershipOptions

LETTERS = b"vpcdnf:u:a:h?"
OWN_APPLICATION = b"saslpasswd"

FAILURE = (1, b"generic failure")
NO_MECHANISM = (4, b"no mechanism available")
BAD_PARAMETER = (7, b"invalid parameter supplied")
MISMATCH = (7, b"passwords don't match; aborting")
STALE_COPY = 8  # libsasl's "transient failure": doing it again is the remedy
BAD_CONFIGURATION = (100, b"error when parsing configuration file")


class Ended(Exception):
    """The command is over, with `status` and `text` (bytes) for stderr."""

    def __init__(self, status: int, text: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.text = text


class Call:
    """What the command line asks for; names and paths are bytes."""

    __slots__ = ("application", "create", "database", "delete", "operands", "pipe", "plaintext", "realm")

    def __init__(self) -> None:
        self.application = OWN_APPLICATION
        self.create = False
        self.database: bytes | None = None
        self.delete = False
        self.operands: list[bytes] = []
        self.pipe = False
        self.plaintext = True
        self.realm = b""


def main(argv: Sequence[bytes]) -> int:
    """Run the command with `argv` (bytes, the program's name first) and return its exit status."""
    try:
        streams.catch_interrupts()  # for what is to be tidied up: a temporary file, the terminal
        streams.hold()
        streams.leave_no_core()
        try:
            _run(argv)
        except Ended as ended:
            streams.tell(ended.text)
            return ended.status
    except KeyboardInterrupt:
        from _signal import SIGINT

        streams.die(SIGINT)
    return 0


def _run(argv: Sequence[bytes]) -> None:
    call = _parse(argv)
    name = usage.base_name(argv[0])
    configured = _configuration(name, call.application)
    password = b"" if call.delete else _password(name, call.pipe)
    site = cyrus.Site(configured, plugins.installed(os.environb))
    user = UserId.parse(call.operands[0], call.realm or host_realm())
    path = os.fsdecode(config.database(configured, call.database))
    try:
        wishes = _wishes(path, call.application, configured)
        if call.delete:
            sentences = cyrus.disable(path, user, site, wishes)
        else:
            sentences = cyrus.set_password(path, user, password, site, call.plaintext, wishes)
    except StaleCopy as error:
        syslog.send(name, syslog.ERROR, f"stored for {user}: {error}")
        raise _failed(name, STALE_COPY, printable(str(error)).encode()) from error
    except SasldbError as error:
        syslog.send(name, syslog.ERROR, f"setpass failed for {user}: {error}")
        if isinstance(error, (Conflict, Locked)):  # Cyrus's tools never say that: they take no lock
            streams.tell(b"%b: %b\n" % (name, printable(str(error)).encode()))
        raise _failed(name, *_meaning(error)) from error
    if wishes is not None and wishes.remark:  # the group is the one that Cyrus's tool gives, which says nothing
        syslog.send(name, syslog.NOTICE, wishes.remark)
    for sentence in sentences:
        streams.tell(b"%b: %b\n" % (name, printable(sentence).encode()))
    if site.stores:
        what = "deleted" if call.delete else "password set for"
        syslog.send(name, syslog.NOTICE, f"{what} {user} in {path} by {syslog.caller()}")
    else:
        syslog.send(name, syslog.ERROR, "could not find a sasldb plug-in that may store; nothing was changed")


def _wishes(path: str, application: bytes, configured: config.Config) -> OwnershipOptions | None:
    """Return whose group a database gets that is made for an application with -a; None leaves it to the usual rule.

    One without a configuration file says nothing: as with Cyrus SASL it stands for the default database.
    """
    if application == OWN_APPLICATION or configured.path is None or os.path.lexists(path):
        return None
    from sasldb.operations import location
    from sasldb.policy.ownership import OwnershipOptions

    return location.serving(OwnershipOptions.from_environment(os.environ), path, os.fsdecode(application), os.environb)


def _parse(argv: Sequence[bytes]) -> Call:
    """Read the command line; what its options demand at once (-v, a bad -a) comes before mistakes that stand behind it."""
    call = Call()
    wrong = False
    for letter, value in scan(argv[1:], LETTERS, b"POSIXLY_CORRECT" not in os.environb):
        if letter == OPERAND:
            call.operands.append(value)
        elif letter == MISTAKE:
            spoken = usage.called_as(argv[0], os.environb)
            streams.tell(b"%b: %b\n" % (spoken, value))
            wrong = True
        elif letter == b"v":
            raise Ended(0, usage.version(argv[0]))
        else:
            wrong |= not _take(call, letter, value)
    if wrong or len(call.operands) != 1:
        raise Ended(1, usage.usage(usage.SASLPASSWD2, argv[0]))
    return call


def _take(call: Call, letter: bytes, value: bytes) -> bool:
    """Note one option in `call`; tell whether it may stand there."""
    if letter == b"p":
        call.pipe = True
    elif letter == b"n":
        call.plaintext = False
    elif letter == b"u":
        call.realm = value
    elif letter == b"f":
        call.database = value
    elif letter == b"c" and not call.delete:
        call.create = True
    elif letter == b"d" and not call.create:
        call.delete = True
    elif letter == b"a":
        if b"/" in value:
            raise Ended(1, b"appname must not contain /\n")
        call.application = value
    else:
        return False
    return True


def _configuration(name: bytes, application: bytes) -> config.Config:
    if len(application) > config.LONGEST_APPLICATION:
        raise _failed(name, *BAD_PARAMETER)
    try:
        return config.read(application, os.environb)
    except SiteConfigError as error:
        syslog.send(name, syslog.ERROR, str(error))
        raise _failed(name, *(FAILURE if error.line is None else BAD_CONFIGURATION)) from error


def _password(name: bytes, pipe: bool) -> bytes:
    """Return the password from stdin: asked for twice on a terminal, unless `pipe` says otherwise."""
    try:
        if pipe or not os.isatty(streams.STDIN):
            return streams.read_password()
        from sasldb.cli.compat import terminal

        with terminal.Hidden(streams.STDOUT) as person:
            password = person.ask(b"Password: ")
            again = person.ask(b"Again (for verification): ")
    except OSError as error:
        raise _failed(name, 1, (error.strerror or "").encode()) from error
    if again != password:
        raise _failed(name, *MISMATCH)
    return password


def _meaning(error: SasldbError) -> tuple[int, bytes]:
    """Return exit status and text for an error of the operation."""
    if isinstance(error, BadPassword):
        return BAD_PARAMETER
    if isinstance(error, MechanismError) and not isinstance(error, SecretUnusable):
        return NO_MECHANISM
    return FAILURE


def _failed(name: bytes, status: int, text: bytes) -> Ended:
    return Ended(status, b"%b: %b\n" % (name, text))
