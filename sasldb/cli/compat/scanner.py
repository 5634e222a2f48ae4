"""Command lines taken apart as getopt(3) of the GNU C library does, for byte strings.

The standard library's getopt stops at the first mistake, takes `--help` for a long option and reads text; these commands report every
mistake, read `--help` as the letters -, h, e, l, p, act on some options before the rest is looked at, and know bytes only. Hence
this scanner: it yields what it meets, in order, and leaves what to do about it to the caller.

Source: getopt(3); both tools of Cyrus SASL 2.1.28, observed. Operands may stand between options, unless POSIXLY_CORRECT is set.
Raises nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


OPERAND = b""
MISTAKE = b"\0"  # no argument can hold it


def scan(arguments: Sequence[bytes], letters: bytes, permute: bool) -> Iterator[tuple[bytes, bytes]]:
    """Yield (letter, value) of each option, (OPERAND, argument) and (MISTAKE, sentence) from `arguments` (without the program's name).

    `letters` are the known options, each followed by `:` when it takes a value; without `permute` the first operand ends the options.
    """
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == b"--":
            break
        if len(word) < 2 or word[:1] != b"-":
            yield OPERAND, word
            if not permute:
                break
            continue
        bundle = word[1:]
        while bundle:
            letter, bundle = bundle[:1], bundle[1:]
            place = letters.find(letter) if letter != b":" else -1
            if place < 0:
                yield MISTAKE, b"invalid option -- '%b'" % letter
            elif letters[place + 1 : place + 2] != b":":
                yield letter, b""
            elif bundle or rest:
                yield letter, bundle or rest.pop(0)
                break
            else:
                yield MISTAKE, b"option requires an argument -- '%b'" % letter
    for operand in rest:
        yield OPERAND, operand
