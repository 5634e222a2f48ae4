"""`sasldb verify`: is this the password?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import PATH, Location, located, rendered
from sasldb.cli.passwords import PasswordSource, passworded
from sasldb.cli.progress import Progress
from sasldb.cli.rendering import Cell, Rendering, document, say
from sasldb.errors import NoSuchUser, SasldbError, SecretUnusable
from sasldb.model.text import to_text
from sasldb.model.verdict import Outcome

if TYPE_CHECKING:
    from sasldb.operations.logins.proving import Proof

COLUMNS = ("user", "realm", "verdict", "accepted_by", "mechanisms", "refused_by", "unusable")


@click.command("verify")
@click.argument("user", required=False, shell_complete=USER)
@click.option(
    "--batch",
    metavar="[FILE]",
    type=PATH,
    is_flag=False,
    flag_value="-",
    help="Check many: lines of user, tab and password, from FILE, or from standard input where none is named.",
)
@located(realm="The realm of users that are named without one.")
@passworded
@rendered
def command(
    user: str | None, batch: str | None, location: Location, source: PasswordSource, rendering: Rendering
) -> int:
    """Check a password, without a login.

    It is checked against everything that is stored for the user. What is told: the property that accepted it, and the mechanisms that
    let the user in with it. In a batch each line gets such a line.

    Exit status 0 for right, 1 for wrong (in a batch: for one that is not right), 3 for no such user and where no stored secret can be
    checked.

    \b
    Example: a password from a file
      sasldb verify --password-file alice.txt alice@example.com
    """
    if user is not None and batch is None:
        return _one(user, location, source, rendering)
    if user is not None or batch is None:
        raise click.UsageError("name a user, or --batch")
    given = click.get_current_context().params
    if given["password_stdin"] or given["password_file"] is not None or given["password_fd"] is not None:
        raise click.UsageError("--batch has its passwords in its lines: name no other source")
    return _many(batch, location, given["raw"], rendering)


def _one(login: str, location: Location, source: PasswordSource, rendering: Rendering) -> int:
    from sasldb.operations.logins.proving import prove
    from sasldb.store.reading import Database

    who = location.user(login)
    with Database(location.path, checked=False) as database:
        proof = prove(database, who, source.read(confirm=False))
    if rendering.json:
        document(dict(zip(COLUMNS, _cells(proof))))
    elif proof.verdict.outcome in (Outcome.OK, Outcome.MISMATCH):
        say(_sentence(proof))
    else:
        raise _failure(proof, location.path)
    return {Outcome.OK: 0, Outcome.MISMATCH: 1}.get(proof.verdict.outcome, 3)


def _many(batch: str, location: Location, raw: bool, rendering: Rendering) -> int:
    from sasldb.operations.logins.proving import prove_all, read_batch
    from sasldb.operations.state.sources import content
    from sasldb.store.reading import Database

    data, name = content(batch)
    attempts = read_batch(data, name, location.realm, raw)
    with Database(location.path, checked=False) as database, Progress("checking") as progress:
        right: list[bool] = []
        proofs = _noted(prove_all(database, attempts, progress), right)
        if rendering.json:
            rendering.rows(COLUMNS, map(_cells, proofs), "")
        else:
            for proof in proofs:
                say(_sentence(proof))
    return 0 if all(right) else 1


def _noted(proofs: Iterable[Proof], right: list[bool]) -> Iterator[Proof]:
    """Pass `proofs` on, and write down for each whether it is one."""
    for proof in proofs:
        right.append(bool(proof))
        yield proof


def _cells(proof: Proof) -> tuple[Cell, ...]:
    """Return the values of COLUMNS."""
    verdict = proof.verdict
    unusable = [f"{name}: {reason}" for name, reason in verdict.unusable.items()]
    names = proof.user.user, proof.user.realm
    word = verdict.outcome.value
    return (*map(to_text, names), word, verdict.accepted_by, proof.mechanisms, proof.refused, unusable)


def _sentence(proof: Proof) -> str:
    """Return what became of the password, as one line."""
    outcome = proof.verdict.outcome
    if outcome is Outcome.SECRET_UNUSABLE:
        return f"{proof.user}: cannot be checked; {_reasons(proof)}"
    if not proof:
        return f"{proof.user}: {'wrong' if outcome is Outcome.MISMATCH else outcome.value}"
    others = f"; {', '.join(proof.refused)} of another password" if proof.refused else ""
    accepted, mechanisms = ", ".join(proof.verdict.accepted_by), " ".join(proof.mechanisms)
    return f"{proof.user}: right, by {accepted}, for {mechanisms or 'no mechanism'}{others}"


def _failure(proof: Proof, path: str) -> SasldbError:
    """Return the error that says why there is no answer."""
    if proof.verdict.outcome is Outcome.NO_SUCH_USER:
        return NoSuchUser(str(proof.user), f"no such user in {path}")
    return SecretUnusable(str(proof.user), f"no stored secret can be checked; {_reasons(proof)}")


def _reasons(proof: Proof) -> str:
    reasons = "; ".join(f"{name}: {reason}" for name, reason in proof.verdict.unusable.items())
    return reasons or "none is stored"
