"""Checks of the restrictions that decide whether mail is taken: after a login yes, from strangers to foreign domains no.

Each function is a check of the table in `checks.table`. How smtpd goes through restrictions is known to `postfix.config.restrictions`. A remedy
puts a word in, and keeps all that the administrator wrote.
Source: Postfix 3.7, SMTPD_ACCESS_README and postconf(5).
"""

from __future__ import annotations

import ipaddress

from sasldb.errors import SiteConfigError
from sasldb.files import reading
from sasldb.postfix.checks.finding import ERROR, Problem, THROTTLED, WARNING
from sasldb.postfix.config import maps, restriction_edits, restriction_lists, restrictions
from sasldb.postfix.config.instance import Service
from sasldb.postfix.config.restriction_lists import Edit, Word
from sasldb.postfix.config.restrictions import LOGIN, NEIGHBOUR, RECIPIENT, REFUSE, RELAY, STRANGER, Step, USER
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site

_NETWORKS, _STYLE = "mynetworks", "mynetworks_style"
_LOOPBACK = "127.0.0.0/8, [::1]/128"
_WIDEST = {4: 8, 6: 16}  # IP version -> bits; a network with fewer holds a good part of the Internet
# What nobody on the Internet has for an address: RFC 1918, 3927, 4193, 4291 and the loopback.
_WITHIN = "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 127.0.0.0/8 fc00::/7 fe80::/10 fec0::/10 ::1/128"
_OURS = tuple(ipaddress.ip_network(network) for network in _WITHIN.split())


def refused(site: Site) -> Problem | None:
    """Look for restrictions that refuse a user who has logged in."""
    problems = [problem for name in restrictions.LISTS if (problem := _refused_by(site, name))]
    mended = next((problem for problem in problems if problem.remedy), None)
    return mended or next(iter(sorted(problems, key=lambda problem: problem.severity != ERROR)), None)


def demanded(site: Site) -> Problem | None:
    """Look for restrictions without any that protects from relaying: smtpd refuses to take mail then."""
    services = [service for service in site.servers if not restrictions.works(service)]
    if not services:
        return None
    seen = f"neither {RELAY} nor {RECIPIENT} of {services[0].label} has reject_unauth_destination or the like"
    why = f"smtpd ends with an error rather than relay for everybody. {THROTTLED}"
    return _protected(site, services, seen, why)


def open_relay(site: Site) -> Problem | None:
    """Look for restrictions that let strangers send mail to foreign domains, with AUTH or without it."""
    services = [service for service in site.servers if restrictions.refusal(service, STRANGER) is None]
    if not services:
        return None
    seen = f"{RELAY} = {services[0].value(RELAY)} for {services[0].label}, and no other restriction refuses strangers"
    why = "Strangers may send mail to everybody through this host, without a login: an open relay."
    return _protected(site, services, seen, why)


def wide_networks(site: Site) -> Problem | None:
    """Look for a mynetworks so wide that a login is not needed."""
    for service in site.servers:
        if restrictions.refusal(service, NEIGHBOUR) is not None or restrictions.refusal(service, STRANGER) is None:
            continue
        for word in restriction_lists.words(service, _NETWORKS):
            entry = wide_entry(word.text)
            if entry:
                return _too_wide(site, service, word, entry)
        if _NETWORKS not in (*service.own, *site.postfix.named) and service.value(_STYLE) == "class":
            public = [word for _, word in restriction_lists.split(service.value(_NETWORKS)) if _is_public(word)]
            if public:
                seen = f"{_STYLE} = class makes {public[0]} part of {_NETWORKS}, and permit_mynetworks lets it relay"
                remedy = fixes.edited(site, [service], lambda _: Edit(_STYLE, "subnet"))
                return Problem(seen, _STRANGERS, remedy)
    return None


_STRANGERS = "Who is in mynetworks needs no login; this network takes in strangers."


def wide_entry(word: str) -> str:
    """Return what in the entry `word` of mynetworks takes in strangers: the word, or a line of the file that it names; "" for nothing."""
    if word.startswith("!"):
        return ""
    if not word.startswith("/"):
        network = _public(word)
        wide = network is not None and network.prefixlen < _WIDEST[network.version]
        return word if wide or word.startswith("static:") else ""
    try:
        text = reading.text(word)
    except OSError:
        return ""
    lines = [line for line in text.split("\n") if not line.lstrip().startswith("#")]
    inner = [entry for _, entry in restriction_lists.split(" ".join(lines)) if not entry.startswith("/")]
    return next((entry for entry in inner if wide_entry(entry)), "")


