"""What a database holds for given users, found in one pass through its records; and work on many of them, shared out to processors.

Errors: those of reading the records, and of the work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator
from typing import TypeVar

Record = tuple[bytes, bytes]
Held = dict[bytes, dict[bytes, bytes]]
Item = TypeVar("Item")
Result = TypeVar("Result")


def gather(records: Iterable[Record], wanted: Container[bytes] | None, realms: Container[bytes] = frozenset()) -> Held:
    """Return `UserId.prefix` -> property name -> value (bytes), in the file's own order, of those that have a record.

    Args:
        records: (key, value) as stored; malformed keys are passed over, and of two values of one key the first counts.
        wanted: the prefixes of the users that are wanted; None wants every user.
        realms: users of these realms are wanted too.
    """
    found: Held = {}
    for key, value in records:
        end = key.rfind(b"\0") + 1
        prefix = key[:end]
        if prefix not in found:
            if key.count(0) != 2 or not (
                wanted is None or prefix in wanted or (realms and prefix.split(b"\0")[1] in realms)
            ):
                continue
            found[prefix] = {}
        found[prefix].setdefault(key[end:], value)
    return found


def shared_out(work: Callable[[Item], Result], items: Iterable[Item], hard: bool) -> Iterator[Result]:
    """Yield `work(item)` for each item, in their order; `hard` work (PBKDF2, which leaves the interpreter free) runs in threads."""
    processors = os.cpu_count() or 1
    if not hard or processors == 1:
        yield from map(work, items)
        return
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(processors)
    try:
        yield from pool.map(work, items)
    finally:
        pool.shutdown(cancel_futures=True)
