"""Which package brings a plug-in of libsasl, by distribution, and the command that installs it.

The distribution is what /etc/os-release says. Package names: Debian 12 (dpkg -S), the others from their package lists and from the
failures that users reported. Raises nothing.
"""

from __future__ import annotations

RELEASE = "/etc/os-release"

# Family -> (command that installs, plug-in -> package, package of all others).
_FAMILIES = {
    "debian": (
        "apt-get install",
        {
            "sasldb": "libsasl2-modules-db",
            "otp": "libsasl2-modules-otp",
            "sql": "libsasl2-modules-sql",
            "ldapdb": "libsasl2-modules-ldap",
            "gssapiv2": "libsasl2-modules-gssapi-mit",
        },
        "libsasl2-modules",
    ),
    "fedora": (
        "dnf install",
        {
            "plain": "cyrus-sasl-plain",
            "login": "cyrus-sasl-plain",
            "crammd5": "cyrus-sasl-md5",
            "digestmd5": "cyrus-sasl-md5",
            "scram": "cyrus-sasl-scram",
            "ntlm": "cyrus-sasl-ntlm",
            "sql": "cyrus-sasl-sql",
            "ldapdb": "cyrus-sasl-ldap",
            "gssapiv2": "cyrus-sasl-gssapi",
        },
        "cyrus-sasl-lib",
    ),
    "alpine": (
        "apk add",
        {
            "plain": "cyrus-sasl-plain",
            "login": "cyrus-sasl-login",
            "crammd5": "cyrus-sasl-crammd5",
            "digestmd5": "cyrus-sasl-digestmd5",
            "scram": "cyrus-sasl-scram",
            "ntlm": "cyrus-sasl-ntlm",
            "gssapiv2": "cyrus-sasl-gssapiv2",
        },
        "cyrus-sasl",
    ),
    "suse": (
        "zypper install",
        {
            "plain": "cyrus-sasl-plain",
            "login": "cyrus-sasl-plain",
            "crammd5": "cyrus-sasl-crammd5",
            "digestmd5": "cyrus-sasl-digestmd5",
            "scram": "cyrus-sasl-scram",
            "otp": "cyrus-sasl-otp",
            "sql": "cyrus-sasl-sqlauxprop",
            "ldapdb": "cyrus-sasl-ldap-auxprop",
            "gssapiv2": "cyrus-sasl-gssapi",
        },
        "cyrus-sasl",
    ),
    "arch": ("pacman -S", {}, "cyrus-sasl"),
}
_ALIASES = {"ubuntu": "debian", "rhel": "fedora", "centos": "fedora", "opensuse": "suse", "sles": "suse"}


def command(plugins: list[str], release: str = RELEASE) -> str | None:
    """Return the shell command that installs `plugins` here, None where this distribution is not known."""
    for name in _likes(release):
        family = _FAMILIES.get(_ALIASES.get(name, name))
        if family:
            install, packages, rest = family
            wanted = sorted({packages.get(plugin, rest) for plugin in plugins})
            return f"{install} {' '.join(wanted)}"
    return None


def _likes(release: str) -> list[str]:
    """Return what the system calls itself, and then what it says that it is like."""
    values = {}
    try:
        with open(release, encoding="utf-8", errors="replace") as file:
            for line in file:
                key, _, value = line.strip().partition("=")
                values[key] = value.strip("\"'")
    except OSError:
        return []
    return [values.get("ID", "").partition("-")[0], *values.get("ID_LIKE", "").split()]
