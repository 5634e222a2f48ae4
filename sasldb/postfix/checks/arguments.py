"""The check of smtpd's arguments in master.cf: every word is an option, or belongs to one.

Errors: none; `Unseen` is not raised.
"""

from __future__ import annotations

from sasldb.postfix.checks.finding import Problem, THROTTLED
from sasldb.postfix.config import arguments, disclosure
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site


def stray(site: Site) -> Problem | None:
    """Look for words that are left over where a value of an -o option has blanks in it."""
    found = {service: words for service in site.servers if (words := arguments.strays(service.command))}
    if not found:
        return None
    joined = {service: arguments.mended(service.command) for service in found}
    mended = {
        service: text for service, text in joined.items() if text is not None and disclosure.command(text) == text
    }
    service = next(iter(mended or found))
    word = found[service][0].strip(",")
    seen = f"{word if disclosure.may_be_shown('', word) else 'a word'} stands in master.cf among the arguments of {service.label}, and belongs to no option"
    why = f"A blank ends the value of an -o option, and smtpd ends with an error at a word of its own. {THROTTLED}"
    if mended:
        commands = [fixes.command(site, service, text) for service, text in mended.items()]
        return Problem(seen, why, fixes.together(*commands, fixes.reload(site)))
    if joined[service] is not None:
        return Problem.without_remedy(
            seen, why, "its arguments may be secrets, which belong in no command: join them by hand."
        )
    reason = "only you know what it belongs to; a value with blanks is written -o { name = value }."
    if found[service][0].startswith("#"):
        reason = "a comment needs a line of its own; take out, or move, what begins with #."
    return Problem.without_remedy(seen, why, reason)
