"""The values of a check: what it is, what it found, and that it could not look.

Errors: none.
"""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.postfix.site.site import Site

ERROR = "error"  # logins fail, or people get in who should not
WARNING = "warning"  # it works, and will not for somebody or some day
UNSEEN = "unseen"  # the check could not be made
# For what makes smtpd end. Source: Postfix, service_throttle_time; a reload does not shorten it (observed).
THROTTLED = "Postfix starts the next smtpd only a minute after one has ended so."


class Problem:
    """What one check found.

    Attributes:
        seen, why: sentences. remedy: the shell command that mends it, or None; then `why` ends with the reason.
        severity: one of the constants above. safe: whether the remedy loses nothing and installs nothing, so that it may be run unasked.
    """

    __slots__ = ("remedy", "safe", "seen", "severity", "why")

    def __init__(self, seen: str, why: str, remedy: str | None, severity: str = ERROR, safe: bool = True) -> None:
        self.seen = seen
        self.why = why
        self.remedy = remedy
        self.severity = severity
        self.safe = safe and remedy is not None

    @classmethod
    def without_remedy(cls, seen: str, why: str, reason: str, severity: str = ERROR) -> Problem:
        """Make one that no command can mend, for this `reason`."""
        return cls(seen, f"{why} No command can mend it: {reason}", None, severity)


class Finding(Problem):
    """A problem with the `name` and the `group` of the check that found it."""

    __slots__ = ("group", "name")

    def __init__(self, check: Check, problem: Problem) -> None:
        super().__init__(problem.seen, problem.why, problem.remedy, problem.severity, problem.safe)
        self.name = check.name
        self.group = check.group

    def __repr__(self) -> str:
        return f"Finding({self.name})"


class Check:
    """One row of the table.

    Attributes:
        name: of the fault that it looks for. group: the heading that it stands under.
        after: names of checks; where one of them found something, this one would only see a consequence, and is left out.
        look: returns the Problem, or None where all is well; raises Unseen.
    """

    __slots__ = ("after", "group", "look", "name")

    def __init__(self, name: str, look: Callable[[Site], Problem | None], group: str, after: tuple[str, ...]) -> None:
        self.name = name
        self.look = look
        self.group = group
        self.after = after
