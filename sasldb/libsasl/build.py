"""How the installed programs were built: where smtpd looks for its conf file, which database libsasl's plug-in opens.

Builds differ, and no program tells, so the binaries are read for what the compiler put there. Each answer says how it was found.
- Debian's smtpd holds the text `sasl:/usr/lib/sasl`: it reads there, `sasl` being in Postfix's configuration directory,
  and pays no heed to cyrus_sasl_config_path (observed with strace, Postfix 3.7.11; strace in the tests agrees).
- Any other smtpd reads where cyrus_sasl_config_path says, else in libsasl's own list, a text with colons in libsasl2.so.
- libsasldb.so names the database library that it needs, and the default database.

Raises nothing: what cannot be read is not known, and `how` says so.
"""

from __future__ import annotations

import os
import re

from sasldb.files import reading
from sasldb.libsasl.config import DEFAULT_DATABASE, directories, library_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

BERKELEY, GDBM, LMDB = "Berkeley DB", "GDBM", "LMDB"
_LIBRARIES = ((b"libdb-", BERKELEY), (b"libdb.so", BERKELEY), (b"libgdbm", GDBM), (b"liblmdb", LMDB))
_DEBIAN_SEARCH = b"\0sasl:/"  # how the search list of Debian's smtpd begins
_RESTRICTION = re.compile(rb"(?=((?:permit|reject|defer|check|warn_if|sleep)[a-z0-9_]*)\Z)", re.IGNORECASE)
# What else the program holds that begins so, names of functions above all (Postfix 3.7, each one tried as a restriction).
_NO_RESTRICTIONS = frozenset(
    """check check_access check_addr check_addr_access check_address_map check_domain_access check_mail_access check_namadr_access
    check_queue check_rewrite check_server_access check_table_result checks defer_code permit_actions permit_dnswl_addr
    permit_dnswl_domain permit_mx_backup_networks permit_mx_primary permitconn_macros reject_code reject_footer reject_footer_maps
    reject_invalid_hostaddr reject_non_fqdn_address reject_rbl_addr reject_rbl_domain reject_reason reject_reply
    reject_tempfail_action reject_unknown_mailhost reject_unknown_reverse_name reject_unverified_address reject_warning rejected
    sleep_time""".split()
)
_SURELY_THERE = "permit_sasl_authenticated"
_LIBSASL = ("libsasl2.so.2", "libsasl2.so.3", "libsasl2.so")


class Search:
    """Where conf files are looked for: `directories` (text, in order, the first that has the file wins) and `how` that is known.

    `certain` is false where the list is only the usual one.
    """

    __slots__ = ("certain", "directories", "how")

    def __init__(self, names: Iterable[str], how: str, certain: bool = True) -> None:
        self.directories = list(names)
        self.how = how
        self.certain = certain


def search_of_smtpd(daemon_directory: str, config_dir: str, config_path: str) -> Search:
    """Return where this smtpd looks for `NAME.conf`.

    Args:
        daemon_directory, config_dir: Postfix's parameters. config_path: cyrus_sasl_config_path, "" where it is not set.
    """
    smtpd = f"{daemon_directory}/smtpd"
    program = _content(smtpd)
    at = program.find(_DEBIAN_SEARCH)
    if at >= 0:
        names = os.fsdecode(program[at + 1 : program.index(b"\0", at + 1)]).split(":")
        absolute = [os.path.join(config_dir, name) for name in names]
        return Search(absolute, f"compiled into {smtpd}, which ignores cyrus_sasl_config_path")
    if not program:
        usual = search_of_libsasl()
        return Search(usual.directories, f"assumed: {smtpd} cannot be read", certain=False)
    if config_path:
        return Search(config_path.split(":"), "cyrus_sasl_config_path")
    return search_of_libsasl()


def restrictions_of_smtpd(daemon_directory: str) -> frozenset[str]:
    """Return the names of the restrictions that this smtpd knows, in lower case; empty where it cannot be read.

    A name may be the end of a longer one, in which the linker keeps it.
    """
    texts = _content(f"{daemon_directory}/smtpd").split(b"\0")
    ends = {text[match.start() :] for text in texts for match in _RESTRICTION.finditer(text)}
    names = frozenset(os.fsdecode(end).lower() for end in ends) - _NO_RESTRICTIONS
    return names if _SURELY_THERE in names else frozenset()


def search_of_libsasl() -> Search:
    """Return where any application looks that does not choose for itself; SASL_CONF_PATH of its environment would overrule it."""
    library, text = _libsasl()
    for string in text.split(b"\0"):
        if string.startswith(b"/") and b":/" in string and b"/sasl2" in string and b"\n" not in string:
            return Search(os.fsdecode(string).split(":"), f"compiled into {library}")
    usual = [os.fsdecode(name) for name in directories({})]
    return Search(usual, "assumed: libsasl2 does not tell", certain=False)


def backend(plugin_directory: str) -> str:
    """Return which database this libsasl's sasldb plug-in reads ("Berkeley DB", "GDBM", "LMDB"); "" where it does not tell."""
    text = _content(f"{plugin_directory}/libsasldb.so")
    return next((name for library, name in _LIBRARIES if library in text), "")


def default_database(plugin_directory: str) -> str:
    """Return the path that the plug-in opens where the conf names none."""
    text = _content(f"{plugin_directory}/libsasldb.so")
    found = [part for part in text.split(b"\0") if part.startswith(b"/") and part.endswith((b"sasldb2", b"sasldb2.db"))]
    return os.fsdecode(found[0] if found else DEFAULT_DATABASE)


def plugin_directory() -> str:
    """Return the directory of libsasl's plug-ins."""
    return os.fsdecode(library_directory())


def _libsasl() -> tuple[str, bytes]:
    """Return the path and content of the libsasl beside which the plug-ins lie; ("", b"") where it is not found."""
    beside = os.path.dirname(plugin_directory())
    for directory in (beside, "/usr/lib64", "/usr/lib", "/usr/local/lib"):
        for name in _LIBSASL:
            content = _content(f"{directory}/{name}")
            if content:
                return f"{directory}/{name}", content
    return "", b""


def _content(path: str) -> bytes:
    try:
        return reading.content(path)
    except OSError:
        return b""
