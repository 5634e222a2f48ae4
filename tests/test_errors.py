"""The errors: they travel between processes, and their remedies can be pasted into a shell."""

from __future__ import annotations

import copy
import inspect
import pickle
import shlex
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sasldb import errors
from sasldb.errors import Corrupt, ExchangeError, SasldbError, SiteConfigError, quoted

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SasldbError)]
EXAMPLES = [
    *(kind("subject", "reason", remedy="run: this") for kind in KINDS),
    Corrupt("/etc/sasldb2", "cut", 7),
    ExchangeError("users.ldif", "no colon", 12),
    SiteConfigError("smtpd.conf", "no colon", 3, "mend it"),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_errors_travel(error: SasldbError) -> None:
    """A copy of an error, also one from another process, is of its class, says the same and carries the same."""
    for twin in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is type(error)
        assert (str(twin), twin.args, vars(twin)) == (str(error), error.args, vars(error))


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_the_shell_reads_a_quoted_word_back(word: str) -> None:
    """Whatever the word, a shell takes it for one word, and for this one."""
    assert shlex.split(quoted(word)) == [word]


def test_words_that_a_shell_would_act_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The real shell agrees, also about what it would expand; words that need no quotes get none."""
    words = ["no such.db", "it's", "$HOME", "`id`", "a;b", "~", "*", "", "a\nb", "#x", "{a,b}", "!", "\\", "=", "-x"]
    home = tmp_path_factory.mktemp("some") / "file"
    home.touch()
    script = "printf '%s\\0' " + " ".join(map(quoted, words))
    for shell in ("sh", "bash"):
        done = subprocess.run([shell, "-c", script], cwd=home.parent, capture_output=True, timeout=10, check=True)
        assert done.stdout.decode().split("\0")[:-1] == words
    for word in ("/etc/sasldb2", "alice@example.com", "db-1.2_x"):
        assert quoted(word) == word
