"""The list of changes that no test can notice is what its form says, and fits the sources as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.mutation import equivalents
from tests.mutation.changes import changes_of

ENTRY = "module.py f\n- return a < b\n+ return a <= b\n= a is never b\n"


def test_the_list_is_not_stale() -> None:
    """Each entry of the list in the tree has a reason, and fits a change of the source that it names."""
    known = equivalents.parse((ROOT / equivalents.LIST).read_text(encoding="utf-8"))
    assert equivalents.stale(ROOT, known) == []


def test_entries() -> None:
    """An entry is the file and the function, the lines before and after, and the reason; comments are passed over."""
    identity = ("module.py", "f", "return a < b", "return a <= b")
    assert equivalents.parse(f"# About f.\n\n{ENTRY}\n\n") == {identity: "a is never b"}


@pytest.mark.parametrize(
    "text",
    [
        ENTRY.replace("= a is never b\n", ""),
        ENTRY.replace("= a is never b", "= "),
        ENTRY.replace("+ return a <= b\n", ""),
        f"{ENTRY}more\n",
        f"{ENTRY}\n{ENTRY}",
    ],
    ids=["no reason", "an empty reason", "nothing after", "a fifth line", "twice"],
)
def test_no_entries(text: str) -> None:
    """What is no entry, or there twice, is an error."""
    with pytest.raises(equivalents.BadList):
        equivalents.parse(text)


def test_an_entry_is_what_a_change_is_called(tmp_path: Path) -> None:
    """What the report says of a survivor can be put into the list, and then is found; when its line changes it is stale."""
    module = tmp_path / "module.py"
    module.write_text("def f():\n    return a < b\n")
    change = changes_of(tmp_path, "module.py")[0]
    known = equivalents.parse(f"{equivalents.entry(change)}\n= some reason\n")
    assert change.identity in known and equivalents.stale(tmp_path, known) == []
    module.write_text("x = 1\n\n\ndef f():\n    return a < b\n")
    assert equivalents.stale(tmp_path, known) == []
    module.write_text("def f():\n    return a < c\n")
    assert equivalents.stale(tmp_path, known) == list(known)
    module.unlink()
    assert equivalents.stale(tmp_path, known) == list(known)
