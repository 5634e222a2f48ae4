"""Whether smtpd writes to the database at a login, for which it needs more than to read it.

Raises nothing but what the site raises.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.postfix.site.site import Site

OTP = "OTP"


def writer(site: Site) -> str:
    """Return what makes smtpd write to the database at a login, "" where nothing does."""
    if (site.conf.get(b"auto_transition") or b"").lower() in (b"yes", b"1", b"on", b"true", b"noplain"):
        return "auto_transition"
    return OTP if "otp" in (site.conf.words(b"mech_list") or []) else ""
