"""Shell commands that mend, built so that they can be pasted as they are: every name quoted, Postfix's instance named where it is not the default.

Nothing is run here; see `postfix.checks.mending`. Errors: `SiteConfigError` of `edited`, where the administrator alone can tell
what to write.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from itertools import count
from shlex import quote

from sasldb.errors import SiteConfigError
from sasldb.files.names import group_name, user_name
from sasldb.policy.ownership import OwnershipOptions, PRIVATE
from sasldb.postfix.config import disclosure, restriction_lists, restrictions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.postfix.config.instance import Service
    from sasldb.postfix.site.site import Site


_MEANT = ("mynetworks", "mynetworks_style")  # whoever names them means them


def together(*commands: str) -> str:
    """Return `commands`, one run after the other as long as they succeed; empty ones are left out."""
    return " && ".join(command for command in commands if command)


def reload(site: Site) -> str:
    """Return the command that makes smtpd read everything anew; "" where Postfix does not run, or it is not Postfix."""
    if site.foreign:
        return ""
    return f"postfix{_instance(site)} reload" if site.master != 0 else ""


def main_cf(site: Site, name: str, value: str) -> str:
    """Return the command that sets a parameter in main.cf."""
    return f"postconf{_instance(site)} -e {quote(f'{name} = {value}'.rstrip())}"


def master_cf(site: Site, service: Service, name: str, value: str) -> str:
    """Return the command that sets a parameter for one service alone; the words of a list are joined by commas.

    postconf -P takes no blanks in a value (Postfix 3.7, observed), not even inside `{ }`.
    """
    return f"postconf{_instance(site)} -P {quote(f'{service.label}/{name}={joined(value)}')}"


def joined(value: str) -> str:
    """Return the list `value` without blanks between its words, where it has any."""
    return ",".join(word for _, word in restriction_lists.split(value)) if value.split()[1:] else value.strip()


def removal(site: Site, name: str) -> str:
    """Return the command that takes a parameter out of main.cf."""
    return f"postconf{_instance(site)} -X {quote(name)}"


def service_removal(site: Site, service: Service, name: str) -> str:
    """Return the command that takes a service's own value of a parameter away."""
    return f"postconf{_instance(site)} -PX {quote(f'{service.label}/{name}')}"


def command(site: Site, service: Service, text: str) -> str:
    """Return the command that makes `text` what a service runs, with its arguments."""
    return f"postconf{_instance(site)} -F {quote(f'{service.label}/command={text}')}"


def setting(site: Site, name: str, wrong: Callable[[Service], bool], right: Callable[[str], str]) -> str:
    """Return the commands that turn parameter `name` from a value into `right(value)`, wherever a service that is `wrong` has it from.

    What a service that asks Dovecot has from main.cf stays there.
    """
    services = [service for service in site.offering if wrong(service)]
    shared = any(name not in service.overrides for service in site.asking_others)
    commands = []
    if not shared and any(name not in service.overrides for service in services):
        commands.append(main_cf(site, name, right(site.postfix[name])))
    for service in services:
        if shared or name in service.overrides:
            commands.append(master_cf(site, service, name, right(service.value(name))))
    return together(*commands, reload(site))


def edited(site: Site, services: Iterable[Service], edit: Callable[[Service], restriction_lists.Edit | None]) -> str:
    """Return the commands that edit what `services` have, each in main.cf, or in master.cf where it has a value of its own.

    A service for which that cannot be done is left out; it will be found again, alone.

    Raises:
        SiteConfigError: it can be done for none. The parameter serves other lists as well, or postconf cannot write it.
    """
    commands: dict[tuple[str, str], str] = {}
    failure: SiteConfigError | None = None
    for service in services:
        try:
            name, text = edit(service) or ("", "")
            if name not in ("", *_MEANT):
                site.postfix.see_alone(name, service)
            value = written(service, name, text)
            _demand_no_secret(site, name, value)
        except SiteConfigError as error:
            failure = failure or error
            continue
        if name in service.own:
            commands[service.label, name] = master_cf(site, service, name, value)
        elif name:
            commands.setdefault(("", name), main_cf(site, name, value))
    if failure and not commands:
        raise failure
    return together(*commands.values(), reload(site))


def _demand_no_secret(site: Site, name: str, value: str) -> None:
    """See that no command gets a value that may be a secret: it is shown, and others see it among the processes."""
    classes = site.postfix[restrictions.CLASSES].replace(",", " ").split()
    if name and not disclosure.may_be_shown(name, value, classes):
        raise SiteConfigError(name, f"{name} has a value that may be a secret, which belongs in no command")


