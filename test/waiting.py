"""Waiting for events in another thread or process."""

from collections.abc import Callable
from time import monotonic
from time import sleep


def wait_for(
    condition: Callable[[], object], seconds: float = 60.0, what: str = 'a condition'
) -> None:
    """Wait until the condition holds; fail after a number of seconds."""
    end = monotonic() + seconds
    while not condition():
        assert monotonic() < end, f'waited {seconds} s for {what}'
        sleep(0.002)
