"""A Postfix whose directory has a name that no administrator would choose, for remedies to be tried on; it does not run.

What looks like its master is a sleeping process of that name, so that remedies reload it. Remedies are run with stand-ins for all programs,
which write down the words that they are called with.
"""

from __future__ import annotations

import shlex

from tests.real.faulty import _FUNCTIONS, _RESTORE, FaultyPostfix

# No blank, at which Postfix itself would cut the name of a table, and nothing that sed would be told differently.
# A dollar sign cannot be in there: Postfix would replace what follows it.
WORD = """o'd";`>M`"""
INNER = "o;`>M`d"  # of the database, where quotes would be those of the conf
PIECES = ("o'd", "o;", "`>M`")
_PROGRAMS = (
    """apt-get cat chgrp chmod chown cp install ln mkdir mktemp mv postconf postfix postmap rm saslpasswd2 sasldb sed
    service test touch usermod""".split()
)
_PREPARE = """
mkdir -p "$JAIL/pid" "$HOME_/programs" "$HOME_/here"
cp /bin/sleep "$HOME_/master"
"$HOME_/master" 100000 </dev/null >/dev/null 2>&1 &
echo $! > "$JAIL/pid/kept"
for name in {}; do
    printf '#!/bin/sh\\nprintf "%%s\\\\0" "${{0##*/}}" "$@" >> "$RECORD"\\n' > "$HOME_/programs/$name"
    chmod 0755 "$HOME_/programs/$name"
done
for name in mv mkdir; do # what comes behind needs their work
    echo "exec /bin/$name \\"\\$@\\"" >> "$HOME_/programs/$name"
done
"""
# What faults do with a running Postfix is left out, but that it is stopped. Old files, for which postconf does not wait.
_HERE = """
main() {
    for setting; do postconf -c "$CONFIG" -e "$setting" 2>/dev/null; touch -d '1 minute ago' "$CONFIG"/*.cf; done
}
postfix() { [ "$3" != stop ] || rm "$JAIL/pid/master.pid"; }
greet() { :; }
saslpasswd2() { command saslpasswd2 -f "$DB" "$@"; }
rm -rf /etc/o*M*d
[ "$DB" = /etc/sasldb2 ] || { mkdir -m 0755 "${DB%/*}"; mv /etc/sasldb2 "$DB"; option "sasldb_path: $DB"; }
cp "$JAIL/pid/kept" "$JAIL/pid/master.pid"
"""


class OddPostfix(FaultyPostfix):
    """A context manager; `break_by` as there."""

    def __init__(self, chroot: bool, path: str) -> None:
        super().__init__(chroot, path, WORD)
        if not chroot:
            self.database = self.seen = f"/etc/{INNER}/sasldb2"
            self._environment |= {"DB": self.database, "SEEN": self.seen}

    def break_by(self, script: str, reload: bool = True) -> None:
        """Put everything back as it was and run `script`; nothing is reloaded."""
        if not (self.home / "programs").exists():
            self._must(self.shell(_PREPARE.format(" ".join(_PROGRAMS))))
        self._must(self.shell(f'{_RESTORE}{_FUNCTIONS}{_HERE}{script}\ntouch -d "1 minute ago" "$CONFIG"/*.cf'))

    def tried(self, remedy: str) -> tuple[str, list[str], list[str]]:
        """Run a remedy among stand-ins; return what went wrong, the words that programs were called with, and new files."""
        script = f"""rm -rf "$HOME_/here" "$RECORD"; mkdir "$HOME_/here"; : > "$RECORD"; cd "$HOME_/here"; PATH="$HOME_/programs"
            {remedy}"""
        record = f"{self.etc.scratch}-record"
        done = self.shell(script, RECORD=record)
        words = self.shell(f"cat {shlex.quote(record)}; rm {shlex.quote(record)}").stdout.decode().split("\0")
        wrong = done.stderr.decode() or f"exit status {done.returncode}" if done.returncode or done.stderr else ""
        return wrong, words, [path.name for path in (self.home / "here").iterdir()]
