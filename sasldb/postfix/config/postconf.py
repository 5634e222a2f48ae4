"""Postfix's configuration, asked of postconf: the realm under which this Postfix looks users up.

A login without a realm is looked up in smtpd_sasl_local_domain where that is set; where it is empty, in myhostname, which libsasl turns into
lower case. Values come expanded (`postconf -x`), so that `$mydomain` does not become a realm.

postconf is taken from fixed directories, never from the caller's PATH, and gets an environment of its own.
Source: Postfix 3.7, postconf(1), and logins observed with libsasl 2.1.28. Errors: `SiteConfigError`.
"""

from __future__ import annotations

import os
from shlex import quote

from sasldb.errors import SiteConfigError
from sasldb.postfix.config import disclosure

POSTCONF = ("/usr/sbin/postconf", "/usr/local/sbin/postconf", "/sbin/postconf", "/opt/local/sbin/postconf")
PATIENCE = 10.0  # seconds
MYDOMAIN = "mydomain"
POSTFIX = "postfix"
WORDS = (POSTFIX, MYDOMAIN)  # what may stand for a realm
LOCAL_DOMAIN = "smtpd_sasl_local_domain"
_CATEGORIES = frozenset("ac co com edu gov ne net or org".split())  # registries such as co.uk: nobody's domain


def realm(word: str, config_dir: str | None = None) -> str:
    """Return the realm that `word` ("postfix" or "mydomain") stands for; `config_dir` is another Postfix instance's directory.

    Raises:
        SiteConfigError: no Postfix here, postconf failed, the parameter is empty, or it is only what is left of the host's name without
        its first label, and no domain.
        ValueError: any other word.
    """
    if word not in WORDS:
        raise ValueError(f"not a word for a realm: {word}")
    name = MYDOMAIN if word == MYDOMAIN else LOCAL_DOMAIN
    domain = parameter(name, config_dir)
    if word == MYDOMAIN:
        _filled(name, domain)
    host = parameter("myhostname", config_dir).lower()
    is_rest = domain.lower() == host.partition(".")[2]
    if domain and not is_domain(domain) and (is_rest or word == MYDOMAIN):
        better = host if is_domain(host) else "example.com"
        option = f" -c {quote(config_dir)}" if config_dir else ""
        remedy = f"name the realm itself, as {better}, or run: postconf{option} -e {name}={better}"
        raise SiteConfigError(name, f"it is {domain}, which is no domain", remedy=remedy)
    return domain or _filled("myhostname", host)


def is_domain(name: str) -> bool:
    """Tell whether mail can be for `name`, other than on this host alone."""
    first, _, rest = name.lower().partition(".")
    registry = first in _CATEGORIES and len(rest) == 2
    return bool(rest) and first != "localhost" and not registry


def parameter(name: str, config_dir: str | None = None) -> str:
    """Return the value of Postfix parameter `name`, with `$name` expanded; "" where it is empty.

    Raises:
        SiteConfigError: no Postfix here, or postconf failed, gave no answer in time or does not know the parameter.
    """
    value, complaints = ask(["-hx", name], config_dir)
    value = value.strip()
    if complaints and not value and "unknown parameter" in complaints[0]:
        raise SiteConfigError(_postconf(), f"cannot tell {name}: {disclosure.complaint(complaints[0])}")
    return value


def ask(arguments: list[str], config_dir: str | None = None) -> tuple[str, list[str]]:
    """Return what `postconf ARGUMENTS` prints (text), and the lines of its complaints, which need not mean that it failed.

    Raises:
        SiteConfigError: no Postfix here, or postconf failed or gave no answer in time.
    """
    import subprocess

    command = [_postconf(), *(["-c", config_dir] if config_dir else []), *arguments]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    try:
        answer = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SiteConfigError(command[0], f"no answer within {PATIENCE:.0f} seconds") from error
    except OSError as error:
        raise SiteConfigError(command[0], f"cannot be run: {error.strerror}") from error
    complaints = os.fsdecode(answer.stderr).strip().splitlines()
    if answer.returncode:
        reason = disclosure.complaint(complaints[-1]) if complaints else f"exit status {answer.returncode}"
        what = "its configuration cannot be read" if arguments[-1].startswith("-") else f"cannot tell {arguments[-1]}"
        raise SiteConfigError(command[0], f"{what}: {reason}")
    return os.fsdecode(answer.stdout), complaints


def _postconf() -> str:
    for path in POSTCONF:
        if os.access(path, os.X_OK):
            return path
    raise SiteConfigError("postconf", "no Postfix on this machine", remedy="name the realm itself")


def _filled(name: str, value: str) -> str:
    if not value:
        raise SiteConfigError("postconf", f"{name} is empty", remedy="name the realm itself")
    return value
