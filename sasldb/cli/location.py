"""Where a command works: the database and the realm that its options name, found out when they are first asked for.

See `operations.location` for the rules and the errors.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sasldb.cli.rendering import COMPLETE, tell

if TYPE_CHECKING:
    from sasldb.model.identity import UserId
    from sasldb.operations.cyrus import Site
    from sasldb.operations.location import Found
    from sasldb.policy.ownership import OwnershipOptions


class Location:
    """Where a command works: `path` of the database, and `realm` (None where none is named), both text."""

    __slots__ = ("_application", "_file", "_found", "_realm", "_realm_known", "_told")

    def __init__(self, file: str | None, application: str | None, realm: str | None = None) -> None:
        self._file = file
        self._application = application
        self._realm = realm
        self._realm_known = realm is None
        self._found: Found | None = None
        self._told = COMPLETE in os.environ  # a shell that completes a line has no place for sentences

    def _find(self) -> Found:
        if self._found is None:
            from sasldb.operations import location

            self._found = location.find(self._file, self._application, os.environb)
        return self._found

    @property
    def path(self) -> str:
        """The path of the database that is read; a doubt about it is said on standard error."""
        found = self._find()
        if found.doubt is not None and not self._told:
            self._told = True
            tell(f"{found.doubt.subject}: {found.doubt.reason}; reading the default, {found.path}")
        return found.path

    @property
    def to_change(self) -> str:
        """The path of the database that is changed; SiteConfigError where nothing says which one the application uses."""
        return self._find().to_change

    def serving(self, wishes: OwnershipOptions) -> OwnershipOptions:
        """Note in `wishes` whose group the database gets where it is made for an application, and return it."""
        from sasldb.operations import location

        return location.serving(wishes, self.to_change, self._application, os.environb)

    @property
    def realm(self) -> str | None:
        """The realm, the words `postfix` and `mydomain` replaced by what they stand for."""
        if not self._realm_known:
            from sasldb.operations import location

            self._realm = location.realm(self._realm)
            self._realm_known = True
        return self._realm

    def user(self, login: str, realm: bytes | None = None) -> UserId:
        """Return the user that `login` names; without an `@` in `realm`, else in the realm of this location, else in the host's."""
        from sasldb.operations import users

        return users.named(login, self.realm if realm is None or self._realm is not None else realm)

    @property
    def site(self) -> Site:
        """What libsasl's configuration of the application, and its plug-ins here, have it store."""
        from sasldb.operations import location

        return location.site(self._application, os.environb)
