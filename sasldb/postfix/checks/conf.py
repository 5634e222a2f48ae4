"""Checks of libsasl's conf file: it lies where this smtpd looks, it can be read, and it says what the administrator means.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
"""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from shlex import quote

from sasldb.files import reading
from sasldb.files.ownership import Ownership
from sasldb.libsasl import conffile
from sasldb.libsasl.conffile import Entry, OPTIONS, SECRETS
from sasldb.policy.ownership import closed
from sasldb.postfix.checks import processes
from sasldb.postfix.checks.finding import Problem, THROTTLED, WARNING
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site
from sasldb.postfix.site.unseen import Unseen

_LITERAL = (b"pwcheck_method", b"auxprop_plugin", b"mech_list", b"sasldb_path", b"saslauthd_path")
_FITTING = {b"pwcheck_method": b"auxprop", b"auxprop_plugin": b"sasldb"}
_MARK = b"\xef\xbb\xbf"  # byte order mark, in UTF-8
_QUOTES = (b'"', b"'")
_PAIR = re.compile(rb"\s*([\w-]+)[\s=]+(\S.*)")
_LIKENESS = 0.75  # of a misspelt option to a real one; 1 is the same


def search(site: Site) -> Problem | None:
    """Look whether it is known at all where this smtpd looks."""
    if site.search.certain:
        return None
    where = " and ".join(site.conf_paths)
    raise Unseen(f"which conf file smtpd reads is not known ({site.search.how})", f"It is taken to be {where}.")


def elsewhere(site: Site) -> Problem | None:
    """Look for a conf file that lies only where this smtpd does not look."""
    if site.conf_file.state not in (conffile.MISSING, conffile.DANGLING) or not site.elsewhere:
        return None
    there, here = site.elsewhere[0].path, site.conf_paths[0]
    seen = f"{there} is there, but smtpd looks for {' and '.join(site.conf_paths)} ({site.search.how})"
    why = "smtpd does not see this file, and works by libsasl's defaults."
    command = f"install -D -o root -g root -m 0644 {quote(there)} {quote(here)}"
    return Problem(seen, why, fixes.together(command, fixes.reload(site)))


def missing(site: Site) -> Problem | None:
    """Look for no conf file at all."""
    if site.conf_file.state not in (conffile.MISSING, conffile.DANGLING):
        return None
    here = site.conf_paths[0]
    dangling = [path for path in site.conf_paths if os.path.islink(path)]
    if dangling:
        seen = f"{dangling[0]} is a link to nothing"
        make = f"mv {quote(dangling[0])} {quote(dangling[0] + '.broken')}"
    else:
        seen = f"there is no {' and no '.join(site.conf_paths)} ({site.search.how})"
        make = f"mkdir -p {quote(os.path.dirname(here))}"
    why = "libsasl takes its defaults: every plug-in is asked, every mechanism offered, and the database is the default one."
    return Problem(seen, why, fixes.together(make, fixes.new_conf(site, here), fixes.reload(site)))


def unreadable(site: Site) -> Problem | None:
    """Look for a conf file that is none, or that cannot be read."""
    path = site.conf_file.path
    if site.conf_file.state == conffile.UNREADABLE:
        if os.geteuid() != 0:
            raise Unseen(f"{path} can be read by root alone")
        return Problem.without_remedy(
            f"{path} cannot be read, even by root", "smtpd works by defaults.", "see the file."
        )
    if site.conf_file.state not in (conffile.DIRECTORY, conffile.SPECIAL):
        return None
    commands = [f"mv {quote(path)} {quote(path + '.broken')}", fixes.new_conf(site, path)]
    if site.conf_file.state == conffile.DIRECTORY:
        why = "libsasl takes a directory for an empty file, and works by its defaults."
        return Problem(f"{path} is a directory", why, fixes.together(*commands, fixes.reload(site)))
    why = "libsasl waits for what comes from there: such an smtpd greets nobody, and goes on waiting after a reload."
    if not site.foreign and site.master != 0:
        commands += [processes.postfix(site, "stop"), processes.postfix(site, "start")]
    return Problem(f"{path} is a {site.conf_file.state}", why, fixes.together(*commands), safe=False)


def malformed(site: Site) -> Problem | None:
    """Look for lines that libsasl does not take."""
    wrong = site.conf.wrong
    if not wrong:
        return None
    numbers = ", ".join(str(number) for number, _ in wrong)
    seen = f"{site.conf.path}: not `key: value` on line {numbers}"
    why = f"One such line and libsasl rejects the whole file; smtpd ends before it greets a client. {THROTTLED}"
    scripts = [f"{number}{_mended(line)}" for number, line in wrong]
    return Problem(seen, why, fixes.conf_lines(site, scripts))


