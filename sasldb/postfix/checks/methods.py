"""Checks of how a password is verified: pwcheck_method, auxprop_plugin, the plug-ins, and mech_list.

Each function is a check of the table in `checks.table`: it returns the Problem or None, and raises Unseen.
Source: Cyrus SASL 2.1.28: pwcheck_method concerns PLAIN and LOGIN alone; all other mechanisms go to the auxprop plug-in whatever it says.
"""

from __future__ import annotations

from difflib import get_close_matches

from sasldb.libsasl import mechanisms, packages, saslauthd
from sasldb.postfix.checks import verifier
from sasldb.postfix.checks.finding import ERROR, Problem, WARNING
from sasldb.postfix.checks.guards import guarded
from sasldb.postfix.site import fixes
from sasldb.postfix.site.site import Site

_OBSOLETE = ("authdaemond", "pwcheck")  # verifiers of other programs, which no check here can try
_LIKENESS = 0.8  # of a misspelt mechanism to a real one; 1 is the same


def always_true(site: Site) -> Problem | None:
    """Look for the verifier that accepts every password."""
    if "alwaystrue" not in verifier.methods(site):
        return None
    why = "Where libsasl was built with it, every password lets everybody in."
    rest = [name for name in verifier.methods(site) if name != "alwaystrue"]
    remedy = fixes.conf_option(site, "pwcheck_method", " ".join(rest) or "auxprop")
    return Problem("pwcheck_method has alwaystrue in it", why, remedy)


def other_method(site: Site) -> Problem | None:
    """Look for passwords that are verified elsewhere, while the users are in a sasldb."""
    methods = verifier.methods(site)
    if "auxprop" in methods or verifier.deliberate(site):
        return None
    remedy = fixes.conf_option(site, "pwcheck_method", "auxprop")
    if "saslauthd" not in methods and not set(methods) & set(_OBSOLETE):
        return Problem(f"pwcheck_method: {' '.join(methods)}", "libsasl has no verifier of that name.", remedy)
    if not site.populated:
        return None
    seen = f"pwcheck_method: {' '.join(methods)}, and the users are in {site.database}"
    why = "PLAIN and LOGIN are verified there and not in the database."
    if "saslauthd" not in methods:
        return Problem(
            seen, f"{why} Whoever {methods[0]} knows cannot log in any more after this command.", remedy, safe=False
        )
    why += " saslauthd knows the users of the system, or of whatever its option -a names."
    if not verifier.answers(site):
        return Problem(seen, f"{why} It does not answer; whom it knows could not log in any more.", remedy, safe=False)
    if all(saslauthd.backend(f"{view.jail or ''}{verifier.socket(site)}") == saslauthd.SASLDB for view in site.views):
        return None
    why += " It answers, and whom it knows cannot log in any more after this command."
    return Problem(seen, why, remedy, WARNING, safe=False)


def other_plugin(site: Site) -> Problem | None:
    """Look for an auxprop_plugin that names others, or nothing that exists."""
    named = site.conf.words(b"auxprop_plugin")
    if named is None or "sasldb" in named:
        return None
    serving = verifier.other_stores(site)
    if serving and not site.populated:
        return None
    seen = f"auxprop_plugin: {' '.join(named)}"
    why = "libsasl asks the plug-ins of that name and no other, so the sasldb is never opened."
    remedy = fixes.conf_option(site, "auxprop_plugin", "sasldb")
    if not serving:
        return Problem(seen, why, remedy)
    seen += f", and there are users in {site.database}"
    why += f" {' and '.join(serving)} can be used: whoever is there cannot log in any more after this command."
    return Problem(seen, why, remedy, WARNING, safe=False)


def every_plugin(site: Site) -> Problem | None:
    """Look for a missing auxprop_plugin where other plug-ins would be asked too."""
    serving = verifier.other_stores(site)
    others = sorted(name for name in site.plugins if name in mechanisms.NEEDS and name not in serving)
    if site.conf.get(b"auxprop_plugin") is not None or not others or not site.uses_sasldb:
        return None
    seen = f"auxprop_plugin is not set, and {' and '.join(others)} are installed beside sasldb"
    why = "libsasl asks them all: each login is logged as an error of plug-ins that nobody has configured."
    remedy = fixes.conf_option(site, "auxprop_plugin", " ".join(["sasldb", *serving]))
    return Problem(seen, why, remedy, WARNING)