def _refused_by(site: Site, name: str) -> Problem | None:
    """Return the problem of the list `name` of some services, None where it refuses no user."""
    chosen = {one: step for one in site.offering if (step := restrictions.deciding(one, name))}
    wrong = {one: restrictions.verdict(one, name, USER) for one in site.offering if one not in chosen}
    found = [(one, step) for one, (outcome, step) in wrong.items() if outcome == REFUSE and step is not None]
    if not found:
        unseen = [(one, step) for one, step in chosen.items() if not _permits(site, step)]
        return _not_looked_at(name, *unseen[0]) if unseen else None
    seen = f"{name} of {found[0][0].label} refuses by {found[0][1].name} whoever has logged in"
    why = "A login is of use only where permit_sasl_authenticated comes before what refuses."
    try:
        services = [one for one, _ in found]
        return Problem(seen, why, fixes.edited(site, services, lambda one: restriction_edits.admitting(one, name)))
    except SiteConfigError as error:
        return Problem.without_remedy(seen, why, f"{error.reason}.")


def _permits(site: Site, step: Step) -> bool:
    """Tell whether the map of a step permits somebody, as far as that can be seen: then it was written to choose who may relay."""
    table = maps.plain(step.argument)
    kind, _, answer = table.partition(":")
    values = [answer.strip("{}")] if kind == "static" else [value for _, value in maps.listed(table, site.option) or []]
    return any(_is_permission(value.lower().split()) for value in values)


def _is_permission(words: list[str]) -> bool:
    return bool(words) and (words[0] in ("ok", "relay", "permit", LOGIN) or (words[0].isdigit() and not words[1:]))


def _not_looked_at(name: str, service: Service, step: Step) -> Problem:
    """Return what is said of a list that only lets logins pass if a map or a policy server permits them."""
    what = restrictions.described(step)
    seen = f"{name} of {service.label} rejects logged-in users unless {what} permits them, and that was not looked at"
    why = "If it permits none, a login is of no use there."
    reason = f"{what} is your decision; to let all users relay, add permit_sasl_authenticated to the list."
    return Problem.without_remedy(seen, why, reason, WARNING)


def _protected(site: Site, services: list[Service], seen: str, why: str) -> Problem:
    try:
        return Problem(seen, why, fixes.edited(site, services, lambda one: restriction_edits.protecting(one, RELAY)))
    except SiteConfigError as error:
        return Problem.without_remedy(seen, why, f"{error.reason}.")


def _too_wide(site: Site, service: Service, word: Word, entry: str) -> Problem:
    seen = f"{_NETWORKS} has {entry} in it, and permit_mynetworks lets it relay"
    if entry != word.text:
        seen = f"{word.text}, which {_NETWORKS} names, has {entry} in it, and permit_mynetworks lets it relay"
        return Problem.without_remedy(seen, _STRANGERS, f"take {entry} out of {word.text}, and reload Postfix.")
    if word.place is None:
        return Problem.without_remedy(seen, _STRANGERS, f"it is the outcome of a ${{...}} expression in {_NETWORKS}.")
    name = word.place.parameter
    rest = restriction_lists.without(service.written(name), word.place)
    try:
        remedy = fixes.edited(site, [service], lambda _: Edit(name, rest or _LOOPBACK))
    except SiteConfigError as error:
        return Problem.without_remedy(seen, _STRANGERS, f"{error.reason}.")
    return Problem(seen, _STRANGERS, remedy)


def _is_public(network: str) -> bool:
    """Tell whether a network as postconf shows it (`[fd00::]/64`) is of addresses that others on the Internet have."""
    parsed = _public(network)
    return parsed is not None and parsed.num_addresses > 1


def _public(word: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the network that a word of mynetworks is, None where it is none, or one of addresses that only neighbours can have."""
    try:
        parsed = ipaddress.ip_network(word.replace("[", "").replace("]", ""), strict=False)
    except ValueError:
        return None
    return None if any(_is_part(parsed, ours) for ours in _OURS) else parsed


def _is_part(
    network: ipaddress.IPv4Network | ipaddress.IPv6Network, of: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> bool:
    if network.version != of.version or network.prefixlen < of.prefixlen:
        return False
    return network.network_address in of
