"""What libsasl's plug-ins give: which mechanism comes from which file, and what each mechanism promises.

A plug-in is a file `libNAME.so` in the plug-in directory. libsasl drops mechanisms for which Postfix's security options ask more than
they promise. Source: Cyrus SASL 2.1.28, as saslpluginviewer shows it (a test compares). Raises nothing.
"""

from __future__ import annotations

import os

SHADOW_MECHANISMS = ("PLAIN", "LOGIN")  # those that hand the password over, which is all that saslauthd can check
SCRAM = ("SCRAM-SHA-1", "SCRAM-SHA-224", "SCRAM-SHA-256", "SCRAM-SHA-384", "SCRAM-SHA-512")
# Plug-in -> its mechanisms.
MECHANISMS = {
    "plain": ("PLAIN",),
    "login": ("LOGIN",),
    "crammd5": ("CRAM-MD5",),
    "digestmd5": ("DIGEST-MD5",),
    "ntlm": ("NTLM",),
    "scram": SCRAM,
    "otp": ("OTP",),
    "anonymous": ("ANONYMOUS",),
    "gssapiv2": ("GSSAPI", "GSS-SPNEGO"),
    "gs2": ("GS2-IAKERB", "GS2-KRB5"),
    "srp": ("SRP",),
    "passdss": ("PASSDSS-3DES-1",),
}
# That look into no store of passwords: a sasldb has nothing for them.
WITHOUT_PASSWORD = (
    "GSSAPI",
    "GSS-SPNEGO",
    "GS2-IAKERB",
    "GS2-KRB5",
    "KERBEROS_V4",
    "EXTERNAL",
    "OAUTHBEARER",
    "XOAUTH2",
)
AUXPROP = ("sasldb", "sql", "ldapdb")  # plug-ins that find users
# Such a plug-in -> the option without which it cannot be used; Cyrus SASL 2.1.28, plugins/sql.c and ldapdb.c.
NEEDS = {"sql": b"sql_select", "ldapdb": b"ldapdb_uri"}
PLUGIN_OF = {name: plugin for plugin, names in MECHANISMS.items() for name in names}
# Security option of Postfix -> the mechanisms that pass it.
_NO_PLAINTEXT = ("CRAM-MD5", "DIGEST-MD5", "NTLM", "OTP", "ANONYMOUS", "GSSAPI", "GSS-SPNEGO", *SCRAM)
PASSES = {
    "noanonymous": tuple(name for name in PLUGIN_OF if name != "ANONYMOUS"),
    "noplaintext": _NO_PLAINTEXT,
    "noactive": SCRAM + ("GSSAPI", "GSS-SPNEGO"),
    "nodictionary": ("GSSAPI", "GSS-SPNEGO"),
    "mutual_auth": SCRAM + ("DIGEST-MD5", "GSSAPI", "GSS-SPNEGO"),
    "forward_secrecy": ("OTP",),
}
_ELF = b"\x7fELF"


def installed(directory: str) -> set[str]:
    """Return the names of the plug-ins in `directory` that can be loaded: readable ELF files; empty where it cannot be read."""
    try:
        names = os.listdir(directory)
    except OSError:
        return set()
    stems = [name[3:-3] for name in names if name.startswith("lib") and name.endswith(".so")]
    return {stem for stem in stems if _loadable(f"{directory}/lib{stem}.so")}


def given(plugins: set[str]) -> list[str]:
    """Return the mechanisms that `plugins` give, in the order of the table above."""
    return [name for plugin, names in MECHANISMS.items() if plugin in plugins for name in names]


def passing(mechanisms: list[str], options: list[str]) -> list[str]:
    """Return those of `mechanisms` that pass all security `options`; an unknown option passes all."""
    return [name for name in mechanisms if all(name in PASSES.get(option, mechanisms) for option in options)]


def _loadable(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(4) == _ELF
    except OSError:
        return False
