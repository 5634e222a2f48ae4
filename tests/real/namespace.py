"""Private namespaces: a place where /etc/sasldb2 is ours to write, while the machine's own stays as it is.

The real saslauthd reads /etc/sasldb2 and nothing else, and so do our commands without -f. Programs run in a mount namespace
whose /etc is an overlay, with a host name, a process list and shared memory of their own. Needs root and the right to mount.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

# $1 = a directory for the overlay, $2 = the host name. A tmpfs below it, for an overlay cannot lie on another overlay.
_PREPARE = """
set -e
mount -t tmpfs -o mode=0755 private-etc "$1"
mkdir "$1/upper" "$1/work"
touch "$1/upper/${1##*/}"
mount -t overlay -o "lowerdir=/etc,upperdir=$1/upper,workdir=$1/work" private-etc /etc
hostname "$2"
echo ready
cat
umount --lazy "$1"
rmdir "$1"
"""


class PrivateEtc:
    """A context manager; everything that runs inside is killed at its end, or when the test process dies.

    Attributes:
        scratch: a directory (Path) that is empty outside, whatever is put into it inside; gone at the end.
    """

    def __init__(self, hostname: str, network: bool = False) -> None:
        """Make the namespaces; with `network` one more, in which there is a loopback of its own and nothing else.

        Raises:
            subprocess.SubprocessError: this system does not let us, with its own words.
            OSError: the programs of util-linux cannot be started.
        """
        self.scratch = Path(tempfile.mkdtemp(prefix="sasldb-etc-"))
        # PID 1 of the new process list is the shell: with it, at the end of its input, everything inside dies.
        self._kinds = ["--mount", "--uts", "--pid", "--ipc", *(["--net"] if network else [])]
        argv = ["unshare", *self._kinds, "--fork", "--mount-proc", "--kill-child"]
        self._holder = subprocess.Popen(
            [*argv, "sh", "-c", _PREPARE, "sh", str(self.scratch), hostname],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            words = self._holder.communicate()[1].decode(errors="replace").strip()
            self.scratch.rmdir()
            raise subprocess.SubprocessError(words)
        self._pid = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()[0]
        # Tests change /etc in here: make sure, by the way that they go, that it is not the machine's own.
        if self.run("test", "-e", f"/etc/{self.scratch.name}").returncode != 0:
            self._holder.communicate()
            raise subprocess.SubprocessError("the overlay over /etc is not what programs inside see")

    def argv(self, *command: str) -> list[str]:
        """Return the argument list that runs `command` inside."""
        return ["nsenter", "--target", self._pid, "--root", *self._kinds, *command]

    def run(self, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run `command` inside, feed it `stdin` (bytes), and return its exit status and what it printed (bytes)."""
        return subprocess.run(self.argv(*command), input=stdin, capture_output=True, timeout=30, check=False)

    def __enter__(self) -> PrivateEtc:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._holder.communicate()
        if self.scratch.exists():  # what was still busy inside has ended by now
            self.scratch.rmdir()
