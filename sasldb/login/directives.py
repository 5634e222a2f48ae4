"""The lists of `name=value` that DIGEST-MD5's messages are.

Source: RFC 2831 section 7.1 and RFC 2616 section 2.1 (`#` lists: empty members and blanks between members are allowed).
Errors: `BadMessage`.
"""

from __future__ import annotations

from sasldb.errors import BadMessage

_BLANKS = b" \t\r\n"
_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def parse(message: bytes, mechanism: str) -> dict[bytes, list[bytes]]:
    """Return name (in lower case) -> its values in their order, quotes taken away, all bytes.

    Raises:
        BadMessage: it is no such list; `mechanism` is named in the message, which shows nothing of the list.
    """
    found: dict[bytes, list[bytes]] = {}
    place = 0
    while (place := _skip(message, place, _BLANKS + b",")) < len(message):
        name, equals, _ = message[place:].partition(b"=")
        name = name.rstrip(_BLANKS)
        if not (equals and name and _NAME.issuperset(name)):
            raise BadMessage(mechanism, "not a list of name=value")
        place = _skip(message, message.index(b"=", place) + 1, _BLANKS)
        value, place = _value(message, place, mechanism)
        found.setdefault(name.lower(), []).append(value)
        place = _skip(message, place, _BLANKS)
        if place < len(message) and message[place : place + 1] != b",":
            raise BadMessage(mechanism, "not a list of name=value")
    return found


def quoted(value: bytes) -> bytes:
    """Return `value` as a quoted string."""
    return b'"%b"' % value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


def _skip(message: bytes, place: int, octets: bytes) -> int:
    while place < len(message) and message[place] in octets:
        place += 1
    return place


def _value(message: bytes, place: int, mechanism: str) -> tuple[bytes, int]:
    """Return the value that begins at `place`, and where it ends."""
    if message[place : place + 1] != b'"':
        end = place
        while end < len(message) and message[end] not in _BLANKS + b',"':
            end += 1
        return message[place:end], end
    value = bytearray()
    octets = iter(range(place + 1, len(message)))
    for index in octets:
        if message[index] == ord('"'):
            return bytes(value), index + 1
        if message[index] == ord("\\"):
            index = next(octets, place)
        value.append(message[index])
    raise BadMessage(mechanism, "a quoted string without an end")
