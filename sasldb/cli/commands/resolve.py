"""`sasldb resolve`: which record is it that a login leads to?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sasldb.cli.completion import USER
from sasldb.cli.options import Location, located, rendered
from sasldb.cli.rendering import Rendering, document, say
from sasldb.cli.server import served
from sasldb.model.text import to_bytes, to_text
from sasldb.operations.logins.resolving import Server

if TYPE_CHECKING:
    from sasldb.model.identity import UserId
    from sasldb.operations.logins.near_misses import Answer, NearMiss

_MOST = 10  # near misses that are shown to people
_ORIGINS = {
    "login": "the login itself",
    "local domain": "--local-domain",
    "host name": "--hostname, in lower case",
    "smtpd_sasl_local_domain": "Postfix's smtpd_sasl_local_domain",
    "myhostname": "Postfix's myhostname, in lower case",
    "this host": "the name of this machine, in lower case",
}


@click.command("resolve")
@click.argument("login", nargs=-1, required=True, shell_complete=USER)
@located()
@served
@rendered
def command(login: tuple[str, ...], location: Location, server: Server, rendering: Rendering) -> int:
    """Tell which record a login leads to.

    For each LOGIN, as a client sends it: the user and the realm that libsasl looks up, where the realm comes from, whether there is such a
    user, and the mechanisms that let the user in. Then the records that are close: the same user in another realm, other
    case, blanks around a name.

    Exit status 1 if one of the logins leads to nobody, or to somebody whom no mechanism lets in.

    \b
    Example: who is it that logs in to this Postfix as alice?
      sasldb resolve alice
    """
    from sasldb.operations.logins.near_misses import look_up
    from sasldb.operations.logins.resolving import resolve
    from sasldb.store.reading import Database

    resolutions = [resolve(to_bytes(name), server) for name in login]
    with Database(location.path, checked=False) as database:
        answers = look_up(database, resolutions)
    if rendering.json:
        document([_values(answer) for answer in answers])
    else:
        for answer in answers:
            _explain(answer)
    return 0 if all(answer.mechanisms for answer in answers) else 1


def _explain(answer: Answer) -> None:
    """Print one answer for people."""
    resolution = answer.resolution
    login = to_text(resolution.login)
    if resolution.user is None:
        say(f'"{login}": refused by libsasl: {resolution.reason}')
        return
    say(f'"{login}": {_named(resolution.user)}, the realm from {_ORIGINS[resolution.origin]}')
    if resolution.trimmed:
        say("  blanks around the login are dropped")
    if not answer.exists:
        say("  there is no such user")
    else:
        say(f"  lets in: {' '.join(answer.mechanisms) or 'nobody, by any mechanism'}")
    for miss in answer.near[:_MOST]:
        say(f"  close: {_described(miss)}")
    if len(answer.near) > _MOST:
        say(f"  and {len(answer.near) - _MOST} more that are close")


def _described(miss: NearMiss) -> str:
    way = "no login leads there" if miss.login is None else f'logs in as "{to_text(miss.login)}"'
    return f"{_named(miss.user)} (differs in: {', '.join(miss.differs)}), {way}"


def _named(user: UserId) -> str:
    return f'user "{to_text(user.user)}" in realm "{to_text(user.realm)}"'


def _values(answer: Answer) -> dict[str, object]:
    """Return what JSON shows."""
    resolution = answer.resolution
    user = resolution.user
    near = [
        {
            "user": to_text(miss.user.user),
            "realm": to_text(miss.user.realm),
            "differs": miss.differs,
            "login": None if miss.login is None else to_text(miss.login),
        }
        for miss in answer.near
    ]
    return {
        "login": to_text(resolution.login),
        "user": None if user is None else to_text(user.user),
        "realm": None if user is None else to_text(user.realm),
        "realm_from": None if user is None else resolution.origin,
        "trimmed": resolution.trimmed,
        "refused": resolution.reason or None,
        "exists": answer.exists,
        "mechanisms": answer.mechanisms,
        "near": near,
    }