def sasldb_plugin(site: Site) -> Problem | None:
    """Look for a missing sasldb plug-in."""
    if "sasldb" in site.plugins or not site.uses_sasldb:
        return None
    seen = f"{site.plugin_directory}/libsasldb.so is missing, or no library"
    return _package(["sasldb"], seen, "Without this plug-in libsasl cannot open the database.")


def unknown_mechanism(site: Site) -> Problem | None:
    """Look for names in mech_list that are no mechanisms."""
    known = [*mechanisms.PLUGIN_OF, *mechanisms.WITHOUT_PASSWORD]
    listed = [_plain(name) for name in site.conf.words(b"mech_list") or []]
    strange = [name for name in listed if name not in known]
    if not strange:
        return None
    right = []
    for name in listed:
        right += [name] if name in known else get_close_matches(name.replace("_", "-"), known, 1, _LIKENESS)
    seen = f"mech_list: {strange[0]} is no mechanism"
    why = "libsasl ignores it, so it is not offered."
    value = " ".join(dict.fromkeys(right)) or "PLAIN LOGIN"
    problem = Problem(seen, why, fixes.conf_option(site, "mech_list", value))
    return guarded(site, problem, site.offering, value.split())


def mechanism_plugin(site: Site) -> Problem | None:
    """Look for mechanisms in mech_list, or PLAIN and LOGIN where there is none, whose plug-in is missing."""
    listed = [name.upper() for name in site.conf.words(b"mech_list") or ("plain", "login")]
    if site.uses_sasldb:  # `unservable` tells of these
        listed = [name for name in listed if name not in mechanisms.WITHOUT_PASSWORD]
    wanted = [mechanisms.PLUGIN_OF[name] for name in listed if name in mechanisms.PLUGIN_OF]
    absent = sorted({plugin for plugin in wanted if plugin not in site.plugins})
    if not absent:
        return None
    names = [name for name in listed if mechanisms.PLUGIN_OF.get(name) in absent]
    seen = f"{site.plugin_directory}/lib{absent[0]}.so is missing, or no library"
    return _package(absent, seen, f"{' and '.join(names)} cannot be offered.")


def unservable(site: Site) -> Problem | None:
    """Look for mechanisms that are offered, and that not every user can use with what is stored, or nobody with any sasldb."""
    if not site.uses_sasldb:
        return None
    listed = [_plain(name) for name in site.conf.words(b"mech_list") or []]
    beyond = [name for name in listed if name in mechanisms.WITHOUT_PASSWORD]
    if beyond:
        return _beyond(site, beyond, [name for name in listed if name not in beyond])
    offered = [name for name in site.mechanisms if name != "ANONYMOUS"]
    lacking = site.contents.lacking(offered)
    left = [name for name in offered if name not in lacking]
    if not lacking or verifier.other_stores(site):  # what those have stored is not known here
        return None
    first = next(iter(lacking))
    seen = f"{' '.join(lacking)} offered, but {lacking[first]} has nothing stored for {first}"
    why = "A client takes the mechanism that it likes best, and fails with this one whatever the password."
    if not left:
        return Problem.without_remedy(seen, why, "no mechanism serves all users: set their passwords anew.", WARNING)
    return Problem(seen, why, fixes.conf_option(site, "mech_list", " ".join(left)), WARNING)


def _beyond(site: Site, names: list[str], left: list[str]) -> Problem:
    """Return the problem of mechanisms that no sasldb can serve; `left` are the others of mech_list."""
    seen = f"mech_list: {' '.join(names)}, for which no sasldb can hold anything"
    why = "No password in a database lets anybody in by that, whatever is installed."
    value = " ".join(left) or "PLAIN LOGIN"
    problem = Problem(seen, why, fixes.conf_option(site, "mech_list", value), WARNING if left else ERROR)
    return guarded(site, problem, site.offering, value.split())


def _package(plugins: list[str], seen: str, why: str) -> Problem:
    remedy = packages.command(plugins)
    if remedy is None:
        return Problem.without_remedy(seen, why, "the packages of this distribution are not known here.")
    return Problem(seen, why, remedy, safe=False)


def _plain(name: str) -> str:
    """Return a mechanism's name as in the tables: in capitals, without the suffix for channel binding."""
    return name.upper().partition("-PLUS")[0]