def quoted(site: Site) -> Problem | None:
    """Look for quotes and comments that libsasl takes for part of a value."""
    lines = [entry for entry in site.conf.entries if entry.key in _LITERAL and _is_quoted(entry.value)]
    if not lines:
        return None
    scripts = []
    for entry in lines:
        scripts += [f"{entry.number}s/[ \\t]#.*//", f"{entry.number}s/[\"']//g"]
    seen = f"{site.conf.path}:{lines[0].number}: quotes or a comment in the value of {lines[0].key.decode()}"
    why = "libsasl knows neither: they become part of a name that does not exist."
    return Problem(seen, why, fixes.conf_lines(site, scripts))


def doubled(site: Site) -> Problem | None:
    """Look for a key that is set twice, to different values."""
    repeated = site.conf.doubled
    if not repeated:
        return None
    key = repeated[0].key
    lines = [entry for entry in site.conf.entries if entry.key == key]
    kept = next((entry for entry in lines if _fits(entry)), lines[0])
    scripts = [f"{entry.number}d" for entry in lines if entry is not kept]
    seen = f"{site.conf.path}:{repeated[0].number}: {key.decode()} again, after line {lines[0].number}"
    why = "libsasl takes the first and ignores the others."
    return Problem(seen, why, fixes.conf_lines(site, scripts))


def unknown(site: Site) -> Problem | None:
    """Look for options that are misspelt."""
    names = [option.decode() for option in OPTIONS]
    for entry in site.conf.entries:
        likely = get_close_matches(entry.key.decode("ascii"), names, 1, _LIKENESS)
        if entry.key in OPTIONS or not likely:
            continue
        seen = f"{site.conf.path}:{entry.number}: {entry.key.decode()} is no option of libsasl"
        why = f"libsasl ignores what it does not know; {likely[0]} is one that it does."
        script = f"{entry.number}s/^[^:]*:/{likely[0]}:/"
        return Problem(seen, why, fixes.conf_lines(site, [script]))
    return None


def second(site: Site) -> Problem | None:
    """Look for another conf file, which says something else and is not read."""
    try:
        ours = reading.content(site.conf.path)
    except OSError:
        return None
    for other in site.elsewhere:
        try:
            if reading.content(other.path) == ours:
                continue
        except OSError:
            continue
        commands = (
            f"mv {quote(other.path)} {quote(other.path + '.unread')}",
            f"ln -s {quote(site.conf.path)} {quote(other.path)}",
        )
        seen = f"{other.path} differs from {site.conf.path}, and smtpd reads the latter alone"
        why = "Whoever edits the other file will wonder why nothing changes."
        return Problem(seen, why, fixes.together(*commands), WARNING)
    return None


def exposed(site: Site) -> Problem | None:
    """Look for a password in a conf file that everybody may read."""
    secret = [entry.key.decode() for entry in site.conf.entries if entry.key in SECRETS]
    if not secret or not site.conf.mode & 0o004:
        return None
    path = quote(site.conf.path)
    seen = f"{site.conf.path} has {secret[0]} in it, and is mode {site.conf.mode:04o}"
    why = "Every user of this host can read that password."
    if site.foreign:  # its program may not be root when it reads the file
        return Problem(seen, why, f"chmod o-rwx {path}", safe=False)
    status = os.stat(site.conf.path)
    present, wanted = Ownership.of(status), Ownership(0, 0, 0o600)
    command = (
        f"chmod o-rwx {path}" if closed(present, wanted) != wanted else f"chown root:root {path} && chmod 0600 {path}"
    )
    return Problem(seen, f"{why} smtpd reads the file as root.", command)


def _mended(line: bytes) -> str:
    """Return what sed has to do with a wrong line: repair it where it is plain what was meant, else make it a comment."""
    if line.startswith(_MARK):
        return r"s/^\xef\xbb\xbf//"
    pair = _PAIR.match(line)
    if pair and pair[1].lower() in OPTIONS and b":" not in pair[1]:
        return "s/^[ \\t]*\\([A-Za-z_-]*\\)[ \\t=]*:*[ \\t=]*/\\1: /"
    return "s/^/# /"


def _is_quoted(value: bytes) -> bool:
    """Tell whether a word begins or ends with a quote, or a comment follows; a path may have a quote inside."""
    words = value.split()
    comment = any(word.startswith(b"#") for word in words[1:])
    return comment or any(word[:1] in _QUOTES or word[-1:] in _QUOTES for word in words)


def _fits(entry: Entry) -> bool:
    return entry.key in _FITTING and _FITTING[entry.key] in entry.value.lower().split()
