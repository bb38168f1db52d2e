"""Handling of signals: the first one interrupts the process, and later ones are ignored."""

import os
import signal
import stat
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from types import FrameType

# Ctrl-C, the stop of a service or machine, and the closing of a terminal.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

type Handler = Callable[[int, FrameType | None], None]


def interrupt_once(number: int, _: FrameType | None) -> None:
    """Interrupt the process, and ignore further signals.

    Signals often arrive several times: a launch repeats Ctrl-C, a closing terminal repeats SIGHUP.
    The second one would interrupt the release of resources.
    """
    # Not SIG_IGN: Python reports an error for a pending signal that becomes ignored.
    _replace(interrupt_once, _take_no_notice)
    if number == signal.SIGHUP:
        _leave_terminal()
    raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the first of `STOP_SIGNALS` raise KeyboardInterrupt, and ignore later ones.

    Signals that are already ignored, as under nohup, remain ignored. An interrupted process is
    about to exit, so it keeps ignoring them.
    """
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    before = {number: old for number, old in handlers.items() if old is not signal.SIG_IGN}
    try:
        for number in before:
            signal.signal(number, interrupt_once)
        yield
    finally:
        ignore_more_signals()
        for number, handler in before.items():
            if signal.getsignal(number) is interrupt_once:
                signal.signal(number, handler)


def ignore_more_signals() -> None:
    """Ignore all signals until a process interrupted by `interrupt_once` has exited.

    Python removes its own handlers at exit, but not SIG_IGN.
    """
    _replace(_take_no_notice, signal.SIG_IGN)


def _take_no_notice(_: int, __: FrameType | None) -> None:
    return


def _leave_terminal() -> None:
    """Discard further output to a terminal that is closing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        with suppress(OSError):  # it is already closed
            if stat.S_ISCHR(os.fstat(descriptor).st_mode):
                os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _replace(before: Handler, after: signal.Handlers | Handler) -> None:
    """Replace a handler by another one for all signals that use it."""
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is before:
            signal.signal(number, after)


def _set_defaults() -> None:
    _replace(interrupt_once, signal.SIG_DFL)
    _replace(_take_no_notice, signal.SIG_DFL)


# Forked processes belong to libraries, which terminate them.
os.register_at_fork(after_in_child=_set_defaults)
