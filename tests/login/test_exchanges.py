"""The mechanisms themselves: the examples of their RFCs, and challenges that no honest server sends."""

from __future__ import annotations

import base64
from importlib.metadata import version

import pytest

from sasldb.errors import BadMessage, BadName, MechanismError
from sasldb.login import cram_md5, digest_md5, ntlm, plain, scram
from sasldb.login.exchange import Credentials, Declined, Exchange
from sasldb.model.secret import Secret

ALICE = Credentials(b"alice", Secret(b"wonderland"))
SCRAM = ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"]


def talk(exchange: Exchange, *challenges: bytes) -> list[bytes | None]:
    """Return what the client sends, at its start and to each challenge."""
    return [next(exchange), *(exchange.send(challenge) for challenge in challenges)]


def is_done(exchange: Exchange) -> bool:
    """Tell whether the exchange lets the server accept now."""
    try:
        exchange.send(None)
    except StopIteration:
        return True
    except BadMessage:
        return False
    return False


def test_plain_of_rfc_4616() -> None:
    """The second example of RFC 4616, with no authorization identity: NUL, user, NUL, password."""
    exchange = plain.plain(Credentials(b"tim", Secret(b"tanstaaftanstaaf")))
    assert talk(exchange) == [b"\0tim\0tanstaaftanstaaf"]
    assert is_done(exchange)


def test_login_answers_two_challenges() -> None:
    """LOGIN sends the user, then the password, whatever the challenges say."""
    exchange = plain.login(ALICE)
    assert talk(exchange, b"Username:", b"Password:") == [None, b"alice", b"wonderland"]
    assert is_done(exchange)


def test_cram_md5_of_rfc_2195() -> None:
    """The example of RFC 2195."""
    exchange = cram_md5.exchange(Credentials(b"tim", Secret(b"tanstaaftanstaaf")))
    answers = talk(exchange, b"<1896.697170952@postoffice.reston.mci.net>")
    assert answers == [None, b"tim b913a602c7eda7a495b4e6e7334d3890"]
    assert is_done(exchange)


def test_cram_md5_wants_a_challenge() -> None:
    """An empty challenge is refused: its answer would be good for ever."""
    with pytest.raises(BadMessage, match="empty"):
        talk(cram_md5.exchange(ALICE), b"")


CHRIS = Credentials(b"chris", Secret(b"secret"), "imap", "elwood.innosoft.com")
ELWOOD = (
    b'realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8'  # RFC 2831, 4
)


def test_digest_md5_of_rfc_2831() -> None:
    """The example of RFC 2831 section 4, both ways: our response and the server's."""
    exchange = digest_md5.exchange(CHRIS, b"OA6MHXh6VqTrRk")
    answers = talk(exchange, ELWOOD, b"rspauth=ea40f60335c427b5527b84dbabcdfffd")
    assert answers == [
        None,
        b'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,'
        b'cnonce="OA6MHXh6VqTrRk",digest-uri="imap/elwood.innosoft.com",'
        b"response=d388dad90d4bbd760a152321f2143af7,qop=auth",
        b"",
    ]
    assert is_done(exchange)


@pytest.mark.parametrize(
    "proof", [b"rspauth=ea40f60335c427b5527b84dbabcdfffe", b"rspauth=", b"", b"rspauth", b"x" * 9000]
)
def test_digest_md5_wants_the_servers_proof(proof: bytes) -> None:
    """A server with a wrong response-auth, or none, is refused."""
    with pytest.raises(BadMessage):
        talk(digest_md5.exchange(CHRIS, b"OA6MHXh6VqTrRk"), ELWOOD, proof)


@pytest.mark.parametrize(
    "challenge",
    [
        *(b"", b"nonce", b'nonce="', b'nonce="a\\', b"=x", b"nonce=,algorithm=md5-sess", b"\0=\0", b'nonce="n"x=y'),
        *(b'nonce="n"', b'nonce="n",algorithm=md5', b'nonce="n",nonce="m",algorithm=md5-sess'),
        *(b'algorithm=md5-sess,realm="r"', ELWOOD + b"," * 2048, b"\xff\xfe", ELWOOD + b',qop="auth"'),
    ],
)
def test_digest_md5_challenges_that_cannot_be(challenge: bytes) -> None:
    """A challenge that is no list, has no nonce or two, another algorithm, or is too long, is refused."""
    with pytest.raises(BadMessage):
        talk(digest_md5.exchange(ALICE), challenge)


