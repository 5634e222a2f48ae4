"""Which database is meant: the order of the places, and nothing of one that comes later."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sasldb.errors import SiteConfigError
from sasldb.operations import location
from tests.conftest import Commands
from tests.real.namespace import PrivateEtc


@pytest.fixture
def environment(tmp_path: Path) -> dict[bytes, bytes]:
    """Return an environment whose libsasl knows the applications named, other and broken."""
    (tmp_path / "named.conf").write_text("pwcheck_method: auxprop\nsasldb_path: /srv/named.db\n")
    (tmp_path / "other.conf").write_text("mech_list: PLAIN\n")
    (tmp_path / "broken.conf").write_text("sasldb_path /srv/named.db\n")
    return {b"SASL_CONF_PATH": str(tmp_path).encode()}


@pytest.mark.parametrize(
    "file, application, variable, path",
    [
        ("given.db", "named", b"variable.db", "given.db"),
        ("given.db", "broken", None, "given.db"),
        (None, "named", b"variable.db", "variable.db"),
        (None, None, b"\xff.db", "\udcff.db"),
        (None, "named", None, "/srv/named.db"),
        (None, "named", b"", "/srv/named.db"),
        ("", "named", None, ""),
        (None, "other", None, location.default()),
        (None, "absent", None, location.default()),
        (None, None, None, location.default()),
    ],
)
def test_order(
    environment: dict[bytes, bytes], file: str | None, application: str | None, variable: bytes | None, path: str
) -> None:
    """-f comes before SASLDB_PATH, that before the application's sasldb_path, that before the default; an empty variable is unset, an empty -f stays one."""
    if variable is not None:
        environment[b"SASLDB_PATH"] = variable
    assert location.database(file, application, environment) == path


@pytest.mark.parametrize("application", ["broken", "../named", "x" * 5000])
def test_bad_application(environment: Mapping[bytes, bytes], application: str) -> None:
    """A configuration that does not parse, and a name that is none, are errors and not the default database."""
    with pytest.raises(SiteConfigError):
        location.database(None, application, environment)


@pytest.mark.parametrize(
    "present, answer",
    [
        ("", b"/etc/sasldb2"),
        ("sasldb2", b"/etc/sasldb2"),
        ("sasl2/sasldb2", b"/etc/sasl2/sasldb2"),
        ("sasldb2 sasl2/sasldb2", b"/etc/sasldb2"),
    ],
    ids=["none", "first", "second", "both"],
)
def test_default(private_etc: PrivateEtc, commands: Commands, present: str, answer: bytes) -> None:
    """/etc/sasl2/sasldb2 is the default only where it exists and /etc/sasldb2 does not."""
    private_etc.run("sh", "-c", "rm -f /etc/sasldb2 /etc/sasl2/sasldb2; mkdir -p /etc/sasl2; cd /etc; : >sasl2/x")
    for name in present.split():
        private_etc.run("touch", f"/etc/{name}")
    message = private_etc.run(commands.sasldb, "list").stderr
    assert message.startswith(b"sasldb: " + answer + b": ")


@pytest.mark.parametrize("name", [None, "", "example.com", "Postfix", "mydomain.example"])
def test_names_that_are_no_words(name: str | None) -> None:
    """Any realm but the two words stands for itself."""
    assert location.realm(name) == name


SETUP = """
set -e
rm -rf /etc/sasldb2 /etc/sasl2 /etc/postfix/sasl /etc/postfix/*.cf
mkdir -p /etc/sasl2 /etc/postfix/sasl /run/own
cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf; cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
getent group memcache >/dev/null || echo memcache:x:1803: >> /etc/group
getent passwd memcache >/dev/null || echo memcache:x:1803:1803::/:/bin/false >> /etc/passwd
getent passwd cyrus >/dev/null || echo cyrus:x:1802:8::/:/bin/false >> /etc/passwd
echo "sasldb_path: /etc/memcached-sasldb2" > /etc/sasl2/memcached.conf
for name in imap unheard libvirt; do echo "sasldb_path: /etc/$name.db" > /etc/sasl2/$name.conf; done
echo "mech_list: plain" > /etc/sasl2/slapd.conf
"""


