"""What a case may find where the database should be, and which difference it may name."""

from __future__ import annotations

from tests.cli.compat.records import image, seeded

T = "t.db"
THOROUGH = ("2 -d is thorough",)
KEPT_WORD = ("3 -n keeps its word",)
NOT_CUT = ("4 no cut password",)
NO_DAMAGE = ("1 no damage",)
EMPTY = image({})
OLD = image(seeded())
