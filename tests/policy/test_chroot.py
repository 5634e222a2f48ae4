"""Where the copy of a default database lies: by main.cf, for default databases alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sasldb.policy import chroot

FIRST, SECOND = chroot.DEFAULT_DATABASES


@pytest.mark.parametrize(
    "text, directory",
    [
        (None, "/var/spool/postfix"),
        ("myhostname = a\n", "/var/spool/postfix"),
        ("queue_directory = /srv/queue/\n", "/srv/queue"),
        ("queue_directory = $data_directory/queue\n", None),
        ("queue_directory = queue\n", None),
    ],
)
def test_where_the_copy_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, directory: str | None
) -> None:
    """A default database has its copy below the queue directory, if that is known; no other database has one."""
    monkeypatch.setattr(chroot, "MAIN_CF", str(tmp_path / "main.cf"))
    if text is not None:
        (tmp_path / "main.cf").write_text(text)
    assert chroot.queue_directory() == directory
    for database in (FIRST, SECOND):
        assert chroot.copy_of(database) == (None if directory is None else directory + database)
    assert chroot.copy_of("/srv/db") is None
    places = dict.fromkeys(("/var/spool/postfix", directory or "/var/spool/postfix"))
    assert chroot.governed() == [FIRST, SECOND, *(place + name for place in places for name in (FIRST, SECOND))]
