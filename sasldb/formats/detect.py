"""Which database format a file has, told from its first bytes alone.

Magic numbers: Berkeley DB at offset 12 of page 0 (db.h: DB_HASHMAGIC ...), and at offset 0 in versions before 2; GDBM at offset 0
(gdbmconst.h); LMDB at offset 16 of page 0 (mdb.c: MDB_MAGIC). Each in the byte order of the machine that made the file.
"""

from __future__ import annotations

BERKELEY_HASH = "Berkeley DB hash"
GDBM = "GDBM"
LMDB = "LMDB"
UNKNOWN = ""

HEAD = 512  # bytes that `identify` wants to see

_AT_12 = {
    0x00061561: BERKELEY_HASH,
    0x00053162: "Berkeley DB btree or recno",
    0x00042253: "Berkeley DB queue",
    0x00074582: "Berkeley DB heap",
}
_AT_0 = {
    0x13579ACE: GDBM,
    0x13579ACD: GDBM,
    0x13579ACF: GDBM,
    0x13579AD0: GDBM,
    0x13579AD1: GDBM,
    0x00061561: "Berkeley DB 1.85 hash",
    0x00053162: "Berkeley DB 1.85 btree",
}
_LMDB_MAGIC = 0xBEEFC0DE


def identify(head: bytes) -> str:
    """Return the name of the format that a file beginning with `head` (its first 512 bytes) has; "" when it is not known.

    Names other than the constants of this module are formats that no sasldb plugin ever used.
    """
    for offset, names in ((12, _AT_12), (0, _AT_0), (16, {_LMDB_MAGIC: LMDB})):
        field = head[offset : offset + 4]
        for order in ("little", "big"):
            name = names.get(int.from_bytes(field, order)) if len(field) == 4 else None
            if name:
                return name
    if head.startswith(b"SQLite format 3\0"):
        return "SQLite"
    return UNKNOWN
