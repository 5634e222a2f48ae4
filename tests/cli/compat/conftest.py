"""The oracle, as a fixture: the real tools and ours, run inside private namespaces."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.cli.compat.differences import adapted
from tests.cli.compat.sides import ROOT, Case, Outcome
from tests.conftest import CyrusTools, Require, lacking
from tests.real.namespace import PrivateEtc


class Oracle:
    """Runs cases inside private namespaces, in one process for all of them."""

    def __init__(self, place: PrivateEtc) -> None:
        """Start the process inside `place`."""
        self._versions: dict[str, bytes] = {}
        command = [sys.executable, "-c", "from tests.cli.compat.sides import main; main()", str(place.scratch)]
        self._process = subprocess.Popen(
            place.argv("sh", "-c", f'cd "{ROOT}" && exec "$@"', "sh", *command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, case: Case, *sides: bool) -> list[Outcome]:
        """Return an outcome a side: True is ours, False the real tool."""
        assert self._process.stdin is not None and self._process.stdout is not None
        pickle.dump((case, sides), self._process.stdin)
        self._process.stdin.flush()
        outcomes = pickle.load(self._process.stdout)
        if isinstance(outcomes, Exception):
            raise outcomes
        return list(outcomes)

    def compare(self, case: Case) -> None:
        """Assert that ours does what the real tool does, but for the differences that the case names."""
        real, ours = self.run(case, False, True)
        if case.tool not in self._versions:
            self._versions[case.tool] = self.run(Case("-v", (b"-v",), case.tool), True)[0].stderr
        assert ours == adapted(case, real, self._versions[case.tool])

    def close(self) -> None:
        """End it."""
        self._process.communicate()


@pytest.fixture(scope="module")
def oracle(require: Require, cyrus: CyrusTools) -> Iterator[Oracle]:
    """Yield the oracle; needs the real tools, and the right to make namespaces."""
    require("namespace", "unshare", "nsenter")
    try:
        place = PrivateEtc("vm")
    except (OSError, subprocess.SubprocessError) as error:
        lacking("namespace", f"no private mount namespace can be made here: {error}")
    with place:
        asked = Oracle(place)
        yield asked
        asked.close()


@pytest.fixture(scope="module")
def versions(oracle: Oracle) -> dict[str, bytes]:
    """Return the line with which each of our commands answers -v."""
    return {
        tool: oracle.run(Case("-v", (b"-v",), tool), True)[0].stderr for tool in ("saslpasswd2", "sasldblistusers2")
    }
