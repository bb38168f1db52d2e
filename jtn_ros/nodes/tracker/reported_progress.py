"""Progress messages for long operations."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from threading import Thread
from time import monotonic

from rclpy.impl.rcutils_logger import RcutilsLogger


@contextmanager
def reported_progress(logger: RcutilsLogger, what: str, period: float = 10.0) -> Iterator[None]:
    """Log the start of an operation, its progress at intervals, and its duration."""
    done, start = Event(), monotonic()

    def report() -> None:
        while not done.wait(period):
            logger.info(f'still {what}, {monotonic() - start:.0f} s so far')

    logger.info(f'{what} ...')
    thread = Thread(target=report, name='progress')
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    logger.info(f'{what} took {monotonic() - start:.1f} s')
