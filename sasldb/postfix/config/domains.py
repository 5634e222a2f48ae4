"""The domains that people send as here, as far as main.cf tells: those whose mail comes here, and those that Postfix itself writes.

Tables of files on this host are listed; SQL, LDAP, patterns and services are not asked, and then `complete` is false. The host's own
name stands in mydestination and in myorigin by default, and its parent is mydomain by default: neither says that anybody sends as it,
but for a host that has the domain's own name.
Source: Postfix 3.7, postconf(5); Debian reads myorigin from a file where it is a path. Errors: none.
"""

from __future__ import annotations

from sasldb.files import reading
from sasldb.postfix.config import maps
from sasldb.postfix.config.instance import Instance
from sasldb.postfix.config.postconf import is_domain
from sasldb.postfix.config.restriction_lists import split

_VIRTUAL = ("virtual_mailbox_domains", "virtual_alias_domains")
_DEEPEST = 3  # files that name files


class Domains:
    """What one Postfix has, in lower case.

    Attributes:
        host: myhostname. parent: mydomain. origin: myorigin. virtual, local: what the lists of virtual domains, and mydestination, name.
        relayed: relay_domains. complete: whether these lists are all known.
    """

    def __init__(self, instance: Instance) -> None:
        """Look them up."""
        self.complete = True
        self._option = instance.option
        self.host, self.parent = instance["myhostname"].lower(), instance["mydomain"].lower()
        self.origin = self._first_of(instance["myorigin"])
        self._chosen = "myorigin" in instance.named
        self._has_parent = is_domain(self.parent) or "mydomain" in instance.named  # the `com` of example.com is none
        self.virtual = {domain for name in _VIRTUAL for domain in self._listed(instance[name])}
        self.local = self._listed(instance["mydestination"])
        self.relayed = self._listed(instance["relay_domains"])

    def have(self, domain: str) -> bool:
        """Tell whether people may send as `domain`, for all that is known."""
        name = domain.lower()
        if name != self.host:
            parents = {self.parent} if self._has_parent else set()
            return not self.complete or name in parents | {self.origin} | self.virtual | self.local | self.relayed
        if name in self.virtual or name == self.parent or not (self.complete or name in self.local):
            return True
        if not self._has_parent and is_domain(name):
            return True
        return self._named() is None and (self._chosen and name == self.origin or not is_domain(self.parent))

    def likely(self) -> str | None:
        """Return the domain that people most likely send as, None where nothing tells."""
        return self._named() or next(filter(is_domain, (self.parent, self.host)), None)

    def _named(self) -> str | None:
        """Return the one of the domains other than the host's name that somebody wrote down; the host's siblings are hosts."""
        everywhere = self.virtual | self.local
        local = (name for name in sorted(self.local) if name.partition(".")[2] not in (self.parent, self.host))
        likely = (self.origin, *([self.parent] if self.parent in everywhere else []), *sorted(self.virtual), *local)
        return next((name for name in likely if name != self.host and is_domain(name)), None)

    def _listed(self, value: str, depth: int = 0) -> set[str]:
        """Return the names in a list of domains."""
        found: set[str] = set()
        for _, word in split(value):
            if word.startswith("/"):
                found |= self._of_file(word, depth + 1)
            elif ":" in word:
                found |= self._of_table(word)
            elif not word.startswith(("!", "[")):
                found.add(word.lower())
        return found

    def _of_file(self, path: str, depth: int) -> set[str]:
        lines = [line for line in self._read(path).splitlines() if not line.lstrip().startswith("#")]
        return self._listed(" ".join(lines), depth) if depth < _DEEPEST else set()

    def _of_table(self, name: str) -> set[str]:
        """Return the keys of a table that are domains; the maps of virtual users have addresses as well."""
        pairs = maps.listed(name, self._option)
        if pairs is None:
            self.complete = False
        return {key.lower() for key, _ in pairs or () if "@" not in key}

    def _first_of(self, value: str) -> str:
        """Return a name, or the first line of the file that it is the path of."""
        return (self._read(value).partition("\n")[0].strip() if value.startswith("/") else value).lower()

    def _read(self, path: str) -> str:
        try:
            return reading.text(path)
        except OSError:
            self.complete = False
            return ""
