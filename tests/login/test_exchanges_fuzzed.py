"""Whatever a server sends to a mechanism, the outcome is an answer or one of our errors, and soon."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.errors import MechanismError
from sasldb.login import cram_md5, digest_md5, ntlm, plain, scram
from sasldb.login.directives import parse, quoted
from sasldb.login.exchange import Credentials, Declined, Exchange
from sasldb.model.secret import Secret

ALICE = Credentials(b"alice@example.com", Secret(b"wonderland"))
NTLM = base64.b64decode(
    "TlRMTVNTUAACAAAAIAAgADAAAAA1ggIA5nWxZJYwDyEAAAAAAAAAAAAAAAAAAAAATQBBAEkATAAuAEUAWABBAE0AUABMAEUALgBDAE8ATQA="
)
BEGINNINGS: dict[str, tuple[Callable[[], Exchange], list[bytes]]] = {
    "PLAIN": (lambda: plain.plain(ALICE), []),
    "LOGIN": (lambda: plain.login(ALICE), [b"Username:", b"Password:"]),
    "CRAM-MD5": (lambda: cram_md5.exchange(ALICE), [b"<1@example.com>"]),
    "DIGEST-MD5": (
        lambda: digest_md5.exchange(ALICE, b"cnonce"),
        [b'realm="r",nonce="n",qop="auth",algorithm=md5-sess,charset=utf-8', b"rspauth=" + b"0" * 32],
    ),
    "SCRAM-SHA-256": (
        lambda: scram.exchange("SCRAM-SHA-256", ALICE, "nonce"),
        [b"r=noncex,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", b"v=" + base64.b64encode(bytes(32))],
    ),
    "NTLM": (lambda: ntlm.exchange(ALICE), [NTLM]),
}


@st.composite
def messages(draw: st.DrawFn, honest: list[bytes]) -> list[bytes]:
    """Draw a server's messages: honest ones with some bytes replaced, cut or added, or anything at all."""
    said = []
    for message in honest:
        octets = bytearray(message)
        for _ in range(draw(st.integers(0, 3))):
            place = draw(st.integers(0, len(octets)))
            octets[place : place + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
        said.append(draw(st.one_of(st.just(bytes(octets)), st.binary(max_size=60))))
    return said


@pytest.mark.parametrize("mechanism", list(BEGINNINGS))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_messages(mechanism: str, data: st.DataObject) -> None:
    """No message makes a mechanism fail in any other way than with our errors."""
    begin, honest = BEGINNINGS[mechanism]
    exchange = begin()
    next(exchange)
    try:
        for message in data.draw(messages(honest)):
            assert isinstance(exchange.send(message), bytes)
    except (MechanismError, Declined, StopIteration) as outcome:
        assert "wonderland" not in str(outcome)


@given(st.dictionaries(st.from_regex(rb"[a-z][a-z0-9-]{0,5}", fullmatch=True), st.binary(), max_size=5))
def test_directives_round_trip(values: dict[bytes, bytes]) -> None:
    """What is quoted into a list is read back from it, whatever it is."""
    message = b",".join(b"%b=%b" % (name, quoted(value)) for name, value in values.items())
    assert parse(message, "DIGEST-MD5") == {name: [value] for name, value in values.items()}
