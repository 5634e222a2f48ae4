"""`sasldb diff`: what two databases do not have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sasldb.cli.options import PATH, Location, located, rendered
from sasldb.cli.progress import Progress
from sasldb.cli.rendering import Rendering, document, say
from sasldb.model.text import to_bytes

if TYPE_CHECKING:
    from sasldb.operations.comparing import Difference

_PASSWORDS = {
    "same": "the same password",
    "different": "another password",
    "unknown": "passwords that cannot be compared",
    "none": "no password on one side",
}


@click.command("diff")
@click.argument("first", metavar="A", type=PATH)
@click.argument("second", metavar="[B]", type=PATH, required=False)
@located(realm="Compare only the users of this realm.")
@rendered
def command(first: str, second: str | None, location: Location, rendering: Rendering) -> int:
    """Compare two databases.

    Without B, A is compared with the database of -f or -a. A line begins with - for a user of A alone, with + for one of B alone, with
    ~ for one of both who is not the same. Where one side has a plaintext, it is checked against what the other side has; two verifiers
    of one password cannot be told from those of two. No secret is shown.

    Exit status 1 when there is a difference.

    \b
    Example: has the copy inside Postfix's chroot fallen behind?
      sasldb diff /etc/sasldb2 /var/spool/postfix/etc/sasldb2
    """
    from sasldb.operations.comparing import compare
    from sasldb.store.reading import Database

    realm = None if location.realm is None else to_bytes(location.realm)
    with Database(first) as ours, Database(second or location.path) as theirs, Progress("comparing") as progress:
        done = compare(ours, theirs, realm, progress)
    if rendering.json:
        document({"same": done.same, "differences": [difference.as_dict() for difference in done.differences]})
    else:
        for difference in done.differences:
            say(_line(difference))
    return 1 if done.differences else 0


def _line(difference: Difference) -> str:
    """Return it as a line: `~ bob@example.com: userPassword -> authPassword, cmusaslsecretPLAIN; the same password`."""
    before, after = ", ".join(difference.first), ", ".join(difference.second)
    if not (before and after):
        return f"{'-' if before else '+'} {difference.user}: {before or after}"
    parts = [before if before == after else f"{before} -> {after}", _PASSWORDS[difference.passwords]]
    if difference.values:
        parts.append(f"other values: {', '.join(difference.values)}")
    one, other = map(" ".join, difference.mechanisms)
    if one != other:
        parts.append(f"{one or 'no mechanism'} -> {other or 'no mechanism'}")
    return f"~ {difference.user}: {'; '.join(parts)}"