@pytest.fixture
def host(private_etc: PrivateEtc, postfix_parts: None) -> PrivateEtc:
    """Return a host with Postfix and other applications of libsasl."""
    done = private_etc.run("sh", "-c", SETUP)
    assert done.returncode == 0, done.stderr
    return private_etc


def shell(host: PrivateEtc, commands: Commands, script: str) -> tuple[int, str, str]:
    """Run a script with the commands in PATH; return exit status, output and errors."""
    folder = str(Path(commands.sasldb).parent)
    done = host.run("sh", "-c", f"PATH={folder}:$PATH; {script}")
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    "command",
    [
        "init -a memcacheed",
        "add --generate -a memcacheed bob@example.com",
        "add --generate --dry-run -a memcacheed bob@example.com",
        "delete -a memcacheed bob@example.com",
        "passwd --generate -a memcacheed bob@example.com",
        "rename-realm -a memcacheed a b",
        "harden -a memcacheed --all",
        "echo '{}' | sasldb apply -a memcacheed -",
    ],
)
def test_an_application_without_a_configuration_file(host: PrivateEtc, commands: Commands, command: str) -> None:
    """Nothing is written for an application of which no configuration file says which database it uses; the message says where one could be."""
    command = command if command.startswith("echo") else f"sasldb {command}"
    status, output, errors = shell(
        host, commands, f"sasldb init >/dev/null; sha256sum /etc/sasldb2 > /run/own/sum; {command}"
    )
    assert (status, output) == (3, "")
    assert errors.startswith(
        "sasldb: memcacheed.conf: nothing says which database memcacheed uses: there is no /etc/sasl2/memcacheed.conf, no "
    )
    assert "-f /etc/sasldb2" in errors and len(errors.splitlines()) == 1
    assert shell(host, commands, "sha256sum -c --quiet /run/own/sum && ls /etc/memcach*")[:2] == (2, "")


def test_reading_for_an_application_without_a_configuration_file(host: PrivateEtc, commands: Commands) -> None:
    """What is read then is the default database, which is said."""
    printf = "printf x | saslpasswd2 -p -c -u example.com bob; "
    status, output, errors = shell(host, commands, printf + "sasldb list -a memcacheed")
    assert (status, output) == (0, "bob@example.com\n")
    assert errors.startswith("sasldb: memcacheed.conf: nothing says which database memcacheed uses: ")
    assert errors.endswith("; reading the default, /etc/sasldb2\n")
    assert shell(host, commands, "sasldb list -a memcacheed -f /etc/sasldb2") == (0, "bob@example.com\n", "")


def test_smtpd_without_a_configuration_file(host: PrivateEtc, commands: Commands) -> None:
    """For smtpd the default is what it opens as it is installed; with a file in Postfix's own directory that file counts."""
    assert shell(host, commands, "sasldb init -a smtpd") == (0, "made /etc/sasldb2, root:postfix 0640\n", "")
    assert shell(host, commands, "sasldb list -a smtpd") == (0, "", "")
    named = "echo 'sasldb_path: /etc/postfix/users.db' > /etc/postfix/sasl/smtpd.conf; sasldb init -a smtpd"
    assert shell(host, commands, named) == (0, "made /etc/postfix/users.db, root:postfix 0640\n", "")
    other = "echo 'sasldb_path: /etc/postfix/other.db' > /etc/postfix/sasl/submission.conf; sasldb init -a submission"
    assert shell(host, commands, other) == (0, "made /etc/postfix/other.db, root:postfix 0640\n", "")


