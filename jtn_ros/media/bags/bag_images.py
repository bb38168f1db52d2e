"""The image messages of a bag, of all types for images or video."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.media.bags.bag import BagMessage
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.image_encoding import decode_compressed_image
from jtn_ros.media.image_encoding import decode_image
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.media.video_formats import decoder_of

type Images = list[tuple[int, NDArray[np.uint8]]]

RAW_TYPES = ('sensor_msgs/msg/Image', 'foxglove_msgs/msg/RawImage')
# Name of the format field, for compressed images and packets of video.
_FORMATS: dict[str, Callable[[Any], str]] = {
    'sensor_msgs/msg/CompressedImage': lambda message: message.format,
    'foxglove_msgs/msg/CompressedImage': lambda message: message.format,
    'foxglove_msgs/msg/CompressedVideo': lambda message: message.format,
    'ffmpeg_image_transport_msgs/msg/FFMPEGPacket': lambda message: message.encoding,
}
IMAGE_TYPES = (*RAW_TYPES, *_FORMATS)


class ImageDecoder:
    """Converts the messages of one topic to images, one by one.

    Images of a video may be returned later than their messages, so they have the message index.

    Args:
        intensity: scales values of more than 8 bits.
    """

    def __init__(self, intensity: IntensityRange) -> None:
        self._intensity = intensity
        self._video: Any = None

    def decode(self, index: int, recorded: BagMessage, *, wanted: bool = True) -> Images:
        """Decode the next message, and return the images that are ready.

        Args:
            index: index of the message.
            recorded: the message.
            wanted: whether its image is required; if not, it is decoded only for later images.

        Raises:
            JtnError: if the message cannot be decoded.
        """
        if not wanted and self._video is None and recorded.type_name in RAW_TYPES:
            return []
        message = recorded.deserialize()
        if recorded.type_name in RAW_TYPES:
            return [(index, self._decode_raw(message))]
        format_ = _FORMATS[recorded.type_name](message)
        decoder = decoder_of(format_)
        if decoder is None:
            if not wanted:
                return []
            return [(index, decode_compressed_image(format_, message.data, self._intensity))]
        if self._video is None:
            # Only bags with video require a video decoder.
            from jtn_ros.media.video_decoding import PacketDecoder

            self._video = PacketDecoder(decoder)
        images: Images = self._video.decode(index, bytes(message.data))
        return images

    def flush(self) -> Images:
        """Return the delayed images; nothing can be decoded after that."""
        return self._video.flush() if self._video is not None else []

    def _decode_raw(self, message: Any) -> NDArray[np.uint8]:
        return decode_image(
            message.encoding,
            message.width,
            message.height,
            message.step,
            bool(getattr(message, 'is_bigendian', False)),
            message.data,
            self._intensity,
        )


def needs_decoding(bag: BagReader, topic: str) -> bool:
    """Return whether the images of a topic have a type without a common ROS message."""
    kind = bag.topics[topic]
    if kind != 'sensor_msgs/msg/CompressedImage':
        return kind in IMAGE_TYPES and kind != 'sensor_msgs/msg/Image'
    first = next(bag.messages([topic]), None)
    return first is not None and decoder_of(first.deserialize().format) is not None


def frame_id_of(recorded: BagMessage) -> str:
    """Return the coordinate frame of an image message."""
    message = recorded.deserialize()
    return str(getattr(message, 'header', message).frame_id)
