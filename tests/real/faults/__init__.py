"""The faults that are injected into a working Postfix, one at a time: how, what smtpd logs, what `sasldb postfix check` says.

From the failures that users report. docs/authentication-failed.md has the same table, in the same order, and tests hold them together.
"""

from __future__ import annotations

from tests.real.faults import conf, database, methods, others, postfix, security, users

FAULTS = [
    *postfix.FAULTS,
    *conf.FAULTS,
    *methods.FAULTS,
    *database.FAULTS,
    *users.FAULTS,
    *security.FAULTS,
    *others.FAULTS,
]
