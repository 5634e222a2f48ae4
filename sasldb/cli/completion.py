"""What a shell may complete: commands and options, which click knows, and the users and realms of the database at hand.

The script of `sasldb completion SHELL` calls `sasldb` with COMPLETE set, and `answer` prints what fits. A name is only offered if no shell could
take it for anything but a word: it comes from a file that others may have filled. A database that cannot be read has no names.

Source: bash(1), "Programmable Completion": `@` and `=` part words there, so that bash wants only what stands behind the last of them.
Raises nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from posixpath import basename

import click
from click.shell_completion import CompletionItem, FishComplete, ShellComplete, ZshComplete, split_arg_string

from sasldb.cli.rendering import COMPLETE, PROGRAM
from sasldb.errors import SasldbError
from sasldb.model.text import to_text

_MOST = 500  # names offered at once
_HARMLESS = frozenset("._+@%,/=-")  # beside letters and digits

_BASH = """\
_sasldb_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            file) compopt -o default ;;
            plain,*) COMPREPLY+=("${line#plain,}") ;;
        esac
    done < <(_SASLDB_COMPLETE=bash_complete _SASLDB_LINE="${COMP_LINE:0:COMP_POINT}" _SASLDB_WORD="$2" "$1" 2>/dev/null)
}
complete -o nosort -F _sasldb_completion sasldb
"""


class Bash(ShellComplete):
    """bash, with the whole line in _SASLDB_LINE, and in _SASLDB_WORD what bash takes for the word to complete."""

    name = "bash"
    source_template = _BASH

    def source(self) -> str:
        """Return the script."""
        return self.source_template

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words of the line behind the command, and the one to complete."""
        line = os.environ.get("_SASLDB_LINE", "")
        words = split_arg_string(line)
        incomplete = words.pop() if words and not line[-1:].isspace() else ""
        program = next((number for number, word in enumerate(words) if basename(word) == PROGRAM), 0)
        return words[program + 1 :], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Return the line for the script: what is to replace bash's own idea of the word."""
        if item.type != "plain":
            return item.type
        before = self.get_completion_args()[1].removesuffix(os.environ.get("_SASLDB_WORD", ""))
        return f"plain,{item.value.removeprefix(before)}"


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": ZshComplete, "fish": FishComplete}


def script(shell: str) -> str:
    """Return the script (text) to be loaded by `shell`, a key of SHELLS."""
    return SHELLS[shell](click.Command(PROGRAM), {}, PROGRAM, COMPLETE).source()


def answer(command: click.Command, instruction: str) -> str:
    """Return what the script asks for with COMPLETE set to `instruction`; "" where it is not understood."""
    shell, _, wanted = instruction.partition("_")
    if shell not in SHELLS or wanted != "complete":
        return ""
    return SHELLS[shell](command, {}, PROGRAM, COMPLETE).complete() + "\n"


def USER(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the users that begin with `incomplete`: as user@realm, or, where --realm names theirs, without it."""
    bare = context.params.get("realm") is not None and "@" not in incomplete
    names = (user if bare else f"{user}@{realm}" for user, realm in _users(context, bare))
    return _offered(names, incomplete)


def REALM(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the realms that begin with `incomplete`."""
    return _offered((realm for _, realm in _users(context, False)), incomplete)


def _users(context: click.Context, one_realm: bool) -> Iterator[tuple[str, str]]:
    """Yield (user, realm) of the database that the line names so far, of --realm alone with `one_realm`; nothing where it cannot be read."""
    from sasldb.cli.location import Location
    from sasldb.operations.listing import Listing, Wanted
    from sasldb.store.reading import Database

    given = context.params
    location = Location(given.get("file"), given.get("app"), given.get("realm"))
    try:
        with Database(location.path, checked=False) as database:
            for user in Listing(database, Wanted(location.realm if one_realm else None)):
                yield to_text(user.user), to_text(user.realm)
    except SasldbError:
        return


def _offered(names: Iterator[str], incomplete: str) -> list[CompletionItem]:
    fitting = (name for name in names if name.startswith(incomplete) and _is_harmless(name))
    return [CompletionItem(name) for name in sorted(set(islice(fitting, _MOST)))]


def _is_harmless(name: str) -> bool:
    return bool(name) and name[0] not in "-=" and all(letter.isalnum() or letter in _HARMLESS for letter in name)
