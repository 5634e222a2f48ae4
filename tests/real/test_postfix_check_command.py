"""The command sasldb postfix check itself, on a real Postfix: its output, --fix, and what is left of it without root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Require, lacking
from tests.real import libsasl_smtp
from tests.real.faults.fault import NO_TLS, OK
from tests.real.faults.methods import SQL
from tests.real.faults.postfix import DOVECOT, NO_AUTH
from tests.real.faults.users import GENERATE, GENERATED
from tests.real.faulty import PASSWORD, USER, FaultyPostfix
from tests.real.postfix import REALM

CHECK = 'sasldb postfix check -c "$CONFIG" '
NOBODY = "setpriv --reuid nobody --regid nogroup --clear-groups "
TWO_FAULTS = 'option "mech_list: PLAIN CRAMMD5"; chmod 0644 "$SEEN"'


@pytest.fixture(scope="module")
def postfix(postfix_parts: None, require: Require, public_bin: str) -> Iterator[FaultyPostfix]:
    """Yield a chrooted Postfix that may be broken."""
    require("namespace", "unshare", "nsenter", "setpriv", "script")
    require("postfix", "openssl")
    try:
        instance = FaultyPostfix(True, public_bin)
    except OSError as error:
        lacking("namespace", str(error))
    with instance:
        yield instance


def test_json(postfix: FaultyPostfix) -> None:
    """It is one object of findings and passed checks; a finding has exactly its five values, and the exit status is 1."""
    postfix.break_by(TWO_FAULTS)
    done = postfix.shell(CHECK + "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr, list(report)) == (1, b"", ["findings", "passed"])
    assert [finding["name"] for finding in report["findings"]] == ["mechanism-unknown", "database-exposed"]
    for finding in report["findings"]:
        assert list(finding) == ["name", "severity", "seen", "why", "remedy"]
    assert set(report["passed"]) & {"mechanism-unknown", "database-exposed"} == set() and len(report["passed"]) > 50


def test_text(postfix: FaultyPostfix) -> None:
    """For people findings stand under headings, each with what was seen, why it matters and what to run; colours are for a terminal."""
    postfix.break_by(TWO_FAULTS)
    lines = postfix.shell(CHECK).stdout.decode().splitlines()
    assert [line for line in lines if not line.startswith(" ")][:2] == ["Mechanisms and plug-ins", "Database"]
    at = lines.index("  error    database-exposed")
    assert lines[at + 1].strip() == f"{postfix.seen} is root:postfix 0644"
    assert lines[at + 3].strip() == f"run: chown root:postfix {postfix.seen} && chmod 0640 {postfix.seen}"
    assert lines[-2].startswith("2 found, ") and lines[-1].endswith(f"which is {postfix.seen} in its chroot")
    on_terminal = f"script -qc '{CHECK}' /dev/null"
    assert b"\x1b[31m" in postfix.shell(on_terminal, TERM="xterm").stdout
    assert b"\x1b[" not in postfix.shell(on_terminal, TERM="xterm", NO_COLOR="1").stdout


def test_fix_asks(postfix: FaultyPostfix) -> None:
    """Each remedy is shown before it is asked for; no is no, also at the end of standard input, and yes mends."""
    postfix.break_by(TWO_FAULTS)
    done = postfix.shell(CHECK + "--fix --json", stdin=b"no\ny\n")
    shown = done.stderr.decode()
    assert shown.index("to mend it: sed ") < shown.index("run it? [y/N]") < shown.index("to mend it: chown ")
    assert [finding["name"] for finding in json.loads(done.stdout)["findings"]] == ["mechanism-unknown"]
    assert [f["name"] for f in json.loads(postfix.shell(CHECK + "--fix --json").stdout)["findings"]] == [
        "mechanism-unknown"
    ]


def test_fix_mends_what_hides_behind_another(postfix: FaultyPostfix) -> None:
    """With --yes it goes on until nothing more can be mended safely, and the login works."""
    postfix.break_by('sed -i "1s/:/ /" "$CONF"; option "auxprop_plugin: sql"; rm "$SEEN"')
    done = postfix.shell(CHECK + "--fix --yes")
    mended = [line.split(": ")[1] for line in done.stderr.decode().splitlines() if "to mend it" not in line]
    assert mended == ["conf-malformed", "auxprop-plugin", "chroot-copy-missing"]
    assert done.stdout.startswith(b"0 found, ") and done.returncode == 0
    assert postfix.login() == OK


def test_fix_needs_no_path(postfix: FaultyPostfix) -> None:
    """The commands that mend are found, also where the caller's PATH is that of a user, or leads to other programs of their names."""
    postfix.break_by(
        TWO_FAULTS + "; mkdir /etc/elsewhere; cp /bin/false /etc/elsewhere/sed; cp /bin/false /etc/elsewhere/chown"
    )
    done = postfix.shell(f'PATH="/etc/elsewhere:${{PATH%%:*}}:/usr/bin:/bin"; {CHECK} --fix --yes')
    assert (done.returncode, postfix.login()) == (0, OK), done.stderr


