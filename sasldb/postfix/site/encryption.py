"""Whether a service lets passwords travel without TLS: what its parameters say.

Source: Postfix 3.7, postconf(5) and TLS_README. Raises nothing.
"""

from __future__ import annotations

from sasldb.libsasl import mechanisms
from sasldb.postfix.config.instance import LEVEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.postfix.config.instance import Service

BEFORE, UNDER = "smtpd_sasl_security_options", "smtpd_sasl_tls_security_options"
AUTH_ONLY = "smtpd_tls_auth_only"
GUARDED = "noanonymous, noplaintext"


def has_tls(service: Service) -> bool:
    """Tell whether TLS is switched on for a service."""
    level = service.value(LEVEL).lower()
    old = service.is_on("smtpd_use_tls") or service.is_on("smtpd_enforce_tls") if not level else level != "none"
    return old or service.is_on("smtpd_tls_wrappermode")


def only_under_tls(service: Service) -> bool:
    """Tell whether a service offers AUTH under TLS alone: it says so, or takes nothing at all without TLS."""
    demanded = service.value(LEVEL).lower() == "encrypt" or service.is_on("smtpd_enforce_tls")
    return demanded or service.is_on(AUTH_ONLY) or service.is_on("smtpd_tls_wrappermode")


def options(service: Service, name: str) -> list[str]:
    """Return the words of a parameter with security options, in lower case."""
    return service.value(name).lower().replace(",", " ").split()


def in_clear(service: Service, offered: list[str]) -> bool:
    """Tell whether a service lets one of the mechanisms `offered` that hand the password over be used without TLS."""
    typed = set(mechanisms.passing(offered, options(service, BEFORE))) & set(mechanisms.SHADOW_MECHANISMS)
    return bool(typed) and not only_under_tls(service)


def has_challenge(offered: list[str]) -> bool:
    """Tell whether one of the mechanisms `offered` keeps the password to itself."""
    return bool(mechanisms.passing(offered, GUARDED.split(", ")))
