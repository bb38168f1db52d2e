"""What the tests of media share."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def media_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Capture the logs of media, once, whether or not launch_testing keeps them from the root."""
    names = (
        'frames',
        'image_folder',
        'video',
        'bags.bag',
        'bags.storage',
        'bags.mcap_storage',
    )
    loggers = [logging.getLogger(f'jtn_ros.media.{name}') for name in names]
    passed_on = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(caplog.handler)
        logger.propagate = False
    yield caplog
    for logger, propagate in zip(loggers, passed_on, strict=True):
        logger.removeHandler(caplog.handler)
        logger.propagate = propagate
