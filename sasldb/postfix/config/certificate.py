"""Postfix's server certificate, as one service has it: is there one, and does TLS start with it?

Everything is loaded as smtpd would load it: a relative path counts from the queue directory, a weak key will do, and nobody can be asked
for the password of an encrypted one. What cannot be loaded ends TLS, whatever else is there. So does the file of CAs (smtpd_tls_CAfile),
but not a directory of CAs that is not there, which smtpd never looks into by itself.
Source of the parameters: Postfix 3.7, TLS_README; smtpd observed. Raises nothing.
"""

from __future__ import annotations

import os
import re
import ssl

from sasldb.files import reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.postfix.config.instance import Instance, Service

AUTHORITIES = "smtpd_tls_CAfile"
_PAIRS = (
    ("smtpd_tls_cert_file", "smtpd_tls_key_file"),
    ("smtpd_tls_eccert_file", "smtpd_tls_eckey_file"),
    ("smtpd_tls_dcert_file", "smtpd_tls_dkey_file"),
)
_CHAINS = "smtpd_tls_chain_files"
_NONE = "none"
_MISFITS = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")  # the last: of another type
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", re.DOTALL)
_KEYS = frozenset((b"PRIVATE KEY", b"RSA PRIVATE KEY", b"EC PRIVATE KEY", b"DSA PRIVATE KEY"))
_CERTIFICATES = frozenset((b"CERTIFICATE", b"X509 CERTIFICATE"))


class Certificate:
    """The certificate of `source`, which is a service, or Postfix for what main.cf says.

    Attributes:
        configured: whether any is named. works: whether TLS starts with it. reason: why it does not work, "" where it does.
        declined: whether `none` is named, and nothing is wrong: TLS starts without one. hidden: a file that root alone can read, where
        nothing else is wrong, else "". authorities: the file of CAs, where that is what is wrong, else "".
    """

    def __init__(self, source: Instance | Service) -> None:
        """Look at the files."""
        self._directory = source.value("queue_directory")
        self.hidden = self.authorities = ""
        chains = [self._path(word) for word in source.value(_CHAINS).replace(",", " ").split()]
        none = not chains and source.value(_PAIRS[0][0]).lower() == _NONE  # of the others it is the name of a file
        pairs = [self._pair(source, *names) for names in _PAIRS[none:] if source.value(names[0]) and not chains]
        self.configured = bool(chains or pairs)
        self.reason = self._reason(chains, pairs, self._path(source.value(AUTHORITIES)))
        self.declined = none and not self.configured and not self.reason
        self.works = self.configured and not self.reason
        if not self.reason and not self.configured:
            self.reason = "no certificate is configured"

    def _path(self, value: str) -> str:
        return os.path.join(self._directory, value) if value else ""

    def _pair(self, source: Instance | Service, cert: str, key: str) -> tuple[str, str]:
        return self._path(source.value(cert)), self._path(source.value(key))

    def _reason(self, chains: list[str], pairs: list[tuple[str, str]], authorities: str) -> str:
        for path in dict.fromkeys([*chains, *(path for pair in pairs for path in pair)]):
            reason = self._unopened(path)
            if reason:
                return f"{path or 'a private key whose name is empty'}: {reason}"
        reason = self._unopened(authorities) if authorities else ""
        if not reason and self.hidden:
            return f"{self.hidden} can be read by root alone"
        if not reason:
            troubles = [_chain_trouble(chains)] if chains else [_trouble(*pair) for pair in pairs]
            trouble = next(filter(None, troubles), "")
            if trouble or not authorities:
                return trouble
            reason = _authorities_trouble(authorities)
        self.authorities = authorities if reason else ""
        return f"{authorities} ({AUTHORITIES}): {reason}" if reason else ""

    def _unopened(self, path: str) -> str:
        """Return why a file cannot be opened, also by root; "" where it can, or where that is not known."""
        try:
            reading.content(path)
            return ""
        except PermissionError:
            self.hidden = self.hidden or path
        except OSError as error:
            self.hidden = ""
            return str(error.strerror).lower()
        return ""


def _trouble(cert: str, key: str) -> str:
    """Return why a pair of PEM files cannot be loaded, "" where it can."""
    for path, kind in ((cert, b"CERTIFICATE"), (key, b"PRIVATE KEY")):
        if not any(found.endswith(kind) for found, _ in _blocks(path)):
            return f"{path}: no {kind.decode().lower()} in it, in PEM"
    if any(b"ENCRYPTED" in block for _, block in _blocks(key)):
        return f"{key}: the private key is encrypted, and smtpd cannot be told its password"
    name = f"{cert} with {key}" if key != cert else cert
    try:
        with _InMemory(reading.content(cert)) as first, _InMemory(reading.content(key)) as second:
            return _unloaded(first, second, name)
    except OSError as error:  # gone just now
        return f"{name} cannot be loaded: {error.strerror}"


def _chain_trouble(paths: list[str]) -> str:
    """Return why the blocks of all `paths`, each key before its certificates, cannot be loaded; blocks of other kinds are left out."""
    groups: list[list[bytes]] = []
    for path in paths:
        for kind, block in _blocks(path):
            if kind in _KEYS:
                groups.append([block])
            elif kind in _CERTIFICATES:
                if not groups:
                    return f"{path}: no private key before the first certificate"
                groups[-1].append(block)
    name = ", ".join(paths)
    if not groups or any(len(blocks) < 2 for blocks in groups):
        return f"{name}: {'no certificate behind a private key' if groups else 'no private key in it, in PEM'}"
    return next(filter(None, (_group_trouble(b"".join(blocks), name) for blocks in groups)), "")


def _group_trouble(pem: bytes, name: str) -> str:
    """Return why a key with its certificates cannot be loaded; OpenSSL takes them from a file alone, which is one in memory."""
    with _InMemory(pem) as path:
        return _unloaded(path, path, name)


class _InMemory:
    """A context manager: the path of a copy in memory, on which OpenSSL cannot be made to wait, as on a pipe."""

    def __init__(self, pem: bytes) -> None:
        self._file = os.fdopen(os.memfd_create("pem"), "wb")
        self._file.write(pem)
        self._file.flush()

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self._file.fileno()}"

    def __exit__(self, *exc_info: object) -> None:
        self._file.close()


def _unloaded(cert: str, key: str, name: str) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        context.load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason in _MISFITS:
            return f"{name}: the private key is that of another certificate"
        return f"{name} cannot be loaded: {error.reason or 'damaged'}"
    except (OSError, ValueError) as error:
        return f"{name} cannot be loaded: {error}"
    return ""


def _authorities_trouble(path: str) -> str:
    try:
        with _InMemory(reading.content(path)) as copy:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(copy)
    except OSError:
        return "no certificate in it, in PEM"
    return ""


def _blocks(path: str) -> list[tuple[bytes, bytes]]:
    """Return (kind, PEM) of each block of a file, in its order."""
    try:
        return [(found[1], found[0].rstrip() + b"\n") for found in _BLOCK.finditer(reading.content(path))]
    except OSError:  # gone just now
        return []
