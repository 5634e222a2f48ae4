"""Postfix as a client: login and password for a server elsewhere, in sasl_passwd, and per sender where that is wanted.

The tables are text files with a database that postmap makes; an entry is changed where it stands, and all other lines stay. Both files of
passwords are root's alone. Postfix opens them as root.

Source: Postfix 3.7, SASL_README ("sender-dependent"), DATABASE_README, postconf(5). Errors: BadName, BadPassword: what cannot stand in
such a table; SiteConfigError; those of `operations.steps`.
"""

from __future__ import annotations

import os

from sasldb.errors import BadName, BadPassword
from sasldb.files import content
from sasldb.files.ownership import Ownership
from sasldb.model.secret import Secret
from sasldb.operations.setup.planning import reloaded
from sasldb.operations.steps import FileStep, Plan
from sasldb.siteconf import control, maps
from sasldb.siteconf.scratch import Scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.operations.checks.site import Site

PASSWORDS, RELAYS = "smtp_sasl_password_maps", "sender_dependent_relayhost_maps"
_FILES = {
    PASSWORDS: "sasl_passwd",
    RELAYS: "sender_relay",
}  # in Postfix's configuration directory, as the howto names them
_PRIVATE, _PUBLIC = Ownership(0, 0, 0o600), Ownership(0, 0, 0o644)
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
        text = password.reveal()
        if not text or text.strip() != text or b"\n" in text or b"\0" in text or b"\r" in text:
            raise BadPassword(user, "empty, with a line end in it, or a blank at an end, which Postfix would cut off")
        self.nexthop = nexthop
        self.user = user
        self.password = password
        self.sender = sender

    @property
    def key(self) -> bytes:
        """What the password is looked up by."""
        return os.fsencode(self.sender or self.nexthop)

    @property
    def value(self) -> bytes:
        """Login and password, as the table has them."""
        return os.fsencode(self.user) + b":" + self.password.reveal()


def plan(site: Site, account: Account) -> Plan:
    """Return what it takes to log in with `account` from now on; the errors are those of the module."""
    made = Plan()
    kinds = {name: _table(site, name) for name in _FILES}
    _add_table(made, site, kinds[PASSWORDS], {account.key: account.value}, _PRIVATE)
    if account.sender:
        _add_table(made, site, kinds[RELAYS], {account.key: os.fsencode(account.nexthop)}, _PUBLIC)
    path = os.path.join(site.postfix.config_dir, "main.cf")
    with Scratch(site.postfix.config_dir) as scratch:
        scratch.set(_parameters(site, account, {name: f"{kind}:{file}" for name, (kind, file) in kinds.items()}))
        present = content.look(path)
        if present is not None:
            made.add(FileStep(path, scratch.contents()["main.cf"], present.ownership))
    if made.steps:
        made.after.append(lambda: reloaded(site))
    return made


def masked(text: bytes) -> bytes:
    """Return the text of a table of passwords without them."""
    return b"".join(map(_masked_line, text.splitlines(keepends=True)))


def entered(text: bytes, entries: dict[bytes, bytes]) -> bytes:
    """Return the text of a table with `entries` (key -> value): each where its key stands, or at the end.

    A logical line begins with a key and goes on over lines that begin with a blank (DATABASE_README).
    """
    outstanding = dict(entries)
    kept: list[bytes] = []
    inside = False  # a logical line that is replaced
    for line in text.splitlines(keepends=True):
        if line[:1].isspace() and line.strip():
            if not inside:
                kept.append(line)
            continue
        words = line.split(None, 1)
        key = words[0] if words and not line.startswith(b"#") else b""
        inside = key in entries
        if not inside:
            kept.append(line)
        elif key in outstanding:
            value = outstanding.pop(key)
            same = len(words) > 1 and words[1].rstrip() == value
            kept.append(line if same else b"%b\t%b\n" % (key, value))
    if kept and not kept[-1].endswith(b"\n"):
        kept[-1] += b"\n"
    return b"".join(kept + [b"%b\t%b\n" % pair for pair in outstanding.items()])


def _add_table(
    plan: Plan, site: Site, table: tuple[str, str], entries: dict[bytes, bytes], ownership: Ownership
) -> None:
    """Add the steps that bring `entries` into the table (kind, path) and what postmap makes of it."""
    kind, path = table
    present = content.look(path)
    text = FileStep(path, entered(present.content if present else b"", entries), ownership, mask=masked)
    plan.add(text)
    suffix = maps.suffix(kind)
    if suffix is None:
        return
    made = content.look(path + suffix)
    changed = present is None or present.content != text.after or maps.state(f"{kind}:{path}") != maps.CURRENT
    after = control.table(site.postfix, kind, text.after) if changed or made is None else made.content
    if after is not None:
        plan.add(FileStep(path + suffix, after, ownership, binary=True))


def _table(site: Site, name: str) -> tuple[str, str]:
    """Return (kind, path) of the first table of parameter `name` that is made from a text file, else of the usual one."""
    for word in site.postfix[name].replace(",", " ").split():
        kind, _, path = word.partition(":")
        if path.startswith("/") and (maps.suffix(kind) or kind == "texthash"):
            return kind, path
    return site.postfix["default_database_type"], os.path.join(site.postfix.config_dir, _FILES[name])


def _parameters(site: Site, account: Account, tables: dict[str, str]) -> dict[str, str]:
    """Return what is to be set in main.cf: passwords go out under TLS alone, where a mechanism would send them in the clear."""
    wanted = {"smtp_sasl_auth_enable": "yes", PASSWORDS: _listed(site, PASSWORDS, tables)}
    if "smtp_sasl_tls_security_options" not in site.postfix.named:
        wanted["smtp_sasl_tls_security_options"] = "noanonymous"
    if not site.postfix["smtp_tls_security_level"] and site.postfix["smtp_use_tls"] != "yes":
        wanted["smtp_tls_security_level"] = "may"
    if account.sender:
        wanted["smtp_sender_dependent_authentication"] = "yes"
        wanted[RELAYS] = _listed(site, RELAYS, tables)
    else:
        wanted["relayhost"] = account.nexthop
    return {name: value for name, value in wanted.items() if site.postfix.named.get(name, site.postfix[name]) != value}


def _listed(site: Site, name: str, tables: dict[str, str]) -> str:
    """Return the value of a parameter that lists tables, with ours in it."""
    present = site.postfix.named.get(name, "")
    if tables[name] in site.postfix[name].replace(",", " ").split():
        return present
    return ", ".join(part for part in (present, tables[name]) if part)


def _masked_line(line: bytes) -> bytes:
    words = line.split(None, 1)
    if line[:1].isspace() and words:
        return b"    ********\n"
    if len(words) < 2 or (line.startswith(b"#") and b":" not in words[1]):
        return line
    user, colon, _ = words[1].partition(b":")
    return b"%b\t%b:********\n" % (words[0], user) if colon else b"%b\t********\n" % words[0]
