"""Say that something that takes long is still going on."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from threading import Thread
from time import monotonic

from rclpy.impl.rcutils_logger import RcutilsLogger


@contextmanager
def reported_progress(logger: RcutilsLogger, what: str, period: float = 10.0) -> Iterator[None]:
    """Log what is begun, every so many seconds that it goes on, and how long it took."""
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
