"""Why a server on this host refused a login, as far as the database here and Postfix's configuration tell.

It says nothing that was not found. Errors: none; what cannot be read is one of the sentences.
"""

from __future__ import annotations

from collections.abc import Sequence

from sasldb.errors import SasldbError
from sasldb.model.secret import Secret
from sasldb.model.text import to_text
from sasldb.model.verdict import Outcome
from sasldb.operations.logins.near_misses import look_up
from sasldb.operations.logins.proving import Proof, prove
from sasldb.operations.logins.resolving import Server, resolve
from sasldb.operations.logins.suspects import suspects
from sasldb.secrets import saslprep
from sasldb.store.reading import Database

_MOST = 3  # near misses


def explain(
    login: bytes, password: Secret, refused: Sequence[str], path: str, server: Server, port: int = 0
) -> list[str]:
    """Return sentences (text) about the `refused` mechanisms.

    Args:
        login: as the client sent it. path: the database that the server should read. server: it knows the realm of bare names.
        port: where it listens; 0 where it is not Postfix, and its configuration not to be asked.
    """
    sentences, enough = _of_database(login, password, refused, path, server)
    return sentences if enough else sentences + suspects(port)


def _of_database(
    login: bytes, password: Secret, refused: Sequence[str], path: str, server: Server
) -> tuple[list[str], bool]:
    """Return what the database says, and whether that is enough: a server that reads this database would refuse all of it."""
    try:
        resolution = resolve(login, server)
        if resolution.user is None:
            return [f"libsasl refuses such a login: {resolution.reason}"], True
        with Database(path, checked=False) as database:
            (answer,) = look_up(database, [resolution])
            if not answer.exists:
                close = [str(miss.user) for miss in answer.near[:_MOST]]
                hint = f"; close: {', '.join(close)}" if close else ""
                return [f"{path} has no user {resolution.user}{hint}"], False
            otherwise = _prepared(resolution.user.user, password.reveal())
            return _of_secrets(prove(database, resolution.user, password), answer.mechanisms, refused, path, otherwise)
    except SasldbError as error:
        return [f"what is stored here cannot be told: {error}"], False


def _prepared(user: bytes, password: bytes) -> dict[str, str]:
    """Return why other bytes than those stored arrive at the server, as sentences (text) with a gap, by the first letters of mechanisms."""
    changed = [what for what, octets in (("password", password), ("name", user)) if saslprep.changes(octets)]
    found = {}
    if changed:
        compared = (
            "and Cyrus SASL compares with the bytes stored; choose one that SASLprep leaves alone, such as all of ASCII"
        )
        found["SCRAM-"] = f"with {{}} a client changes the {' and the '.join(changed)} (SASLprep), {compared}"
    if not password.isascii():
        found["NTLM"] = (
            "with {} Cyrus SASL takes each byte stored for a character: no password that is not ASCII gets in"
        )
    return found


def _of_secrets(
    proof: Proof, usable: Sequence[str], refused: Sequence[str], path: str, otherwise: dict[str, str]
) -> tuple[list[str], bool]:
    """Say what the user's secrets tell: mechanisms that they cannot serve, another password, or nothing against the login.

    What is explained `otherwise` (see `_prepared`) is no reason to doubt the file.
    """
    user = to_text(b"%b@%b" % (proof.user.user, proof.user.realm))
    if proof.verdict.outcome is Outcome.MISMATCH:
        return [f"the password is not the one that {path} holds for {user}"], True
    sentences = []
    unserved = [name for name in refused if name not in proof.mechanisms]
    served = [name for name in refused if name in proof.mechanisms]
    if unserved:
        instead = f"what serves {' '.join(usable)}" if usable else "nothing that serves any mechanism"
        sentences.append(f"{path} holds nothing for {user} that serves {' '.join(unserved)}, but {instead}")
    for begin, sentence in otherwise.items():
        if found := [name for name in served if name.startswith(begin)]:
            sentences.append(sentence.format(" ".join(found)))
            served = [name for name in served if name not in found]
    if served:
        doubts = "does the server read another file, such as a copy in its chroot, or may it not read this one?"
        sentences.append(f"the password is right for {' '.join(served)} in {path}; {doubts}")
    return sentences, not served
