"""Read, write and manage sasldb2, the user database of Cyrus SASL.

    import sasldb

    with sasldb.edit("/etc/sasldb2") as db:  # locked; everything or nothing, at the end of the block
        db.set_password("alice@example.com", b"secret")
    with sasldb.open("/etc/sasldb2") as db:  # a consistent snapshot
        for account in db:
            print(account.user, sorted(account.properties))

The public names are loaded when they are first used, so that a command pays only for what it needs.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sasldb.errors import SasldbError as SasldbError
    from sasldb.model.account import Account as Account
    from sasldb.model.identity import UserId as UserId
    from sasldb.model.secret import Secret as Secret
    from sasldb.model.verdict import Outcome as Outcome, Verdict as Verdict
    from sasldb.store.editing import Editor as Editor, edit as edit
    from sasldb.store.reading import Database as Database

    open = Database

_HOMES = {
    "Account": ("sasldb.model.account", "Account"),
    "Database": ("sasldb.store.reading", "Database"),
    "Editor": ("sasldb.store.editing", "Editor"),
    "Outcome": ("sasldb.model.verdict", "Outcome"),
    "SasldbError": ("sasldb.errors", "SasldbError"),
    "Secret": ("sasldb.model.secret", "Secret"),
    "UserId": ("sasldb.model.identity", "UserId"),
    "Verdict": ("sasldb.model.verdict", "Verdict"),
    "edit": ("sasldb.store.editing", "edit"),
    "errors": ("sasldb.errors", ""),
    "open": ("sasldb.store.reading", "Database"),
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """Load a public name from its home; AttributeError for any other."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(home[0])
    return getattr(module, home[1]) if home[1] else module


def __dir__() -> list[str]:
    return sorted(_HOMES)
