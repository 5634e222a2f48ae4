"""A server as relayhost names it: a host or an address in brackets, or a domain whose mail exchangers are meant, and a port.

smtp(8) dies of what it cannot read, and then sends nothing to anybody; so a server is looked over before it is written anywhere.
Source: Postfix 3.7, postconf(5) relayhost, smtp(8), and what its smtp did with each of these. Errors: BadName.
"""

from __future__ import annotations

import ipaddress
import re
import socket

from sasldb.errors import BadName

_FORM = re.compile(r"(?:\[(?P<literal>[^][]+)\]|(?P<domain>[^][:]+))(?::(?P<port>[^][:]+))?")
_URL = re.compile(r"(?:smtps?|submissions?)://(?:[^@/]*@)?(?P<server>[^/]+)/*", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_IPV6 = "ipv6:"
_LONGEST = 255


class Nexthop:
    """A server. `name` as it was given, `host` (or address, or domain) without brackets, and `port`."""

    def __init__(self, name: str) -> None:
        """Take it apart.

        Raises:
            BadName: Postfix cannot send to that; the next step has the right form.
        """
        form = _FORM.fullmatch(name)
        if form is None:
            raise BadName(ascii(name), "not a server as Postfix names it", _remedy(name))
        self.name = name
        self.host = form["literal"] or form["domain"]
        self.port = _port(form["port"] or "smtp", name)
        bracketed = form["literal"] is not None
        if not _is_address(self.host, bracketed) and not is_host(self.host):
            raise BadName(ascii(name), "not a name of a host, nor an address", _remedy(name))
        if not bracketed and "." not in self.host:
            raise BadName(ascii(name), "a word is not a domain that has mail exchangers", _remedy(name))


def is_host(name: str) -> bool:
    """Tell whether Postfix takes `name` for one of a host: letters, digits, hyphens, and not digits alone (RFC 1123)."""
    labels = name.split(".")
    return len(name) <= _LONGEST and all(map(_LABEL.fullmatch, labels)) and not "".join(labels).isdigit()


def _is_address(name: str, bracketed: bool) -> bool:
    try:
        if ipaddress.ip_address(name[len(_IPV6) :] if name.lower().startswith(_IPV6) else name).version == 4:
            return not name.lower().startswith(_IPV6)
    except ValueError:
        return False
    return bracketed and "%" not in name


def _port(word: str, name: str) -> int:
    if word.isascii() and word.isdigit():
        port = _number(word)
        if port is None:
            raise BadName(ascii(name), "a port is a number from 1 to 65535", _remedy(name))
        return port
    try:
        return socket.getservbyname(word, "tcp")
    except (OSError, UnicodeError):
        raise BadName(ascii(name), f"this system knows no service {ascii(word)}", _remedy(name)) from None


def _number(word: str) -> int | None:
    return int(word) if re.fullmatch("[0-9]{1,9}", word) and 0 < int(word) <= 65535 else None


def _remedy(name: str) -> str:
    """Return the right form, of that server where it can be seen."""
    url = _URL.fullmatch(name)
    host, _, port = (url["server"] if url else name).partition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not is_host(host) or "." not in host:
        return "name the server first, as '[mail.isp.example]:submission', then the user there"
    return f"name it as '[{host}]:{_number(port) or 'submission'}'"