def test_fix_generates_the_owners_anew(postfix: FaultyPostfix) -> None:
    """A new user can send after it, and a line that was written into the generated map is not taken away."""
    new = 'printf %s "$PASSWORD" | saslpasswd2 -p -c -u example.com bob; cp -p "$DB" "$SEEN"'
    postfix.break_by(f"{GENERATED} {GENERATE}; {new}")
    assert postfix.relay("bob", "bob@example.com") == 553
    done = postfix.shell(CHECK + "--fix --yes")
    assert done.returncode == 0 and done.stdout.startswith(b"0 found, "), done.stderr
    assert postfix.relay("bob", "bob@example.com") == 250
    postfix.break_by(f'{GENERATED} {GENERATE}; echo "a@example.com alice" >> "$CONFIG/sasldb_sender_logins"; {new}')
    postfix.shell('postmap -c "$CONFIG" "hash:$CONFIG/sasldb_sender_logins"')
    done = postfix.shell(CHECK + "--fix --yes")
    assert done.returncode == 1 and b"left: sender-login-map-outdated, for you to decide\n" in done.stderr
    assert postfix.shell('grep -c a@ "$CONFIG/sasldb_sender_logins"').stdout == b"1\n"


LEFT = {
    "realm": "main smtpd_sasl_local_domain=example.org",
    "database-format": 'echo text > "$SEEN"; cp "$SEEN" "$DB"; chown root:postfix "$DB"; chmod 0640 "$DB"',
    "sasl-type": 'main smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth; touch "$JAIL/private/auth"',
    "auth-disabled": "main smtpd_sasl_auth_enable=no",
    "auth-disabled, and nobody prepared for it": NO_AUTH + 'rm "$CONF" "$DB" "$SEEN"',
    "submission-auth-disabled": 'postconf -c "$CONFIG" -M "127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd -o smtpd_sasl_auth_enable=no"',
    "auth-keyword-discarded": 'postconf -c "$CONFIG" -M "127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd -o smtpd_discard_ehlo_keywords=auth"',
    "parameter-misspelt": "main smtpd_sasl_auth_enabled=no",
    "parameter-misspelt, and its right name would take over TLS": 'main smtpd_tls_chain_file="$CONFIG/cert.pem"',
    "parameter-unknown": "main smtpd_sasl_application_name=smtpd",
    "auxprop-plugin": SQL,
    "pwcheck-method": 'mkdir -p "$JAIL/etc/elsewhere"; saslauthd -a shadow -m "$JAIL/etc/elsewhere" -n 1 >/dev/null 2>&1; '
    'option "pwcheck_method: saslauthd"; option "saslauthd_path: /etc/elsewhere/mux"',
    "pwcheck-method, and saslauthd does not answer": 'option "pwcheck_method: saslauthd"',
    "saslauthd-unreachable": 'mkdir "$JAIL/etc/elsewhere"; option "pwcheck_method: saslauthd"; option "mech_list: PLAIN LOGIN"; '
    'option "saslauthd_path: /etc/elsewhere/mux"',
    "sasl-type, and Dovecot is away": 'main smtpd_sasl_type=dovecot smtpd_sasl_path=private/auth; rm -f "$JAIL/private/auth" "$DB" "$SEEN"',
    "sasl-type-mixed": DOVECOT.replace("auth", "none"),
    "plaintext-without-tls": NO_TLS,
    "database-elsewhere": 'option "sasldb_path: /etc/sasl2/sasldb2"',
}


