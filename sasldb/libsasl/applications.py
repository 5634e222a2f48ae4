"""As which user another application of libsasl runs: whose group a database must have for it to be read.

A unit of systemd says it where it has User=; otherwise it is the user that the packages make, if this host has it. Running processes are
not asked: anybody can give a process such a name.

Source: Debian 12, maintainer scripts and services: memcached makes memcache and its memcached.conf has `-u memcache`; cyrus-common makes
cyrus, in group mail; slapd makes openldap (SLAPD_USER); exim4-base makes Debian-exim; libvirt-daemon-system makes libvirt-qemu for QEMU,
and its libvirtd runs as root; subversion makes none, and svn is what administrators call it.
Applications are what the programs give sasl_server_init(): Cyrus IMAP calls itself Cyrus, and imap and so on are its services. qpidd, and users after the first: Fedora and Alpine.

Raises nothing.
"""

from __future__ import annotations

import os
import pwd

_CYRUS = ("cyrus",)
# Application -> the users of its packages.
_USERS = {
    **{"memcached": ("memcache", "memcached"), "svn": ("svn", "svnserve"), "slapd": ("openldap", "ldap")},
    **{"exim": ("Debian-exim", "exim"), "qemu": ("libvirt-qemu", "qemu"), "libvirt": ("root",), "qpidd": ("qpidd",)},
    **dict.fromkeys(("Cyrus", "imap", "pop3", "nntp", "lmtp", "sieve", "mupdate"), _CYRUS),
}
_UNITS = {"svn": "svnserve", "exim": "exim4", "libvirt": "libvirtd"}  # where it is not the application's name
_DIRECTORIES = (
    *("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system"),
    *("/usr/lib/systemd/system", "/lib/systemd/system"),
)  # systemd.unit(5), the first that has the unit wins; of its drop-in files the last name


def user_of(application: str) -> str | None:
    """Return the name of the user as which `application` runs, None where that is not known."""
    unit = _UNITS.get(application, application)
    users = (_user_of_unit(f"{unit}.service"), *_USERS.get(application, ()))
    return next((name for name in map(_name, users) if name), None)


def _user_of_unit(unit: str) -> str:
    """Return what User= of a unit says at last, "" where it says nothing."""
    paths = [f"{directory}/{unit}" for directory in _DIRECTORIES]
    files = [path for path in paths if os.path.exists(path)][:1]
    dropins: dict[str, str] = {}
    for path in paths:
        for name in _listed(f"{path}.d"):
            if name.endswith(".conf"):
                dropins.setdefault(name, f"{path}.d/{name}")
    user = ""
    for path in [*files, *(dropins[name] for name in sorted(dropins))]:
        user = _user_in(path, user)
    return user


def _user_in(path: str, otherwise: str) -> str:
    """Return the value of the last User= of a file, `otherwise` where there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            values = [line.partition("=")[2].strip() for line in file if line.partition("=")[0].strip() == "User"]
    except OSError:
        return otherwise
    return values[-1] if values else otherwise


def _listed(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


def _name(user: str) -> str:
    """Return the name of a user given by name or number, "" where there is none."""
    try:
        return (pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)).pw_name
    except (KeyError, ValueError, OverflowError):
        return ""
