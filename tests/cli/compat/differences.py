"""The deliberate differences, each as the smallest change that turns what the real tool did into what ours has to do.

They carry the numbers of the design. A case names those that apply to it, number 6 applies to all; what no difference touches must
agree byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from tests.cli.compat.records import AUTH, PLAIN, USER, key
from tests.cli.compat.sides import Case, Outcome, Values

NOTICE = (
    b"\nThis product includes software developed by Computing Services\n"
    b"at Carnegie Mellon University (http://www.cmu.edu/computing/).\n\n"
)
VERSIONS = re.compile(rb'Built against SASL API version [0-9.]+\nLibSasl version [0-9.]+ by "Cyrus SASL"\n')
LIBDB = re.compile(rb"^(BDB[0-9]{4} .*|[^:\n]*: Is a directory)\n", re.MULTILINE)


def adapted(case: Case, real: Outcome, version: bytes) -> Outcome:
    """Return what ours has to come to, given what the `real` tool came to; `version` is our own line for -v."""
    stderr = VERSIONS.sub(lambda _: version, real.stderr.replace(NOTICE, b""))  # 6: their notice and version,
    expected = replace(real, stderr=LIBDB.sub(b"", stderr))  # and what libdb prints by itself
    for name in case.differs:
        expected = CHANGES[name](case, expected)
    return expected


def _whole_user(case: Case, real: Outcome) -> Outcome:
    """-d removes every property."""
    return _edited(real, lambda values: {k: v for k, v in values.items() if not k.startswith(key(*_who(case), b""))})


def _no_plaintext(case: Case, real: Outcome) -> Outcome:
    """-n stores authPassword, unless Cyrus itself made one, and cmusaslsecretPLAIN, and removes userPassword."""

    def change(values: Values) -> Values:
        changed = {k: v for k, v in values.items() if k != key(*_who(case), USER)}
        if not isinstance(changed.get(key(*_who(case), AUTH)), tuple):
            changed[key(*_who(case), AUTH)] = ("SCRAM", b"SCRAM-SHA-256", b"4096", 16)
        changed[key(*_who(case), PLAIN)] = "PLAIN"
        return changed

    return _edited(real, change)


def _refused(status: int, text: bytes) -> Callable[[Case, Outcome], Outcome]:
    """Return the change to a refusal that leaves every file as it was."""
    stderr = b"saslpasswd2: %b\n" % text
    return lambda case, real: replace(
        real, status=status, stderr=stderr, databases=real.before, others=real.others_before
    )


def _edited(real: Outcome, change: Callable[[Values], Values]) -> Outcome:
    return replace(real, databases={path: change(values) for path, values in real.databases.items()})


def _who(case: Case) -> tuple[bytes, bytes]:
    """Return user and realm of a case that has a difference: its last argument is `user@realm`."""
    user, _, realm = case.args[-1].partition(b"@")
    return user, realm


CHANGES: dict[str, Callable[[Case, Outcome], Outcome]] = {
    "2 -d is thorough": _whole_user,
    "3 -n keeps its word": _no_plaintext,
    "4 no cut password": _refused(7, b"invalid parameter supplied"),
    "5 a dangling link": _refused(1, b"generic failure"),
    "1 no damage": _refused(1, b"generic failure"),
}
