"""Frames of an image topic in a bag."""

from collections.abc import Iterable
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.media.bag import BagMessage
from jtn_ros.media.bag import BagReader
from jtn_ros.media.frames import DEFAULT_FRAME_RATE
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.image_encoding import decode_compressed_image
from jtn_ros.media.image_encoding import decode_image

_RAW = 'sensor_msgs/msg/Image'
_COMPRESSED = 'sensor_msgs/msg/CompressedImage'
# So many first messages tell the frame rate.
_RATE_SAMPLE = 20


class BagFrames(FrameSource):
    """The raw or compressed images of one topic, stamped with their headers.

    Args:
        path: a bag folder, or a single .mcap or .db3 file.
        topic: the image topic; None takes the only one.

    Attributes:
        path: the bag.
        topic: the image topic.

    Raises:
        OSError: if the bag does not exist.
        JtnError: if it is damaged, or has no such topic, several to choose from, or no image.
    """

    def __init__(self, path: Path, topic: str | None = None) -> None:
        """Open the bag and look at the first images."""
        super().__init__()
        self.name = path.resolve().stem if path.is_file() else path.resolve().name
        self.path = path
        self._bag = BagReader(path)
        try:
            self.topic = self._choose(topic)
            self.length = self._bag.counts[self.topic]
            self.frame_rate = self._estimate_rate()
            first = next((image for m in self._messages() if (image := _try(m)) is not None), None)
            if first is None:
                raise JtnError(f'{path}: no message of {self.topic} is a readable image')
        except BaseException:
            self._bag.close()
            raise
        self.height, self.width = first.shape[:2]

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``."""
        for index, recorded in enumerate(islice(self._messages(), stop)):
            if index < start:
                continue
            try:
                frame = Frame(index, *_decode(recorded), recorded.received_ns)
            except JtnError as error:
                self._report_broken(index, error)
            else:
                yield frame

    def stamps(self) -> dict[int, int]:
        """Return the stamp of every image that has one in nanoseconds by its index."""
        return dict(_stamps(self._messages()))

    def close(self) -> None:
        """Close the bag."""
        self._bag.close()

    def _messages(self) -> Iterator[BagMessage]:
        return self._bag.messages([self.topic])

    def _choose(self, topic: str | None) -> str:
        """Return the image topic to read."""
        images = [t for t, kind in self._bag.topics.items() if kind in (_RAW, _COMPRESSED)]
        found = ', '.join(images) or 'none'
        if topic is None and len(images) > 1:
            raise JtnError(f'{self._bag.path} has several image topics; choose one of {found}')
        if topic is None and images:
            topic = images[0]
        if topic in images:
            return topic
        kind = self._bag.topics.get(topic or '')
        problem = f'{topic} is a {kind}' if kind else f'no image topic {topic or ""}'.rstrip()
        raise JtnError(f'{self._bag.path}: {problem}; its image topics: {found}')

    def _estimate_rate(self) -> float:
        """Return the frame rate that the first stamps suggest."""
        stamps = [stamp for _, stamp in _stamps(islice(self._messages(), _RATE_SAMPLE))]
        steps = np.diff(stamps)
        period_ns = float(np.median(steps)) if len(steps) else 0.0
        return 1e9 / period_ns if period_ns > 0 else DEFAULT_FRAME_RATE


def _stamps(messages: Iterable[BagMessage]) -> Iterator[tuple[int, int]]:
    """Yield index and stamp of the messages; damaged ones are reported when they are read."""
    for index, recorded in enumerate(messages):
        try:
            yield index, recorded.stamp_ns()
        except JtnError:
            continue


def _decode(recorded: BagMessage) -> tuple[int, NDArray[np.uint8]]:
    """Return stamp and image of a recorded image message."""
    message = recorded.deserialize()
    if recorded.type_name == _COMPRESSED:
        return recorded.stamp_ns(), decode_compressed_image(message.format, message.data)
    image = decode_image(message.encoding, message.width, message.height, message.step,
                         bool(message.is_bigendian), message.data)  # fmt: skip
    return recorded.stamp_ns(), image


def _try(recorded: BagMessage) -> NDArray[np.uint8] | None:
    """Return the image of a message, or None when it is damaged."""
    try:
        return _decode(recorded)[1]
    except JtnError:
        return None