def test_digest_md5_without_qop_auth_cannot_be_tried() -> None:
    """A server that demands integrity or encryption is not one to log in to here."""
    with pytest.raises(MechanismError, match="qop"):
        talk(digest_md5.exchange(ALICE), b'nonce="n",qop="auth-int,auth-conf",algorithm=md5-sess')


def test_digest_md5_takes_the_users_realm() -> None:
    """Of several realms the user's own is taken, else the first; where none is named, none is sent."""

    def realm(user: bytes, offered: bytes) -> bytes:
        challenge = b'nonce="n",algorithm=md5-sess' + offered
        answer = talk(digest_md5.exchange(Credentials(user, Secret(b"p"))), challenge)[1] or b""
        return answer.partition(b"realm=")[2].partition(b",")[0]

    both = b',realm="a.example", realm="b.example"'
    assert realm(b"u@b.example", both) == b'"b.example"'
    assert realm(b"u@c.example", both) == realm(b"u", both) == b'"a.example"'
    assert realm(b"u", b"") == b""


def test_digest_md5_quotes() -> None:
    """Quotes and backslashes in names are escaped, so that a name cannot add a directive; challenges may have them too."""
    exchange = digest_md5.exchange(Credentials(b'a",x="\\', Secret(b"p")))
    answer = talk(exchange, b' , nonce = "n\\"m" ,,algorithm=md5-sess,realm="r\\\\"')[1] or b""
    assert b'username="a\\",x=\\"\\\\"' in answer and b'nonce="n\\"m"' in answer and b'realm="r\\\\"' in answer