@pytest.mark.parametrize(
    "application, path, owner",
    [
        ("memcached", "/etc/memcached-sasldb2", "root:memcache"),
        ("imap", "/etc/imap.db", "root:mail"),
        ("libvirt", "/etc/libvirt.db", "root:root"),
    ],
)
@pytest.mark.parametrize("command", ["init", "add", "saslpasswd2"])
def test_a_new_database_of_another_application(
    host: PrivateEtc, commands: Commands, application: str, path: str, owner: str, command: str
) -> None:
    """It belongs to the group of the user as which that service runs, and never to postfix."""
    script = {
        "init": f"sasldb init -a {application}",
        "add": f"sasldb add --generate -a {application} bob@example.com",
        "saslpasswd2": f"printf x | saslpasswd2 -p -c -a {application} -u example.com bob",
    }[command]
    status, _, errors = shell(host, commands, script)
    assert status == 0 and "group" not in errors
    assert shell(host, commands, f"stat -c '%U:%G %a' {path}")[1] == f"{owner} 640\n"


@pytest.mark.parametrize("command", ["sasldb init", "sasldb add --generate"])
def test_a_new_database_of_an_application_whose_user_nobody_knows(
    host: PrivateEtc, commands: Commands, command: str
) -> None:
    """It belongs to the group of the process, and one line says so; --group names another, and then nothing is said."""
    script = f"{command} -a unheard" + ("" if "init" in command else " bob@example.com")
    said = "/etc/unheard.db: group root, because nobody knows as which user unheard runs; --group or SASLDB_GROUP names another"
    status, _, errors = shell(host, commands, script)
    assert status == 0 and [line.partition(": ")[2] for line in errors.splitlines() if "group" in line] == [said]
    assert shell(host, commands, "stat -c '%U:%G %a' /etc/unheard.db")[1] == "root:root 640\n"
    assert (
        "nobody knows"
        not in shell(host, commands, f"rm /etc/unheard.db; SASLDB_GROUP=memcache; export SASLDB_GROUP; {script}")[2]
    )
    assert shell(host, commands, "stat -c '%U:%G %a' /etc/unheard.db")[1] == "root:memcache 640\n"


def test_the_unit_of_a_service_says_its_user(host: PrivateEtc, commands: Commands) -> None:
    """User= of a unit, in a drop-in file too, comes before the user that packages make."""
    unit = "mkdir -p /etc/systemd/system/unheard.service.d; cd /etc/systemd/system; printf '[Service]\nUser=%s\n'"
    assert shell(host, commands, f"{unit} cyrus > unheard.service; sasldb init -a unheard")[1].endswith(
        "root:mail 0640\n"
    )
    script = f"{unit} memcache > unheard.service.d/10-user.conf; rm /etc/unheard.db; sasldb init -a unheard"
    assert shell(host, commands, script)[1].endswith("root:memcache 0640\n")


def test_the_default_database_made_for_another_application(host: PrivateEtc, commands: Commands) -> None:
    """A configuration without sasldb_path means the default database: made for slapd it is slapd's, and a change later leaves it so."""
    users = "getent passwd openldap || { echo openldap:x:1806:1806::/:/bin/false >> /etc/passwd; echo openldap:x:1806: >> /etc/group; }"
    assert shell(host, commands, f"({users}) >/dev/null; sasldb init -a slapd")[1].endswith("root:openldap 0640\n")
    errors = shell(host, commands, "printf x | saslpasswd2 -p -c -u example.com bob")[2]
    assert "usermod -a -G openldap postfix" in errors
    assert shell(host, commands, "stat -c '%U:%G %a' /etc/sasldb2")[1] == "root:openldap 640\n"


def test_the_drop_in_for_an_application_whose_user_nobody_knows(host: PrivateEtc, commands: Commands) -> None:
    """saslpasswd2 gives the file to the group of the process, as Cyrus's does, and says no more than that one: it is in the system log."""
    make = "printf x | saslpasswd2 -p -c -a unheard bob@example.com"
    assert shell(host, commands, f"{make}; stat -c '%U:%G %a' /etc/unheard.db") == (0, "root:root 640\n", "")
