"""One conf file of libsasl, looked at line by line: what is wrong with it, and what libsasl takes from it.

`libsasl.config` has the rules; this module applies them to each line by itself, so that all mistakes are told and not the first alone.
The content of a line is kept as bytes and never shown whole: it may be a password (`sql_passwd`).
"""

from __future__ import annotations

import os
import stat
from errno import EFBIG

from sasldb import bounds
from sasldb.errors import SiteConfigError
from sasldb.files import reading
from sasldb.libsasl import config

MISSING, DANGLING, DIRECTORY, UNREADABLE, FILE = "missing", "dangling link", "directory", "unreadable", "file"
SPECIAL = "pipe, socket or device"  # libsasl opens it, and may wait for ever
SECRETS = frozenset({b"sql_passwd", b"ldapdb_pw"})
OPTIONS = frozenset(
    b"""auto_transition auxprop_plugin canon_user_plugin ad_compat log_level mech_list plugin_list pwcheck_method
    sasldb_path sasldb_mapsize sasldb_maxreaders saslauthd_path authdaemond_path reauth_timeout keytab srvtab client_mech_list
    srp_mda opiekeys otp_mda ntlm_server ntlm_v2 scram_secret_generate scram_iteration_counter
    sql_engine sql_hostnames sql_user sql_passwd sql_database sql_select sql_insert sql_update sql_usessl sql_verbose
    ldapdb_uri ldapdb_id ldapdb_pw ldapdb_mech ldapdb_rc ldapdb_starttls ldapdb_canon_attr""".split()
)  # Cyrus SASL 2.1.28, doc/html/options.html


class Entry:
    """One line that says something: 1-based `number`, `key` (bytes, lower case), `value` (bytes)."""

    __slots__ = ("key", "number", "value")

    def __init__(self, number: int, key: bytes, value: bytes) -> None:
        self.number = number
        self.key = key
        self.value = value


class ConfFile:
    """What stands in `path` (text).

    Attributes:
        state: one of the constants above; all that follows is empty unless it is FILE.
        mode: permission bits. entries: all good lines, in order. wrong: (1-based number, content) of each line that libsasl
        does not take; one is enough for it to reject the file.

    Raises:
        SiteConfigError: it is too large to be read.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.mode = 0
        self.entries: list[Entry] = []
        self.wrong: list[tuple[int, bytes]] = []
        self.state = self._read()

    def get(self, key: bytes) -> bytes | None:
        """Return the value of `key` (the first of two), None where it is not set."""
        return next((entry.value for entry in self.entries if entry.key == key), None)

    def words(self, key: bytes) -> list[str] | None:
        """Return the words of `key` in lower case, None where it is not set."""
        value = self.get(key)
        return None if value is None else os.fsdecode(value).lower().split()

    @property
    def doubled(self) -> list[Entry]:
        """The lines that repeat an earlier key with another value, and that libsasl therefore pays no heed to."""
        return [entry for entry in self.entries if self.get(entry.key) != entry.value]

    def _read(self) -> str:
        try:
            status = os.stat(self.path)
            self.mode = stat.S_IMODE(status.st_mode)
            if not stat.S_ISREG(status.st_mode):
                return DIRECTORY if stat.S_ISDIR(status.st_mode) else SPECIAL
            self._take(reading.content(self.path))
        except FileNotFoundError:
            return DANGLING if os.path.islink(self.path) else MISSING
        except NotADirectoryError:
            return MISSING
        except OSError as error:
            if error.errno == EFBIG:
                raise SiteConfigError(self.path, bounds.TOO_LARGE) from error
            return UNREADABLE
        return FILE

    def _take(self, text: bytes) -> None:
        for number, line in enumerate(text.split(b"\n"), 1):
            try:
                pairs = config.parse(line, self.path)
            except SiteConfigError:
                self.wrong.append((number, line))
            else:
                self.entries += [Entry(number, key, value) for key, value in pairs.items()]


def candidates(config_dir: str, application: str, extra: list[str]) -> list[str]:
    """Return every path at which people put the conf of `application`, whichever this build reads (text, without repetition)."""
    places = [f"{config_dir}/sasl", config_dir, f"{config_dir}/sasl2", *extra]
    places += [os.fsdecode(name) for name in config.directories({})]
    places += ["/usr/lib/sasl", "/usr/lib64/sasl2", "/usr/local/lib/sasl2", "/etc/sasl2"]
    return list(dict.fromkeys(f"{place}/{application}.conf" for place in places))
