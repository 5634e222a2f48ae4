"""Postfix's server certificate: is there one, and does it work?

It is loaded as smtpd would load it, so that a key that does not fit, an encrypted one, or one that cannot be read shows.
Source of the parameters: Postfix 3.7, TLS_README. Raises nothing.
"""

from __future__ import annotations

import ssl

from sasldb.siteconf.instance import Instance

_PAIRS = (
    ("smtpd_tls_cert_file", "smtpd_tls_key_file"),
    ("smtpd_tls_eccert_file", "smtpd_tls_eckey_file"),
    ("smtpd_tls_dcert_file", "smtpd_tls_dkey_file"),
)
_CHAINS = "smtpd_tls_chain_files"
_NONE = "none"


class Certificate:
    """`configured`: whether main.cf names any. `works`: whether all that it names can be loaded. `reason`: why not, "" where they can."""

    def __init__(self, instance: Instance) -> None:
        chains = instance[_CHAINS].replace(",", " ").split()
        pairs = [(path, path) for path in chains]
        if not chains:  # they take precedence
            pairs = [(instance[cert], instance[key] or instance[cert]) for cert, key in _PAIRS]
        named = [(cert, key) for cert, key in pairs if cert and cert != _NONE]
        reasons = [reason for reason in (_trouble(cert, key) for cert, key in named) if reason]
        self.configured = bool(named)
        self.reason = reasons[0] if reasons else "" if named else "no certificate is configured"
        self.works = self.configured and not reasons


def _trouble(cert: str, key: str) -> str:
    """Return why the pair of PEM files cannot be loaded, "" where it can."""
    try:
        # An encrypted key would ask for its password, which smtpd cannot be told.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=lambda: "")
    except FileNotFoundError:
        return f"{cert if key == cert else f'{cert} or {key}'}: no such file"
    except PermissionError:
        return f"{cert} or {key} cannot be read"
    except (OSError, ValueError) as error:
        return f"{cert} with {key} cannot be loaded: {getattr(error, 'reason', None) or error}"
    return ""
