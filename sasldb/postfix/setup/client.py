"""Postfix as a client: login and password for a server elsewhere, in sasl_passwd, and per sender where that is wanted.

The tables are text files with a database that postmap makes; an entry is changed where it stands, and all other lines stay. Both files of
passwords are root's alone. Postfix opens them as root; behind `proxy:` it is proxymap that opens them, which has become Postfix's user.

Source: Postfix 3.7, SASL_README ("sender-dependent"), DATABASE_README, postconf(5). Errors: BadName, BadPassword: what cannot stand in
such a table; SiteConfigError; those of `postfix.setup.steps`.
"""

from __future__ import annotations

import os

from sasldb.errors import BadName, BadPassword, SiteConfigError
from sasldb.files import content
from sasldb.model.secret import Secret
from sasldb.postfix.config import control, disclosure, maps
from sasldb.postfix.config.nexthop import Nexthop, is_host
from sasldb.postfix.config.restriction_lists import split
from sasldb.postfix.config.scratch import Scratch
from sasldb.postfix.setup.client_tables import FILES, PASSWORDS, PROXY, RELAYS, Table, entered
from sasldb.postfix.setup.planning import reloaded
from sasldb.postfix.setup.steps import FileStep, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.postfix.site.site import Site

_WRAPPER, _LEVEL, _WRAPPED = "smtp_tls_wrappermode", "smtp_tls_security_level", 465
_ENCRYPTING = ("encrypt", "dane-only", "fingerprint", "verify", "secure")
_PLAIN = frozenset(map(chr, range(0x21, 0x7F))) - frozenset('"#,')


class Account:
    """A login elsewhere: the server as `nexthop` (`[mail.isp.example]:submission`), `user`, `password`, and whose mail goes there.

    `sender` is an address whose mail alone is meant; None means all mail.
    """

    def __init__(self, nexthop: str, user: str, password: Secret, sender: str | None = None) -> None:
        """Take it.

        Raises:
            BadName, BadPassword: it cannot stand in a table.
        """
        for name in (nexthop, user, sender):
            if name is not None and (not name or not _PLAIN.issuperset(name)):
                raise BadName(ascii(name), "not a name that can stand in a table of Postfix")
        if ":" in user:
            raise BadName(user, "a colon, which ends the login in this table")
        if user.startswith("["):
            raise BadName(user, "a server, not a user", "name the server first, then the user there")
        if sender is not None and not _is_address(sender):
            raise BadName(
                ascii(sender), "not an address", "name it as user@example.com, or a whole domain as @example.com"
            )
        text = password.reveal()
        if not text or text.strip() != text or b"\n" in text or b"\0" in text or b"\r" in text:
            raise BadPassword(user, "empty, with a line end in it, or a blank at an end, which Postfix would cut off")
        self.nexthop = Nexthop(nexthop)
        self.user = user
        self.password = password
        self.sender = sender

    @property
    def key(self) -> bytes:
        """What the password is looked up by."""
        return os.fsencode(self.sender or self.nexthop.name)

    @property
    def value(self) -> bytes:
        """Login and password, as the table has them."""
        return os.fsencode(self.user) + b":" + self.password.reveal()


def plan(site: Site, account: Account) -> Plan:
    """Return what it takes to log in with `account` from now on; the errors are those of the module."""
    made = Plan()
    tables = {name: Table(site, name) for name in FILES}
    _add_table(made, site, tables[PASSWORDS], {account.key: account.value})
    if account.sender:
        _add_table(made, site, tables[RELAYS], {account.key: os.fsencode(account.nexthop.name)})
    path = os.path.join(site.postfix.config_dir, "main.cf")
    with Scratch(site.postfix.config_dir) as scratch:
        scratch.set(_parameters(site, account, {name: table.name for name, table in tables.items()}))
        present = content.look(path)
        if present is not None:
            made.add(FileStep(path, scratch.contents()["main.cf"], present.ownership, show=disclosure.main_cf))
    if made.steps:
        made.after.append(lambda: reloaded(site))
    return made


def _add_table(plan: Plan, site: Site, table: Table, entries: dict[bytes, bytes]) -> None:
    """Add the steps that bring `entries` into the table and what postmap makes of it."""
    present = content.look(table.path)
    ownership = table.owned(present)
    text = FileStep(table.path, entered(present.content if present else b"", entries), ownership, show=table.show)
    plan.add(text)
    suffix = maps.suffix(table.kind)
    if suffix is None:
        return
    made = content.look(table.path + suffix)
    changed = present is None or present.content != text.after or maps.state(table.name) != maps.CURRENT
    after = control.table(site.postfix, table.kind, text.after, table.path) if changed or made is None else made.content
    if after is not None:
        plan.add(FileStep(table.path + suffix, after, table.owned(made), binary=True))


def _is_address(sender: str) -> bool:
    """Tell whether smtp may look up `sender`: an address, or the domain of one behind an @."""
    return "@" in sender and is_host(sender.rpartition("@")[2])


def _parameters(site: Site, account: Account, tables: dict[str, str]) -> dict[str, str]:
    """Return what is to be set in main.cf: passwords go out under TLS alone, where a mechanism would send them in the clear."""
    wanted = {"smtp_sasl_auth_enable": "yes", PASSWORDS: _listed(site, PASSWORDS, tables)}
    if "smtp_sasl_tls_security_options" not in site.postfix.named:
        wanted["smtp_sasl_tls_security_options"] = "noanonymous"
    if not site.postfix[_LEVEL] and site.postfix["smtp_use_tls"] != "yes":
        wanted[_LEVEL] = "may"
    wanted.update(_wrapped(site, account))
    if account.sender:
        wanted["smtp_sender_dependent_authentication"] = "yes"
        wanted[RELAYS] = _listed(site, RELAYS, tables)
    else:
        wanted["relayhost"] = account.nexthop.name
    return {name: value for name, value in wanted.items() if site.postfix.named.get(name, site.postfix[name]) != value}


def _wrapped(site: Site, account: Account) -> dict[str, str]:
    """Return what is to be set so that TLS comes before SMTP where the server wants it so, at port 465 (RFC 8314), and there alone.

    Raises:
        SiteConfigError: mail goes to other servers as well, and smtp has one setting for all.
    """
    wraps = account.nexthop.port == _WRAPPED
    if wraps == (site.postfix[_WRAPPER].lower() == "yes"):
        return {}
    if account.sender or site.postfix[RELAYS]:
        reason = f"holds for every server, and port {_WRAPPED} wants it otherwise than the others"
        raise SiteConfigError(_WRAPPER, reason, remedy="name port 587, if that server has it")
    level = site.postfix[_LEVEL].lower()
    secured = {} if level in _ENCRYPTING or not wraps else {_LEVEL: "encrypt"}
    return {_WRAPPER: "yes" if wraps else "no", **secured}


def _listed(site: Site, name: str, tables: dict[str, str]) -> str:
    """Return the value of a parameter that lists tables, with ours in it: in front, for the first that answers is heeded.

    smtp looks passwords up by the name of the host before it does by the nexthop, so static: would answer first from any place.

    Raises:
        SiteConfigError: there is a table that answers everything.
    """
    present = site.postfix.named.get(name, "")
    words = [word for _, word in split(site.postfix[name])]
    if any(map(_is_static, words)):
        reason = "static: answers everything there, so that no entry of a table would be used"
        raise SiteConfigError(name, reason, remedy="take static: out of it in main.cf, then run this again")
    return present if tables[name] in words else ", ".join(part for part in (tables[name], present) if part)


def _is_static(word: str) -> bool:
    return word.removeprefix(PROXY).startswith("static:")
