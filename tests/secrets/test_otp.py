"""cmusaslsecretOTP follows RFC 2289, in the form that Cyrus stores."""

from __future__ import annotations

import re
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sasldb.errors import SecretUnusable
from sasldb.secrets import otp

PHRASES = (b"This is a test.", b"TeSt"), (b"AbCdEfGhIjK", b"alpha1"), (b"OTP's are good", b"correct")
RFC_2289 = {
    "md4": (
        "D1854218EBBB0B51 63473EF01CD0B444 C5E612776E6C237A",
        "50076F47EB1ADE4E 65D20D1949B5F7AB D150C82CCE6F62D1",
        "849C79D4F6F55388 8C0992FB250847B1 3F3BF4B4145FD74B",
    ),
    "md5": (
        "9E876134D90499DD 7965E05436F5029F 50FE1962C4965880",
        "87066DD9644BF206 7CD34C1040ADD14B 5AA37A81F212146C",
        "F205753943DE4CF9 DDCDAC956F234937 B203E28FA525BE47",
    ),
    "sha1": (
        "BB9E6AE1979D8FF4 63D936639734385B 87FEC7768B73CCF9",
        "AD85F658EBE383C9 D07CE229B5CF119B 27BC71035AAF3DC6",
        "D51F3E99BF8E6F0B 82AEB52D943774E4 4F296A74FE1567EC",
    ),
}
VECTORS = [
    (algorithm, phrase, seed, number, expected)
    for algorithm, rows in RFC_2289.items()
    for (phrase, seed), row in zip(PHRASES, rows)
    for number, expected in zip((0, 1, 99), row.split())
]
PASSWORDS = st.binary(max_size=100).filter(lambda password: 0 not in password)
VALUE = b"md5\t0499\tvm5771\t0123456789abcdef\t00000000000000000000"


@pytest.mark.parametrize(("algorithm", "phrase", "seed", "number", "expected"), VECTORS)
def test_rfc_2289(algorithm: str, phrase: bytes, seed: bytes, number: int, expected: str) -> None:
    """Every one-time password of RFC 2289, appendix C comes out."""
    assert otp.one_time_password(algorithm, number, seed, phrase).hex().upper() == expected


def test_form() -> None:
    """A new value has the five fields of Cyrus: md5, 0499, two letters of the host and four digits, 16 hex digits, 20 zeros."""
    value = otp.make(b"secret", "VM.example.org")
    assert re.fullmatch(rb"md5\t0499\tvm\d{4}\t[0-9a-f]{16}\t0{20}", value)
    assert otp.parse(value).sequence == 499


@pytest.mark.parametrize(("hostname", "start"), [("", b""), ("x", b"x"), (b"Ab.c", b"ab"), ("é", b"\xc3\xa9")])
def test_seed(hostname: str | bytes, start: bytes) -> None:
    """The seed is at most two bytes of the host name, lower-cased as in the C locale, and a number from 1 to 9999."""
    seed = otp.parse(otp.make(b"secret", hostname)).seed
    assert seed[:-4] == start and 1 <= int(seed[-4:]) <= 9999


@settings(max_examples=25)
@given(PASSWORDS, PASSWORDS, st.sampled_from(otp.ALGORITHMS), st.integers(2, 60))
def test_round_trip(password: bytes, other: bytes, algorithm: str, sequence: int) -> None:
    """What was made of a password fits that password and no other, whatever the hash and the number."""
    value = otp.make(password, "vm", algorithm, sequence)
    assert otp.check(value, password)
    assert otp.check(value, other) == (other == password)


def test_after_logins() -> None:
    """A state that logins have counted down still fits the password."""
    state = otp.parse(otp.make(b"secret", "vm"))
    later = otp.one_time_password("md5", 17, state.seed, b"secret").hex().encode()
    assert otp.check(b"MD5\t0017\t%b\t%b\t00000000001700000000" % (state.seed, later), b"secret")


def test_binary_form() -> None:
    """A value of the earlier, binary form reads the same, with a time of 8 or of 4 bytes."""
    state = otp.parse(otp.make(b"secret", "vm"))
    binary = b"md5\x000499\0" + state.seed + b"\0" + state.password
    assert otp.check(binary + bytes(8), b"secret") and otp.check(binary + pack("=I", 1_700_000_000), b"secret")


@pytest.mark.parametrize("sequence", [b"0001", b"0000", b"1"])
def test_used_up(sequence: bytes) -> None:
    """Below 2 the plug-in answers "expired" to every password, so the secret is unusable, not wrong."""
    with pytest.raises(SecretUnusable, match="used up"):
        otp.check(VALUE.replace(b"0499", sequence), b"secret")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"\t0499", b"", "not the five fields"),
        (b"md5", b"md6", "an algorithm"),
        (b"md5", b"\xff", "an algorithm"),
        (b"0499", b"00499", "the sequence"),
        (b"0499", b"-499", "the sequence"),
        (b"vm5771", b"", "the seed"),
        (b"vm5771", b"vm 771", "the seed"),
        (b"vm5771", b"v" * 17, "the seed"),
        (b"abcdef", b"abcdeg", "not hexadecimal"),
        (b"abcdef", b"ab  ef", "not 8 bytes"),
        (b"abcdef", b"abcd", "not 8 bytes"),
        (b"\t0000", b"\tnone", "the time"),
        (b"\t0499\t", b"\0000499\0", "not the five fields"),
    ],
)
def test_reasons(old: bytes, new: bytes, reason: str) -> None:
    """A value that does not parse says why, without showing the value."""
    with pytest.raises(SecretUnusable, match=reason) as caught:
        otp.parse(VALUE.replace(old, new, 1))
    assert "abcd" not in str(caught.value)


@given(
    st.binary(max_size=90)
    | st.builds(
        lambda at, byte: VALUE[:at] + byte + VALUE[at + 1 :], st.integers(0, 54), st.binary(min_size=1, max_size=1)
    )
)
def test_any_value(value: bytes) -> None:
    """Any bytes as value are refused or do not fit; nothing else happens."""
    try:
        assert not otp.check(value, b"secret")
    except SecretUnusable as error:
        assert error.subject == "cmusaslsecretOTP"


@pytest.mark.parametrize(("algorithm", "sequence"), [("md6", 499), ("md5", 1), ("md5", 10_000)])
def test_make_refuses(algorithm: str, sequence: int) -> None:
    """No value is made that the plug-in could not use."""
    with pytest.raises(SecretUnusable):
        otp.make(b"secret", "vm", algorithm, sequence)
