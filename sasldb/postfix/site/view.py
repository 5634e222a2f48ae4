"""A view of the database: where a chrooted smtpd, or one that is not, finds it.

Links are followed as smtpd follows them: an absolute one counts from its root directory. Raises nothing.
"""

from __future__ import annotations

import os

_LINKS = 40  # on one way; the system's own limit


class View:
    """How some of the smtpd services see the database.

    Attributes:
        inside: the path that they open. jail: their root directory, or None.
        name: that path as one of ours. path: where it leads them, links followed; `name` where it leads nowhere.
        there: whether there is something. separate: whether it is another file than the one that we see as `inside`, and both are there.
    """

    __slots__ = ("inside", "jail", "name", "path", "separate", "there")

    def __init__(self, inside: str, jail: str | None) -> None:
        self.inside = inside
        self.jail = jail
        self.name = f"{jail}{inside}" if jail else inside
        led = _led(jail, inside) if jail else inside
        self.there = os.path.exists(led) and not (jail and os.path.islink(led))
        self.path = led if self.there else self.name
        both = self.there and os.path.exists(inside)
        self.separate = both and not os.path.samefile(inside, self.path)


def _led(jail: str, path: str) -> str:
    """Return where `path` leads inside `jail`, as a path of ours; a link where links go round."""
    waiting, here = path.split("/"), [jail]
    for _ in range(_LINKS):
        while waiting:
            here = _step(here, waiting.pop(0))
            if here != [jail] and os.path.islink("/".join(here)):
                break
        else:
            return "/".join(here)
        try:
            target = os.readlink("/".join(here))
        except OSError:
            return "/".join(here)
        here = [jail] if target.startswith("/") else here[:-1]
        waiting = target.split("/") + waiting
    return f"{jail}{path}"


def _step(here: list[str], name: str) -> list[str]:
    if name in ("", "."):
        return here
    if name == "..":
        return here[:-1] if len(here) > 1 else here
    return [*here, name]
