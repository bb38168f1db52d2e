"""Frames of an image topic in a bag."""

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from jtn_ros.datasets.sequence_images import DEFAULT_FRAME_RATE
from jtn_ros.errors import JtnError
from jtn_ros.media.bags.bag import BagMessage
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag_images import ImageDecoder
from jtn_ros.media.bags.bag_images import Images
from jtn_ros.media.bags.image_topics import choose_image_topic
from jtn_ros.media.bags.image_topics import describe_image_topics
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.intensity import IntensityRange

_NO_IMAGE = 'the video is damaged, or has no key frame before it'
# Number of first messages from which the frame rate is estimated.
_RATE_SAMPLE = 20


type _Times = tuple[int, int]  # stamp and time of recording, nanoseconds


class BagFrames(FrameSource):
    """The raw or compressed images, or the video, of one topic, stamped with their headers.

    Args:
        path: a bag folder, or a single .mcap or .db3 file.
        topic: the image topic; None selects the only one (see `choose_image_topic`).
        intensity_range: values of more than 8 bits that become black and white; None estimates
            them from the images.

    Attributes:
        path: the bag.
        topic: the image topic.

    Raises:
        OSError: if the bag does not exist.
        JtnError: if it is damaged, or has no such topic, several topics, or no image.
    """

    def __init__(
        self,
        path: Path,
        topic: str | None = None,
        *,
        intensity_range: Sequence[float] | None = None,
    ) -> None:
        """Open the bag and read the first images."""
        super().__init__()
        self.name = path.resolve().stem if path.is_file() else path.resolve().name
        self.path = path
        self._intensity_range = intensity_range
        self._bag = BagReader(path)
        try:
            self.topic = choose_image_topic(self._bag, topic)
            self.length = self._bag.counts[self.topic]
            self.frame_rate = self._estimate_rate()
            self.width, self.height = self._first_size()
        except BaseException:
            self._bag.close()
            raise

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``."""
        decoder = self._decoder()
        waiting: dict[int, _Times] = {}
        for index, recorded in enumerate(islice(self._messages(), stop)):
            try:
                waiting[index] = recorded.stamp_ns(), recorded.received_ns
                images = decoder.decode(index, recorded, wanted=index >= start)
            except JtnError as error:
                waiting.pop(index, None)
                if index >= start:
                    self._report_broken(index, error)
            else:
                yield from _frames(images, waiting, start)
        yield from _frames(decoder.flush(), waiting, start)
        for index in sorted(waiting):
            if index >= start:
                self._report_broken(index, _NO_IMAGE)

    def stamps(self) -> dict[int, int]:
        """Return the stamps in nanoseconds of all images that have one, by index."""
        return dict(_stamps(self._messages()))

    def close(self) -> None:
        """Close the bag."""
        self._bag.close()

    def _messages(self) -> Iterator[BagMessage]:
        return self._bag.messages([self.topic])

    def _decoder(self) -> ImageDecoder:
        return ImageDecoder(IntensityRange(self._intensity_range))

    def _first_size(self) -> tuple[int, int]:
        """Return width and height of the first image that can be decoded.

        Raises:
            JtnError: if there is none.
        """
        decoder = self._decoder()
        reason: object = 'it contains no message'
        for index, recorded in enumerate(self._messages()):
            try:
                images = decoder.decode(index, recorded)
            except JtnError as error:
                reason = error if index == 0 else reason
            else:
                reason = _NO_IMAGE if index == 0 else reason
                for _, image in images:
                    return image.shape[1], image.shape[0]
        for _, image in decoder.flush():
            return image.shape[1], image.shape[0]
        others = describe_image_topics(self._bag)
        raise JtnError(
            f'{self.path}: no message of {self.topic} is a readable image: {reason} ({others})'
        )

    def _estimate_rate(self) -> float:
        """Return the frame rate estimated from the first stamps, or else from recording times."""
        first = list(islice(self._messages(), _RATE_SAMPLE))
        for times in ([stamp for _, stamp in _stamps(first)], [m.received_ns for m in first]):
            period_ns = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
            if period_ns > 0:
                return 1e9 / period_ns
        return DEFAULT_FRAME_RATE


def _frames(images: Images, waiting: dict[int, _Times], start: int) -> Iterator[Frame]:
    """Yield images with the times of their messages, which are removed from `waiting`."""
    for index, image in images:
        stamp_ns, received_ns = waiting.pop(index)
        if index >= start:
            yield Frame(index, stamp_ns, image, received_ns)


def _stamps(messages: Iterable[BagMessage]) -> Iterator[tuple[int, int]]:
    """Yield index and stamp of the messages; damaged ones are reported when they are read."""
    for index, recorded in enumerate(messages):
        try:
            yield index, recorded.stamp_ns()
        except JtnError:
            continue