@pytest.mark.parametrize("name", LEFT)
def test_fix_leaves_alone_what_is_not_safe(postfix: FaultyPostfix, name: str) -> None:
    """What would set a database aside, or take over what may serve people, is not run: it is shown, and left to the administrator."""
    postfix.break_by(LEFT[name])
    files = 'find "$CONFIG" /etc/sasldb2* "$SEEN" -type f -exec sha256sum {} +'
    before = postfix.shell(files).stdout
    done = postfix.shell(CHECK + "--fix --yes")
    lines = [line.strip() for line in done.stdout.decode().splitlines()]
    assert (done.returncode, done.stderr) == (
        1,
        f"sasldb: left: {name.partition(',')[0]}, for you to decide\n".encode(),
    )
    at = lines.index("To be decided by you, and never run by --fix:")
    assert lines[at + 1].startswith("run: ") and sum(line.startswith("run: ") for line in lines) == 1
    assert postfix.shell(files).stdout == before


def test_dovecot_in_use_is_a_warning_where_no_sasldb_has_users(postfix: FaultyPostfix) -> None:
    """Where all services ask Dovecot and there are users in a sasldb, that is an error; without them it is what somebody may mean."""
    for change, severity in ((":", "error"), ('rm "$DB" "$SEEN"', "warning")):
        postfix.break_by(f"main smtpd_sasl_type=dovecot smtpd_sasl_path=inet:127.0.0.1:9; {change}")
        findings = json.loads(postfix.shell(CHECK + "--json").stdout)["findings"]
        assert [(finding["name"], finding["severity"]) for finding in findings] == [("sasl-type", severity)]


def test_the_services_that_ask_cyrus_are_looked_at(postfix: FaultyPostfix) -> None:
    """Dovecot on another port hides nothing, and what it has from main.cf stays as it is."""
    there = DOVECOT + '; touch "$JAIL/private/auth"; '
    postfix.break_by(there + TWO_FAULTS)
    done = postfix.shell(CHECK + "--json")
    assert [one["name"] for one in json.loads(done.stdout)["findings"]] == ["mechanism-unknown", "database-exposed"]
    inherited = there.replace("-o smtpd_sasl_path=private/auth", "") + "main smtpd_sasl_path=private/auth"
    postfix.break_by(inherited)
    (finding,) = json.loads(postfix.shell(CHECK + "--json").stdout)["findings"]
    assert finding["name"] == "sasl-path"
    assert f"-P 127.0.0.1:{postfix.port}/inet/smtpd_sasl_path=smtpd" in finding["remedy"]
    assert "smtpd_sasl_path = " not in finding["remedy"]


def test_fix_says_what_it_left(postfix: FaultyPostfix) -> None:
    """What was refused, and what no command can mend, is told with the reason; so is a command that failed."""
    postfix.break_by(
        'option "mech_list: PLAIN CRAMMD5"; printf "%s\\n\\n" "$PASSWORD" | saslpasswd2 -p -f "$SEEN" -u example.com alice; cp "$SEEN" "$DB"'
    )
    done = postfix.shell(CHECK + "--fix", stdin=b"n\n")
    left = [line.partition("left: ")[2] for line in done.stderr.decode().splitlines() if "left: " in line]
    assert left == [
        "mechanism-unknown, as you said",
        "password-odd, for no command can mend it",
    ]
    postfix.break_by(
        'option "mech_list: PLAIN CRAMMD5"; chattr +i "$CONFIG/sasl" 2>/dev/null || mount --bind -o ro "$CONFIG/sasl" "$CONFIG/sasl"'
    )
    done = postfix.shell(CHECK + '--fix --yes; umount -l "$CONFIG/sasl" 2>/dev/null || chattr -i "$CONFIG/sasl"')
    assert b"left: mechanism-unknown, for its command failed" in done.stderr


