"""Tell which record the installed libsasl2 looks a login up in: the one whose password, and no other's, it accepts.

Run as a script with SASL_CONF_PATH naming a directory that holds `secretstest.conf`. Standard input is JSON: `passwords`, each in hex,
and `attempts`, a list of `[host name or null, realm or null, mechanism, login]`, the names in hex. Standard output is, for each attempt,
the list of those passwords (by number) that get in with it. The mechanism `checkpass` stands for sasl_checkpass.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.secrets.libsasl_login import OK, Libsasl


def main() -> None:
    """Carry out the attempts on standard input."""
    order = json.load(sys.stdin)
    passwords = [bytes.fromhex(digits) for digits in order["passwords"]]
    libsasl = Libsasl(b"mail.example.org", b"", b"")
    accepted = []
    for fqdn, realm, mechanism, login in order["attempts"]:
        names: list[Any] = [None if name is None else bytes.fromhex(name) for name in (fqdn, realm, login)]
        libsasl.fqdn, libsasl.realm, libsasl.user = names
        accepted.append([number for number, password in enumerate(passwords) if enter(libsasl, mechanism, password)])
    json.dump(accepted, sys.stdout)


def enter(libsasl: Libsasl, mechanism: str, password: bytes) -> bool:
    """Return whether `password` is accepted."""
    if mechanism == "checkpass":
        return libsasl.check_password(password) == OK
    return libsasl.log_in(mechanism.encode(), password) == OK


if __name__ == "__main__":
    main()
