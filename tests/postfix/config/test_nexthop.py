"""Servers as relayhost names them: those that Postfix 3.7 sent to, and those that its smtp died of."""

from __future__ import annotations

import pytest

from sasldb.errors import BadName
from sasldb.postfix.config.nexthop import Nexthop


@pytest.mark.parametrize(
    "name, host, port",
    [
        ("[mail.isp.example]", "mail.isp.example", 25),
        ("[mail.isp.example]:submission", "mail.isp.example", 587),
        ("[Mail.ISP.example]:465", "Mail.ISP.example", 465),
        ("isp.example", "isp.example", 25),
        ("isp.example:2525", "isp.example", 2525),
        ("[mail]:25", "mail", 25),
        ("[mail.1]:0587", "mail.1", 587),
        ("[ma_il.example]", "ma_il.example", 25),
        ("[127.0.0.1]:65535", "127.0.0.1", 65535),
        ("127.0.0.1:smtp", "127.0.0.1", 25),
        ("[::1]:25", "::1", 25),
        ("[ipv6:::1]", "ipv6:::1", 25),
        ("[IPv6:2001:db8::1]:smtps", "IPv6:2001:db8::1", 465),
    ],
)
def test_a_server_is_taken(name: str, host: str, port: int) -> None:
    """What Postfix sends to is taken: a host or an address in brackets, or a domain, with a port or a service."""
    nexthop = Nexthop(name)
    assert (nexthop.name, nexthop.host, nexthop.port) == (name, host, port)


_FIRST = "name the server first, as '[mail.isp.example]:submission', then the user there"


@pytest.mark.parametrize(
    "name, remedy",
    [
        ("smtp://mail.isp.example:587", "name it as '[mail.isp.example]:587'"),
        ("smtps://mail.isp.example", "name it as '[mail.isp.example]:submission'"),
        ("smtp://user@mail.isp.example:587/", "name it as '[mail.isp.example]:587'"),
        ("[127.0.0.1", _FIRST),
        ("[mail.isp.example", "name it as '[mail.isp.example]:submission'"),
        ("mail.isp.example]:25", "name it as '[mail.isp.example]:25'"),
        ("[mail.isp.example]587", _FIRST),
        ("[mail.isp.example]:", "name it as '[mail.isp.example]:submission'"),
        ("[mail.isp.example]:submision", "name it as '[mail.isp.example]:submission'"),
        ("[mail.isp.example]:SUBMISSION", "name it as '[mail.isp.example]:submission'"),
        ("[mail.isp.example]:+25", "name it as '[mail.isp.example]:submission'"),
        ("[mail.isp.example]:25:25", "name it as '[mail.isp.example]:submission'"),
        ("mail.isp.example:99999", "name it as '[mail.isp.example]:submission'"),
        ("mail.isp.example:0", "name it as '[mail.isp.example]:submission'"),
        ("mail.isp.example:" + "9" * 5000, "name it as '[mail.isp.example]:submission'"),
        ("a.example,b.example", _FIRST),
        ("user@isp.example", _FIRST),
        ("username", _FIRST),
        ("mail:25", _FIRST),
        ("", _FIRST),
        ("[]", _FIRST),
        ("[mail.isp.example.]", _FIRST),
        ("[-mail.example]", _FIRST),
        ("[mail..x]", _FIRST),
        ("[1.2.3]", _FIRST),
        ("[256.0.0.1]", _FIRST),
        ("::1", _FIRST),
        ("[ipv6:127.0.0.1]", _FIRST),
        ("[fe80::1%lo]", _FIRST),
        (f"[{'x' * 64}.example]", _FIRST),
        ("[mäil.example]", _FIRST),
    ],
)
def test_a_server_is_refused(name: str, remedy: str) -> None:
    """What Postfix cannot read, or finds no mail exchanger for, is refused, and the next step has the right form."""
    with pytest.raises(BadName) as raised:
        Nexthop(name)
    assert raised.value.remedy == remedy