@pytest.mark.parametrize("app", ["../smtpd", "/etc/smtpd", "", ".", ".."])
def test_an_application_is_a_name(postfix: FaultyPostfix, app: str) -> None:
    """What would lead out of the directories of conf files is a wrong call."""
    done = postfix.shell(CHECK + f"--app '{app}'")
    assert (done.returncode, done.stdout) == (2, b"") and b"the name of an application" in done.stderr


@pytest.mark.parametrize("later", ["$SEEN", "$DB"])
def test_fix_loses_no_user_of_the_jail(postfix: FaultyPostfix, later: str) -> None:
    """Users who exist in the jail alone are told, with the command that compares; --fix overwrites nothing, whatever was changed last."""
    add = 'printf x | saslpasswd2 -p -c -f "$SEEN" -u example.com dora; printf y | saslpasswd2 -p -c -f "$DB" -u example.com bob; '
    postfix.break_by(f'{add}touch -d "1 minute ago" "$DB" "$SEEN"; touch "{later}"')
    before = postfix.shell('cat "$SEEN"').stdout
    done = postfix.shell(CHECK + "--fix --yes --json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["name"], finding["remedy"]) == ("chroot-copy-stale", None)
    assert done.stderr == b"sasldb: left: chroot-copy-stale, for no command can mend it\n"
    assert "dora@example.com is in " in finding["why"]
    assert postfix.shell('cat "$SEEN"').stdout == before
    compare = finding["why"].rpartition("run: ")[2]
    compared = postfix.shell(compare)
    assert (compared.returncode, compared.stderr) == (1, b"") and b"bob@example.com" in compared.stdout


def test_fix_keeps_what_it_overwrites(postfix: FaultyPostfix) -> None:
    """A copy that fell behind is kept beside the new one, for root alone; an earlier one that was kept stays."""
    behind = 'printf x | saslpasswd2 -p -c -f "$DB" -u example.com {}; chmod 0644 "$SEEN"; '
    postfix.break_by(behind.format("bob"))
    for user in ("carol", "dora"):
        assert postfix.shell(behind.format(user) + CHECK + "--fix --yes").stdout.startswith(b"0 found")
    kept = postfix.shell('cd "$JAIL/etc"; stat -c "%n %U:%G %a" *; sasldb list -f sasldb2.old2 | sort').stdout.decode()
    assert kept.splitlines() == [
        "sasldb2 root:postfix 640",
        "sasldb2.old root:root 600",
        "sasldb2.old2 root:root 600",
        *(f"{user}@example.com" for user in ("alice", "bob", "carol")),
    ]
    assert postfix.login() == OK


@pytest.mark.parametrize("later", ["$SEEN", "$DB"])
def test_fix_decides_on_no_password(postfix: FaultyPostfix, later: str) -> None:
    """Where database and copy have different passwords, nothing is overwritten unasked; a command is shown where the copy was written first."""
    postfix.break_by(f'printf new | saslpasswd2 -p -f "$SEEN" -u example.com alice; touch "{later}"')
    before = postfix.shell('cat "$SEEN"').stdout
    (finding,) = json.loads(postfix.shell(CHECK + "--fix --yes --json").stdout)["findings"]
    assert (finding["name"], finding["remedy"] is None) == ("chroot-copy-stale", later == "$SEEN")
    assert "hat is stored for alice@example.com differs" in finding["why"]
    assert postfix.shell('cat "$SEEN"').stdout == before


def test_fix_takes_no_group_from_another_program(postfix: FaultyPostfix) -> None:
    """A database whose group others are in keeps that group; that smtpd becomes a member of it is for people to decide, except of sasl."""
    postfix.break_by('chown root:mail "$DB"; chmod 0664 "$DB"')
    assert postfix.shell(CHECK + "--fix --yes").returncode == 0  # it has a copy for itself, and no need of that group
    assert postfix.shell('stat -c "%G %a" "$DB"').stdout == b"mail 660\n"
    postfix.break_by('chown root:mail "$DB"; chmod 0644 "$DB"; postconf -c "$CONFIG" -F "*/inet/chroot=n"')
    done = postfix.shell(CHECK + "--fix --yes --json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert finding["name"] == "database-exposed"
    assert done.stderr == b"sasldb: left: database-exposed, for you to decide\n"
    assert finding["remedy"].startswith(f"usermod -a -G mail postfix && chmod o-rwx {postfix.database} && postfix ")
    assert "makes postfix a member of group mail" in finding["why"]
    assert postfix.shell('stat -c "%G %a" "$DB"').stdout == b"mail 644\n"


def test_one_time_passwords_that_were_used_up_in_the_copy(postfix: FaultyPostfix) -> None:
    """When smtpd has written to the copy, no remedy puts the old state back, which would let a used password in again: the two become one file."""
    postfix.break_by('option "mech_list: PLAIN OTP"; main smtpd_tls_auth_only=no; chmod 0660 "$DB" "$SEEN"')
    attempts = [("OTP", f"{USER}@{REALM}", REALM, PASSWORD)]
    assert libsasl_smtp.logins(postfix.port, attempts) == [OK]
    for later in ('touch "$SEEN"', 'touch "$DB"'):
        report = json.loads(postfix.shell(f"{later}; {CHECK} --json").stdout)
        finding = next(finding for finding in report["findings"] if finding["name"] == "chroot-copy-stale")
        assert finding["severity"] == "warning" and finding["remedy"].endswith(f"&& ln -s {postfix.seen} /etc/sasldb2")
    postfix.mend(finding["remedy"])
    names = [finding["name"] for finding in json.loads(postfix.shell(CHECK + "--json").stdout)["findings"]]
    assert names == ["plaintext-without-tls"]
    postfix.shell("printf x | saslpasswd2 -p -c -u example.com bob; chmod 0660 $SEEN")
    assert libsasl_smtp.logins(postfix.port, [*attempts, ("OTP", f"bob@{REALM}", REALM, "x")]) == [OK, OK]


def test_users_are_to_be_made_in_the_database(postfix: FaultyPostfix) -> None:
    """Where nobody is in the copy that smtpd reads, users are to be made in the database itself, and it is said how the copy follows."""
    postfix.break_by('rm "$DB" "$SEEN"; sasldb init -f "$DB"; cp -a "$DB" "$SEEN"')
    (finding,) = json.loads(postfix.shell(CHECK + "--json").stdout)["findings"]
    command = finding["why"].partition("make them: ")[2]
    assert command.startswith("saslpasswd2 -c -f /etc/sasldb2 -u REALM USER && install ")
    command = (
        command.replace("saslpasswd2 ", "saslpasswd2 -p ").replace("REALM", "example.com").replace("USER", "alice")
    )
    postfix.shell(f'printf %s "$PASSWORD" | {command}')
    assert postfix.login() == OK


def test_two_services_that_see_the_database_in_two_ways(postfix: FaultyPostfix) -> None:
    """Where one smtpd is chrooted and another is not, what is wrong with the file of the latter is an error as well, mended from the copy."""
    second = '; postconf -c "$CONFIG" -M "127.0.0.1:submission/inet=127.0.0.1:submission inet n - n - - smtpd"'
    faults = {': > "$DB"': "database-empty", 'echo text > "$DB"': "database-format", 'rm "$DB"': "database-missing"}
    for fault, name in faults.items():
        postfix.break_by(fault + second)
        (finding,) = json.loads(postfix.shell(CHECK + "--json").stdout)["findings"]
        assert (finding["name"], finding["severity"]) == (name, "error")
        assert (
            postfix.mend(finding["remedy"]) == ""
            and json.loads(postfix.shell(CHECK + "--json").stdout)["findings"] == []
        )
    postfix.break_by('rm "$DB"; sasldb init -f "$DB"' + second)
    (finding,) = json.loads(postfix.shell(CHECK + "--json").stdout)["findings"]
    assert (finding["name"], finding["remedy"]) == ("chroot-copy-stale", None)


def test_what_is_named_and_not_there(postfix: FaultyPostfix) -> None:
    """A database that is not there is an error, and of a configuration the check says what cannot be read."""
    postfix.break_by(":")
    done = postfix.shell(CHECK + "-f /etc/none")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"", b"sasldb: /etc/none: no such file\n")
    done = postfix.shell("sasldb postfix check -c /etc/none")
    assert done.returncode == 1 and b"its configuration cannot be read: " in done.stdout
    assert b"open /etc/none/main.cf: No such file" in done.stdout


def test_yes_alone_is_a_wrong_call(postfix: FaultyPostfix) -> None:
    """--yes without --fix is refused, and so is a configuration directory without Postfix in it told as a fault."""
    assert postfix.shell(CHECK + "--yes").returncode == 2
    done = postfix.shell("sasldb postfix check -c /nowhere --json")
    assert [finding["name"] for finding in json.loads(done.stdout)["findings"]] == ["main-cf"]


def test_without_root_what_cannot_be_seen_is_told(postfix: FaultyPostfix) -> None:
    """Another user than root learns what could not be seen, once each, and all else is checked; nothing is called right unseen."""
    postfix.break_by(":")
    done = postfix.shell(NOBODY + CHECK + "--json")
    report = json.loads(done.stdout)
    told = {finding["name"]: finding["severity"] for finding in report["findings"]}
    hidden = ("database-unreadable", "tls-certificate", "postfix-stopped")
    assert (told, done.returncode) == (dict.fromkeys(hidden, "unseen"), 1)
    unseen = {
        "database-unreadable",
        "database-damaged",
        "database-no-users",
        "realm",
        "mechanism-unservable",
        "reload-due",
    }
    assert unseen & set(report["passed"]) == set()
    assert {"auth-disabled", "conf-malformed", "mechanism-plugin", "database-exposed", "open-relay"} <= set(
        report["passed"]
    )


def test_without_root_a_setup_is_shown(postfix: FaultyPostfix) -> None:
    """With --dry-run setup says what it could not see, a database or a conf, and shows the rest."""
    setup = f'{NOBODY}sasldb postfix setup -c "$CONFIG" --dry-run'
    for change, unseen in ((":", postfix.database), ('chmod 0600 "$CONF"', postfix.conf)):
        postfix.break_by(f"main smtpd_sasl_auth_enable=no; {change}")
        done = postfix.shell(setup)
        assert done.returncode == 0, done.stderr
        assert b"left out, for it could not be seen: " + unseen.encode() in done.stderr
        assert b"+smtpd_sasl_auth_enable = yes" in done.stdout


def test_without_root_faults_are_found(postfix: FaultyPostfix) -> None:
    """What another user can see is found; a conf that only root can read is told as not seen, and nothing is made up from it."""
    postfix.break_by(TWO_FAULTS)
    names = [f["name"] for f in json.loads(postfix.shell(NOBODY + CHECK + "--json").stdout)["findings"]]
    assert {"mechanism-unknown", "database-exposed"} <= set(names)
    postfix.break_by(TWO_FAULTS + '; chmod 0600 "$CONF"')
    names = [f["name"] for f in json.loads(postfix.shell(NOBODY + CHECK + "--json").stdout)["findings"]]
    assert names == ["conf-unreadable", "tls-certificate", "postfix-stopped"]


def test_without_root_a_hidden_key_is_not_called_missing(postfix: FaultyPostfix) -> None:
    """A key in a directory that only root may enter, as Debian's /etc/ssl/private, is told as not seen; a certificate that is gone is found."""
    hide = 'mkdir -m 0710 "$CONFIG/private"; mv "$CONFIG/key.pem" "$CONFIG/private/"; main "smtpd_tls_key_file=$CONFIG/private/key.pem"'
    postfix.break_by(hide)
    assert postfix.login() == OK
    for change, severity in ("", "unseen"), ('; rm "$CONFIG/cert.pem"', "error"):
        postfix.break_by(hide + change)
        report = json.loads(postfix.shell(NOBODY + CHECK + "--json").stdout)
        (finding,) = [finding for finding in report["findings"] if finding["name"] == "tls-certificate"]
        assert finding["severity"] == severity and ("no such file" in finding["seen"]) == (severity == "error")


START_AND_WAIT = f"""
import time
from tests.real.faulty import FaultyPostfix
with FaultyPostfix(False, {str(ROOT / "bin")!r}) as instance:
    print(instance.home, flush=True)
    time.sleep(60)
"""


def test_nothing_is_left_of_a_killed_test(postfix: FaultyPostfix) -> None:
    """When the test process is killed, the Postfix to be broken ends, and its directory goes."""
    child = subprocess.Popen([sys.executable, "-c", START_AND_WAIT], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert child.stdout is not None
    home = Path(child.stdout.readline().strip())
    assert home.is_dir() and home != postfix.home
    child.kill()
    child.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (home.exists() or working_in(home)):
        time.sleep(0.05)
    assert not home.exists() and working_in(home) == []


def working_in(home: Path) -> list[str]:
    """Return the processes whose working directory is below `home`."""
    return [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and str(home) in _cwd(entry)]


def _cwd(entry: Path) -> str:
    try:
        return os.readlink(entry / "cwd")
    except OSError:
        return ""


def test_fix_takes_the_database_from_no_owner(postfix: FaultyPostfix) -> None:
    """A database that a service owns stays its own after --fix; one that is smtpd's user's becomes root's, if smtpd does not write to it."""
    postfix.break_by('chown games "$SEEN"; chmod 0640 "$SEEN"')
    done = postfix.shell(CHECK + "--fix --yes --json")
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["name"], finding["remedy"]) == ("database-owner", f"chown root {postfix.seen}")
    assert "games could do less with it then" in finding["why"]
    assert postfix.shell('stat -c "%U:%G %a" "$SEEN"').stdout == b"games:postfix 640\n"
    postfix.break_by('chown postfix "$SEEN"; chmod 0600 "$SEEN"')
    assert postfix.shell(CHECK + "--fix --yes").returncode == 0
    assert postfix.shell('stat -c "%U:%G %a" "$SEEN"').stdout == b"root:postfix 640\n"


@pytest.mark.parametrize("fault", ["stale", "damaged"])
def test_what_is_made_anew_lets_the_same_people_in(postfix: FaultyPostfix, fault: str) -> None:
    """A copy, and a database, that are put in place of one which another server reads by its group have that group and mode again."""
    shared = 'usermod -a -G sasl games; usermod -a -G sasl postfix; {}; chown root:sasl "$SEEN"; chmod 0660 "$SEEN"'
    spoil = {
        "stale": 'printf old | saslpasswd2 -p -f "$SEEN" -u example.com alice; touch "$DB"',
        "damaged": 'echo text > "$SEEN"; cp "$SEEN" "$DB"; chown root:sasl "$DB"; chmod 0660 "$DB"',
    }[fault]
    postfix.break_by(shared.format(spoil))
    (finding,) = json.loads(postfix.shell(CHECK + "--json").stdout)["findings"]
    assert postfix.mend(finding["remedy"]) == ""
    owners = postfix.shell('stat -c "%U:%G %a" "$SEEN" "$DB"').stdout.decode().splitlines()
    assert owners == (["root:sasl 660", "root:postfix 640"] if fault == "stale" else ["root:sasl 660"] * 2)


def test_fix_lets_no_group_write(postfix: FaultyPostfix) -> None:
    """That smtpd may write for one-time passwords is for people to decide where others are in the group: they could write as well."""
    otp = 'option "mech_list: PLAIN OTP"; main smtpd_tls_auth_only=no; rm "$DB"; ln -s "$SEEN" "$DB"; '
    shared = 'usermod -a -G sasl games; usermod -a -G sasl postfix; chown root:sasl "$SEEN"; chmod 0640 "$SEEN"'
    postfix.break_by(otp + shared)
    findings = json.loads(postfix.shell(CHECK + "--fix --yes --json").stdout)["findings"]
    (finding,) = [finding for finding in findings if finding["name"] == "database-read-only"]
    assert "So could all of group sasl then." in finding["why"]
    assert postfix.shell('stat -c "%G %a" "$SEEN"').stdout == b"sasl 640\n"