RFC_5802 = (
    "SCRAM-SHA-1",
    "fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
RFC_7677 = (
    "SCRAM-SHA-256",
    "rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)
Vector = tuple[str, str, bytes, bytes, bytes]
PENCIL = Credentials(b"user", Secret(b"pencil"))


@pytest.mark.parametrize("vector", [RFC_5802, RFC_7677], ids=["RFC 5802", "RFC 7677"])
def test_scram_of_the_rfcs(vector: Vector) -> None:
    """The examples of RFC 5802 section 5 and RFC 7677 section 3, to the server's signature."""
    mechanism, nonce, first, final, signature = vector
    exchange = scram.exchange(mechanism, PENCIL, nonce)
    assert talk(exchange, first, signature) == [b"n,,n=user,r=" + nonce.encode(), final, b""]
    assert is_done(exchange)


@pytest.mark.parametrize("vector", [RFC_5802, RFC_7677], ids=["RFC 5802", "RFC 7677"])
@pytest.mark.parametrize("forged", [b"v=", b"v=!", b"", b"v=%b", b"x=y", b"\xff", b"v"])
def test_scram_wants_the_servers_signature(vector: Vector, forged: bytes) -> None:
    """A server with another signature, or none, does not know the password and is refused."""
    mechanism, nonce, first, _, signature = vector
    if b"%" in forged:
        forged %= base64.b64encode(bytes(len(base64.b64decode(signature[2:]))))
    with pytest.raises(BadMessage):
        talk(scram.exchange(mechanism, PENCIL, nonce), first, forged)


@pytest.mark.parametrize(
    "first",
    [
        *(
            b"",
            b"r=%b,s=QSXCR+Q6sek8bf92",
            b"i=4096",
            b"r=other,s=QSXCR+Q6sek8bf92,i=4096",
            b"r=%b,s=QSXCR+Q6sek8bf92,i=x",
        ),
        *(
            b"r=%b,s=QSXCR+Q6sek8bf92,i=4096",
            b"r=%bx,s=!,i=4096",
            b"r=%bx,s=,i=4096",
            b"r=%bx\xff,s=QSXCR+Q6sek8bf92,i=4096",
        ),
        *(b"m=x,r=%bx,s=QSXCR+Q6sek8bf92,i=4096", b"r=%bx,s=QSXCR+Q6sek8bf92,i=4096,i=4097", b"v=QSXC"),
    ],
)
@pytest.mark.parametrize("mechanism", SCRAM)
def test_scram_challenges_that_cannot_be(mechanism: str, first: bytes) -> None:
    """A server's first message with a nonce that is not ours and longer, a bad salt, or an unknown demand, is refused."""
    nonce = b"fyko+d2lbbFgONRv9qkxdawL"
    message = first.replace(b"%b", nonce)
    with pytest.raises(BadMessage):
        talk(scram.exchange(mechanism, PENCIL, nonce.decode()), message)


COUNTS = ["0", "1", "4095", "1000001", "1" + "0" * 9, "9" * 5000, "-4096", "\u0664\u0660\u0669\u0666"]


@pytest.mark.parametrize("count", COUNTS, ids=lambda count: ascii(count)[:12])
def test_scram_iterations_that_would_harm(count: str) -> None:
    """Too few iterations would make guessing cheap, too many would keep us busy: refused before anything is computed."""
    first = f"r=nx,s=QSXCR+Q6sek8bf92,i={count}".encode()
    with pytest.raises(BadMessage):
        talk(scram.exchange("SCRAM-SHA-256", PENCIL, "n"), first)


def test_scram_of_a_million_iterations() -> None:
    """As many as are allowed are computed."""
    answer = talk(scram.exchange("SCRAM-SHA-1", PENCIL, "n"), b"r=nx,s=QSXCR+Q6sek8bf92,i=1000000")[1]
    assert (answer or b"").startswith(b"c=biws,r=nx,p=")


@pytest.mark.parametrize("challenges", [[b"e=unknown-user"], [RFC_7677[2], b"e=invalid-proof"]])
def test_scram_refusals_of_its_own(challenges: list[bytes]) -> None:
    """A server may refuse within SCRAM; that is a refusal and no fault of the server's."""
    with pytest.raises(Declined) as caught:
        talk(scram.exchange("SCRAM-SHA-256", PENCIL, RFC_7677[1]), *challenges)
    assert caught.value.reason == challenges[-1][2:]


@pytest.mark.parametrize("mechanism", SCRAM)
def test_scram_escapes_the_user(mechanism: str) -> None:
    """A comma or `=` in the user's name cannot add an attribute."""
    (first,) = talk(scram.exchange(mechanism, Credentials(b"a,b=c", Secret(b"p")), "nonce"))
    assert first == b"n,,n=a=2Cb=3Dc,r=nonce"


@pytest.mark.parametrize(
    "challenge",
    [b"", b"NTLMSSP\0", b"NTLMSSP\0\2\0\0\0" + b"\xff" * 10, b"\xff" * 9000, b"NTLMSSP\0\1\0\0\0" + bytes(40)],
)
def test_ntlm_challenges_that_cannot_be(challenge: bytes) -> None:
    """A message that is no challenge of NTLM is refused."""
    with pytest.raises(BadMessage):
        talk(ntlm.exchange(ALICE), challenge)


@pytest.mark.parametrize(
    "exchange, challenges",
    [
        (plain.login(ALICE), [b"Username:"]),
        (cram_md5.exchange(ALICE), []),
        (digest_md5.exchange(CHRIS, b"OA6MHXh6VqTrRk"), [ELWOOD]),
        (scram.exchange("SCRAM-SHA-1", PENCIL, RFC_5802[1]), [RFC_5802[2]]),
        (ntlm.exchange(ALICE), []),
    ],
    ids=["LOGIN", "CRAM-MD5", "DIGEST-MD5", "SCRAM", "NTLM"],
)
def test_no_acceptance_before_the_end(exchange: Exchange, challenges: list[bytes]) -> None:
    """A server that accepts before the exchange is at its end, or without its proof, is not believed."""
    talk(exchange, *challenges)
    assert not is_done(exchange)


@pytest.mark.parametrize("user", [b"", b"a\0b"])
def test_users_that_cannot_be(user: bytes) -> None:
    """An empty user, or one with a NUL, which would end the field in PLAIN, is refused."""
    with pytest.raises(BadName):
        Credentials(user, Secret(b"p"))


def test_a_nul_in_the_password() -> None:
    """PLAIN cannot carry a NUL."""
    with pytest.raises(MechanismError, match="NUL"):
        talk(plain.plain(Credentials(b"alice", Secret(b"a\0b"))))


@pytest.mark.parametrize(
    "begin", [lambda who: scram.exchange("SCRAM-SHA-256", who), ntlm.exchange], ids=["SCRAM", "NTLM"]
)
@pytest.mark.parametrize("user, password", [(b"\xff", b"p"), (b"u", b"\xff"), (b"u", "\u0627x".encode())])
def test_credentials_that_do_not_fit(begin: object, user: bytes, password: bytes) -> None:
    """Where text is demanded, bytes that are none cannot be tried; nor, in SCRAM, what SASLprep refuses. Nothing is shown."""
    assert callable(begin)
    if b"x" in password and version("scramp").startswith("1.4."):
        pytest.skip("scramp 1.4 lets pass what mixes directions")
    if begin is ntlm.exchange and b"\xff" not in user + password:
        return
    with pytest.raises(MechanismError) as caught:
        talk(begin(Credentials(user, Secret(password))))
    assert not isinstance(caught.value, BadMessage)
    assert password.decode(errors="replace") not in str(caught.value) or password == b"p"
