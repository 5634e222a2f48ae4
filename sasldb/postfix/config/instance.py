"""One Postfix as postconf tells it: parameters with `$name` expanded, and the smtpd services of master.cf.

Nothing of main.cf and master.cf is parsed here. Five calls of postconf give everything: `-x` (all parameters), `-n` (those that are set, as
they are written), `-F` (fields of services), `-xP` and `-P` (their -o overrides); it also tells names that Postfix does not know.

Source: Postfix 3.7, postconf(1) and master(5): chroot `-` is `n` from compatibility level 1 on, before that `y`.
Errors: `SiteConfigError` where there is no Postfix, or where it cannot read its configuration.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable

from sasldb.errors import SiteConfigError
from sasldb.postfix.config import postconf, restrictions
from sasldb.postfix.config.restriction_lists import Parameters

SMTPD, INET = "smtpd", "inet"
ENABLE, LEVEL = "smtpd_sasl_auth_enable", "smtpd_tls_security_level"
_MISPLACED = "unused parameter: "
_NAMED = re.compile(r"\$[{(]?\s*(\w+)")  # as postconf(5) has it, a test of it included
_CONFIG_DIRECTORY = "config_directory"
_FILTERED = ("content_filter", "receive_override_options", "smtpd_authorized_xforward_hosts")
_FOR_CLIENTS = (25, 465, 587)
_PORTS = {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465}  # where the system's table has no such name


class Service:
    """A line of master.cf.

    Attributes:
        name, kind: the first two columns, as in `submission` and `inet`. program: the daemon's name, without directory.
        command: the whole last column.
        chroot: whether it is jailed in the queue directory. overrides: parameter -> value of its `-o` options, with `$name` replaced.
        own: the same as they are written.
    """

    __slots__ = ("_instance", "chroot", "command", "kind", "name", "overrides", "own", "program")

    def __init__(
        self, name: str, fields: dict[str, str], overrides: dict[str, str], own: dict[str, str], instance: Instance
    ) -> None:
        """Take the fields that postconf calls type, chroot and command; what is not overridden comes from the `instance`."""
        self.name = name
        self.kind = fields["type"]
        self.command = fields["command"]
        self.program = self.command.split(None, 1)[0].rpartition("/")[2]
        chroot = fields["chroot"]
        self.chroot = chroot == "y" or (chroot == "-" and _level(instance.values) < 1)
        self.overrides = overrides
        self.own = own
        self._instance = instance

    def value(self, name: str) -> str:
        """Return what parameter `name` is for this service; "" where it is empty or unknown."""
        return self.overrides.get(name, self._instance.value(name))

    def written(self, name: str) -> str:
        """Return the same as it is written; a default, which nobody wrote, comes with its names replaced."""
        return self.own.get(name, self._instance.written(name))

    def is_on(self, name: str) -> bool:
        """Tell whether the parameter is `yes`."""
        return self.value(name).lower() == "yes"

    @property
    def label(self) -> str:
        """The service as postconf -M and -P name it: `submission/inet`."""
        return f"{self.name}/{self.kind}"

    @property
    def port(self) -> int | None:
        """The TCP port that it listens at, at one address or at all; None for what listens elsewhere, or has a name that is not known."""
        name = self.name.rpartition(":")[2]
        if self.kind != INET:
            return None
        if name.isdigit():
            return int(name)
        try:
            return socket.getservbyname(name, "tcp")
        except OSError:
            return _PORTS.get(name)

    @property
    def reinjects(self) -> bool:
        """Whether it is there for a content filter on this machine, to give mail back: no client logs in here.

        It listens at the loopback alone, at a port of its own, and has an option of FILTER_README or SMTPD_PROXY_README.
        """
        host = self.name.rpartition(":")[0].strip("[]").lower()
        local = host in ("localhost", "::1") or host.startswith("127.")
        options = any(name in self.own for name in _FILTERED)
        return self.kind == INET and local and options and self.port not in _FOR_CLIENTS


class Instance:
    """One Postfix.

    Attributes:
        option: the configuration directory where it is not the default one, else None. config_dir: the directory, absolute.
        values: parameter -> value. named: the parameters that main.cf sets, as it is written there. unknown: name -> value of what main.cf or
        master.cf sets and no program asks for. services: all of master.cf, in its order.
    """

    def __init__(self, config_dir: str | None = None) -> None:
        """Ask it all.

        Raises:
            SiteConfigError: no Postfix here, or its configuration cannot be read.
        """
        self.option = config_dir and os.path.abspath(config_dir)
        text, complaints = postconf.ask(["-x"], self.option)
        self.values = _pairs(text)
        self.named = _pairs(postconf.ask(["-n"], self.option)[0])
        self.unknown = dict(_misspelt(complaints))
        self.config_dir = self.option or self.values[_CONFIG_DIRECTORY]
        self.services = self._services()

    def __getitem__(self, name: str) -> str:
        """Return the value of a parameter, "" where it is empty or this version has none of that name."""
        return self.value(name)

    def value(self, name: str) -> str:
        """Return the same."""
        return self.values.get(name, "")

    def written(self, name: str) -> str:
        """Return it as main.cf has it; a default, which nobody wrote, comes with its names replaced."""
        return self.named.get(name, self.value(name))

    def see_alone(self, name: str, service: Service | None = None) -> None:
        """See that an edit of parameter `name` changes one list alone: it is such a list, or named in one place.

        The same list of several services counts as one. The edit is one of main.cf, or of what `service` has of its own.

        Raises:
            SiteConfigError: it is named more than once.
        """
        values = dict(self.named)
        if service is not None and name in service.own:
            values.update(service.own)
        else:
            others = [one for one in self.services if name not in one.own]
            values.update({f"{one.label}/{key}": value for one in others for key, value in one.own.items()})
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
        found = {
            key: len(word.findall(value)) for key, value in values.items() if not key.endswith(restrictions.CLASSES)
        }
        uses = {key: times for key, times in found.items() if times}
        lists = {key.rpartition("/")[2] for key in uses}
        is_one = len(lists) == 1 and lists <= set(restrictions.LISTS) and max(uses.values()) == 1
        by_table = name in self.value(restrictions.CLASSES).replace(",", " ").split() and self._has_table()
        if name not in restrictions.LISTS and (by_table or (sum(uses.values()) > 1 and not is_one)):
            how = "which a map or a policy server may name" if by_table else "which is used more than once"
            reason = f"the word that decides stands in {name}, {how}"
            raise SiteConfigError(name, reason, remedy="change what uses it by hand, then run this again")

    def _has_table(self) -> bool:
        """Tell whether a map or a policy server decides in any list, or in what one names."""
        names = [*restrictions.ALL_LISTS, *self.value(restrictions.CLASSES).replace(",", " ").split()]
        sources: list[Parameters] = [self, *self.servers]
        return any(restrictions.asks(source, name) for source in sources for name in names)

    def _services(self) -> list[Service]:
        fields: dict[str, dict[str, str]] = {}
        for key, value in _pairs(postconf.ask(["-F"], self.option)[0]).items():
            service, field = key.rsplit("/", 1)
            fields.setdefault(service, {})[field] = value
        overrides, own = self._overrides(fields, "-xP"), self._overrides(fields, "-P")
        return [
            Service(service.rsplit("/", 1)[0], columns, overrides[service], own[service], self)
            for service, columns in fields.items()
        ]

    def _overrides(self, services: Iterable[str], how: str) -> dict[str, dict[str, str]]:
        """Return service -> parameter -> value of the -o options, as postconf tells them when it is asked by `how`."""
        found: dict[str, dict[str, str]] = {service: {} for service in services}
        for key, value in _pairs(postconf.ask([how], self.option)[0]).items():
            service, parameter = key.rsplit("/", 1)
            found[service][parameter] = value
        return found

    @property
    def servers(self) -> list[Service]:
        """The services that clients reach: smtpd itself, in the order of master.cf."""
        return [service for service in self.services if service.program == SMTPD]

    @property
    def jail(self) -> str:
        """The directory that a chrooted service sees as its root."""
        return self["queue_directory"]


def labels(services: Iterable[Service]) -> str:
    """Return services as they are told to people."""
    return ", ".join(service.label for service in services)


def defaults() -> dict[str, str]:
    """Return parameter -> value that it has where nothing sets it.

    Raises:
        SiteConfigError: no Postfix here.
    """
    return _pairs(postconf.ask(["-dx"])[0])


def server_types() -> list[str]:
    """Return the SASL implementations that smtpd was built with (`postconf -a`).

    Raises:
        SiteConfigError: no Postfix here.
    """
    return postconf.ask(["-a"])[0].split()


def follows(parameters: Parameters, name: str, other: str) -> bool:
    """Tell whether parameter `name`, as it is written, changes with `other`: it names it, or one that does."""
    return _names(parameters, name, other, set())


def _names(parameters: Parameters, name: str, other: str, seen: set[str]) -> bool:
    seen.add(name)
    named = set(_NAMED.findall(parameters.written(name)))
    return other in named or any(_names(parameters, one, other, seen) for one in named - seen)


def _pairs(text: str) -> dict[str, str]:
    """Return name -> value of lines `name = value`."""
    pairs = (line.partition(" =") for line in text.splitlines())
    return {name: value.strip() for name, equals, value in pairs if equals}


def _misspelt(complaints: list[str]) -> list[tuple[str, str]]:
    """Return (name, value) of each parameter that postconf says no program uses."""
    found = [line.partition(_MISPLACED)[2] for line in complaints if _MISPLACED in line]
    return [(name, value) for name, _, value in (pair.partition("=") for pair in found)]


def _level(parameters: dict[str, str]) -> float:
    """Return the compatibility level as a number: `3.6` is 3.6; 0 where it is none."""
    try:
        return float(parameters.get("compatibility_level", "0"))
    except ValueError:
        return 0.0
