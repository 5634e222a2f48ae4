"""SASLprep (RFC 4013), to warn of passwords that different programs would turn into different bytes.

Cyrus SASL takes the bytes of a password as they are; clients that follow RFC 5802 to the letter prepare it first. The two agree on every
password that SASLprep leaves alone: all of printable ASCII, and most of the rest. Nothing here changes what is stored.

Source: RFC 4013 section 2 and RFC 3454 (the tables of Unicode 3.2 come from the standard library's `stringprep`), written from the text.
As RFC 5802 section 2.2 wants it, a password counts as a stored string: code points unknown to Unicode 3.2 are refused.
Errors: `BadPassword`, which never shows the password.
"""

from __future__ import annotations

from sasldb.errors import BadPassword

SUBJECT = "password"


def changes(password: bytes) -> bool:
    """Return whether a client that applies SASLprep sends something other than `password` (bytes), or refuses to send it."""
    if password.isascii() and password.decode("ascii").isprintable():
        return False
    try:
        return prepare(password.decode("utf-8")).encode("utf-8") != password
    except (UnicodeDecodeError, BadPassword):
        return True


def prepare(text: str) -> str:
    """Return `text` prepared: mapped, normalized to NFKC, and found free of what is prohibited.

    Raises:
        BadPassword: a prohibited or unassigned character, or left-to-right and right-to-left text mixed.
    """
    from unicodedata import ucd_3_2_0

    prepared = ucd_3_2_0.normalize("NFKC", _mapped(text))
    _refuse_prohibited(prepared)
    _refuse_mixed_directions(prepared)
    return prepared


def _mapped(text: str) -> str:
    """Turn every other space into a space and drop what is commonly mapped to nothing (RFC 4013 section 2.1).

    U+200B is on both lists; the RFC names spaces first.
    """
    from stringprep import in_table_b1, in_table_c12

    return "".join(
        " " if in_table_c12(letter) else letter for letter in text if in_table_c12(letter) or not in_table_b1(letter)
    )


def _refuse_prohibited(text: str) -> None:
    """Refuse what RFC 4013 sections 2.3 and 2.5 list."""
    import stringprep

    tables = (
        (stringprep.in_table_a1, "unknown to Unicode 3.2"),
        (stringprep.in_table_c12, "a space of another kind"),
        (stringprep.in_table_c21_c22, "a control character"),
        (stringprep.in_table_c3, "for private use"),
        (stringprep.in_table_c4, "no character at all"),
        (stringprep.in_table_c5, "half a surrogate pair"),
        (stringprep.in_table_c6, "not fit for plain text"),
        (stringprep.in_table_c7, "not fit for canonical form"),
        (stringprep.in_table_c8, "a change of display"),
        (stringprep.in_table_c9, "a tag"),
    )
    for holds, what in tables:
        if any(map(holds, text)):
            raise BadPassword(SUBJECT, f"SASLprep refuses a character that is {what}")


def _refuse_mixed_directions(text: str) -> None:
    """Refuse what RFC 3454 section 6 forbids, in the text as mapped and normalized."""
    from stringprep import in_table_d1, in_table_d2

    if not any(map(in_table_d1, text)):
        return
    if any(map(in_table_d2, text)) or not (in_table_d1(text[0]) and in_table_d1(text[-1])):
        raise BadPassword(SUBJECT, "SASLprep refuses text of both directions")
