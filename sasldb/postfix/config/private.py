"""A directory of this process alone that is gone when its block ends, also where a signal ends the process meanwhile.

What lies there may have passwords in it. Signals that would end the process (^C, ^\\, hang-up, TERM) wait until it is removed; who waits for a
program in the block asks `is_ending` from time to time. Source: signal(7): a blocked signal is pending. Errors: `OSError`.
"""

from __future__ import annotations

import shutil
import signal
import tempfile

_FATAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM)


class PrivateDirectory:
    """A context manager, which gives the directory's path."""

    def __init__(self, prefix: str) -> None:
        """Name it by `prefix`; it is made when the block begins."""
        self._prefix = prefix

    def __enter__(self) -> str:
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, _heeded())
        try:
            self.path = tempfile.mkdtemp(prefix=self._prefix)
        except BaseException:
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
            raise
        return self.path

    def __exit__(self, *exc_info: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)  # what has been waiting comes now


def is_ending() -> bool:
    """Tell whether a signal that ends this process waits for such a block to end."""
    return not signal.sigpending().isdisjoint(_heeded())


def _heeded() -> list[signal.Signals]:
    """Return the fatal signals that are not ignored, as those of `nohup` are: these too would be pending."""
    return [number for number in _FATAL if signal.getsignal(number) is not signal.SIG_IGN]