def written(service: Service, name: str, text: str) -> str:
    """Return the list `text` as postconf can write it for parameter `name`: in main.cf as it is, in master.cf without blanks.

    Raises:
        SiteConfigError: blanks inside `{ }` cannot go.
    """
    if name not in service.own:
        return text
    if joined(text).split()[1:]:
        reason = f"postconf cannot write {name} of {service.label}, for it has blanks inside {{ }}"
        raise SiteConfigError(name, reason, remedy="edit master.cf by hand, then run this again")
    return joined(text)


def postmap(site: Site, kind: str, path: str) -> str:
    """Return the command that makes a table from its text."""
    return f"postmap{_instance(site)} {quote(f'{kind}:{path}')}"


def sender_login_maps(site: Site) -> str:
    """Return the command that generates the sender login map anew; smtpd sees by itself that the table has changed."""
    database = f" -f {quote(site.named)}" if site.named else ""
    return f"sasldb postfix sender-login-maps{_instance(site)}{database}"


def conf_option(site: Site, key: str, value: str) -> str:
    """Return the commands that set `key` in the conf file that smtpd reads."""
    path = quote(site.conf.path)
    if site.conf.get(key.encode()) is None:
        return together(f"printf '\\n%s\\n' {quote(f'{key}: {value}')} >> {path}", reload(site))
    script = f"s|^[ \\t]*{key}[ \\t]*:.*|{key}: {_replacement(value)}|I"
    return together(f"sed -i --follow-symlinks {quote(script)} {path}", reload(site))


def conf_lines(site: Site, scripts: list[str]) -> str:
    """Return the commands that apply sed `scripts` to the conf file that smtpd reads."""
    expressions = " ".join(f"-e {quote(script)}" for script in scripts)
    return together(f"sed -i --follow-symlinks {expressions} {quote(site.conf.path)}", reload(site))


def new_conf(site: Site, path: str) -> str:
    """Return the command that writes a conf file for sasldb."""
    lines = "".join(f" {quote(line)}" for line in site.good_conf())
    return f"printf '%s\\n'{lines} > {quote(path)}"


def new_database(site: Site, path: str) -> str:
    """Return the command that makes an empty database, for the program that is looked at."""
    application = f" -a {quote(site.application)}" if site.foreign else ""
    return f"sasldb init{application} -f {quote(path)}"


def copy(site: Site, source: str, target: str) -> str:
    """Return the command that copies a database into the jail, with owner and mode, and the directories on the way.

    A file that is there is kept beside it, for root alone; a link is not followed. Whoever could read what was there still can.
    """
    owned = _owned(site, target)
    if os.path.islink(target) or not os.path.isfile(target) or os.path.getsize(target) == 0:
        return f"install -D {owned} {quote(source)} {quote(target)}"
    suffix = _free_suffix(target)
    install = f"install --backup=simple --suffix={suffix} {owned} {quote(source)} {quote(target)}"
    return together(install, f"chown root:root {quote(target + suffix)}", f"chmod 0600 {quote(target + suffix)}")


def _owned(site: Site, target: str) -> str:
    """Return the options of install for owner, group and mode of a copy at `target`."""
    group, mode = site.group, PRIVATE
    if os.path.isfile(target) and not os.path.islink(target):
        after = OwnershipOptions(reader=site.user).due_for_root(os.path.realpath(target), os.stat(target))
        group, mode = group_name(after.gid), after.mode
        if after.uid != 0:
            return f"-o {quote(user_name(after.uid))} -g {quote(group)} -m {mode:04o}"
    return f"-o root -g {quote(group)} -m {mode:04o}"


def link(name: str, path: str) -> str:
    """Return the command that makes `name` a link to the file `path`; what was there is kept beside it."""
    return together(f"mv {quote(name)} {quote(name + _free_suffix(name))}", f"ln -s {quote(path)} {quote(name)}")


def _free_suffix(path: str) -> str:
    suffixes = (f".old{number if number > 1 else ''}" for number in count(1))
    return next(suffix for suffix in suffixes if not os.path.lexists(path + suffix))


def _instance(site: Site) -> str:
    return f" -c {quote(site.option)}" if site.option else ""


def _replacement(value: str) -> str:
    """Return `value` so that sed puts it in as it is."""
    return value.replace("\\", "\\\\").replace("&", "\\&").replace("|", "\\|")
