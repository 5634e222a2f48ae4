"""Standard input, output and error as descriptors 0, 1 and 2 of bytes, and dying of a signal as a C program does, but without a core.

A write that fails is not an error of the command, as in Cyrus's tools: stdout may be closed, full or a broken pipe. Errors: `OSError` from
`read_password`, which the caller tells as the C tools do.
"""

from __future__ import annotations

import os
from errno import EAGAIN

from sasldb.model.text import printable, to_text

STDIN, STDOUT, STDERR = 0, 1, 2
LONGEST = 8192  # bytes of a password that libsasl can read
_WINDOW = LONGEST + 2  # one more to see that it is longer, and the newline


def hold() -> None:
    """Occupy each standard descriptor that is closed, so that no database is opened as one of them and written into as "stderr".

    What takes the place fails as a closed one does: stdin cannot be read, the others cannot be written.
    """
    for descriptor in (STDIN, STDOUT, STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if descriptor == STDIN else os.O_RDONLY)  # the lowest free one


def leave_no_core() -> None:
    """Let this process leave no core behind, whatever ends it: passwords would be in it.

    The soft limit is one byte. A limit of 0 does not count where cores are piped to a program (core(5), core_pattern); at 1 the
    kernel gives up in either case (Linux, fs/coredump.c).
    """
    from resource import RLIMIT_CORE, getrlimit, setrlimit

    hard = getrlimit(RLIMIT_CORE)[1]
    try:
        setrlimit(RLIMIT_CORE, (1, hard or 1))
    except (OSError, ValueError):
        pass  # only root can raise a hard limit of 0; files are not written at 0 either


def write(descriptor: int, data: bytes) -> bool:
    """Write all of `data`; tell whether that could be done. A descriptor that does not block is waited for."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            _wait(descriptor, writing=True)
        except OSError:
            return False
    return True


def tell(text: bytes) -> None:
    """Write the lines `text` to standard error: on a terminal with what does not print escaped, elsewhere exactly these bytes."""
    if os.isatty(STDERR):
        lines = [b"\t".join(map(shown, line.split(b"\t"))) for line in text.split(b"\n")]
        text = b"\n".join(lines)
    write(STDERR, text)


def shown(name: bytes) -> bytes:
    """Return `name`, which somebody else may have chosen, as a terminal gets it: UTF-8, `\\xNN` for what does not print."""
    return printable(to_text(name)).encode()


def read_password() -> bytes:
    """Return what stdin holds, less one newline at the end (bytes; up to LONGEST + 1, where the last says "too long").

    A terminal is read once, for it hands over whole lines. Anything else is read on until what has come ends in a newline, or to end
    of file, so that a password that arrives in pieces is not cut.

    Raises:
        OSError: stdin cannot be read.
    """
    data = os.read(STDIN, _WINDOW)
    whole = not data or os.isatty(STDIN)
    while not whole and not data.endswith(b"\n") and len(data) <= LONGEST:
        try:
            piece = os.read(STDIN, _WINDOW - len(data))
        except OSError as error:
            if error.errno != EAGAIN:
                raise
            _wait(STDIN, writing=False)
            continue
        data += piece
        whole = not piece
    return without_newline(data)


def without_newline(data: bytes) -> bytes:
    """Return `data` less one newline at its end."""
    return data[:-1] if data.endswith(b"\n") else data


def let_pipes_break() -> None:
    """Let a reader who goes away end this process quietly, by SIGPIPE, which Python would turn into an error."""
    from _signal import SIG_DFL, SIGPIPE, signal  # `signal` itself costs a millisecond

    signal(SIGPIPE, SIG_DFL)


def catch_interrupts() -> bool:
    """Let ^C raise KeyboardInterrupt again, where the launcher has it end the process at once; tell whether that was so."""
    from _signal import SIG_DFL, SIGINT, default_int_handler, getsignal, signal

    ending = bool(getsignal(SIGINT) == SIG_DFL)  # else it is ignored (as in `nohup`), or somebody else's
    if ending:
        signal(SIGINT, default_int_handler)
    return ending


def leave_interrupts() -> None:
    """Undo what `catch_interrupts` did: nothing is left to tidy up, and one that has come ends the process here."""
    from _signal import SIG_DFL, SIG_UNBLOCK, SIGINT, pthread_sigmask, signal

    _block(SIGINT)
    signal(SIGINT, SIG_DFL)
    pthread_sigmask(SIG_UNBLOCK, (SIGINT,))


def die(signal_number: int) -> None:
    """End this process by `signal_number`, so that whoever started it sees that."""
    from _signal import SIG_DFL, SIG_UNBLOCK, pthread_sigmask, signal

    _block(signal_number)
    signal(signal_number, SIG_DFL)
    os.kill(os.getpid(), signal_number)
    pthread_sigmask(SIG_UNBLOCK, (signal_number,))


def _block(signal_number: int) -> None:
    """Hold the signal back; were its handler changed after it has come and before it has run, Python would lose it, with a traceback."""
    from _signal import SIG_BLOCK, pthread_sigmask

    try:
        pthread_sigmask(SIG_BLOCK, (signal_number,))
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal_number)  # and held back


def _wait(descriptor: int, writing: bool) -> None:
    from select import select

    select([] if writing else [descriptor], [descriptor] if writing else [], [])
