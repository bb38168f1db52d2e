"""What the tests of media share."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def media_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Capture the logs of media, also where launch_testing keeps new loggers from propagating."""
    names = (
        'frames',
        'image_folder',
        'video',
        'bags.bag',
        'bags.storage',
        'bags.mcap_storage',
    )
    loggers = [logging.getLogger(f'jtn_ros.media.{name}') for name in names]
    for logger in loggers:
        logger.addHandler(caplog.handler)
    yield caplog
    for logger in loggers:
        logger.removeHandler(caplog.handler)
