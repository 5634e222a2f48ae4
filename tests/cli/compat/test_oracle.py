"""The oracle: every observed case goes through the real tool and through ours, and both must come to the same.

Compared are stdout, stderr, exit status, and everything that is left in the directory: records, other files and litter. What may
differ, and how, stands in `differences`.
"""

from __future__ import annotations

import pytest

from tests.cli.compat.cases import CASES
from tests.cli.compat.conftest import Oracle
from tests.cli.compat.sides import Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_same_as_the_real_tool(case: Case, oracle: Oracle) -> None:
    """Each observed behaviour of the real tool is ours, but for the differences that the case names."""
    oracle.compare(case)
