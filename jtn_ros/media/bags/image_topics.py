"""Selection of the image topic of a bag."""

from jtn_ros.errors import JtnError
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag_images import IMAGE_TYPES

# Suffixes that image_transport appends to the topic of the raw images, in order of preference.
_TRANSPORTS = ('', '/compressed', '/ffmpeg')


def choose_image_topic(bag: BagReader, wanted: str | None = None) -> str:
    """Return the image topic to read.

    Several transports of one camera, such as ``/image`` and ``/image/compressed``, are treated as
    one topic. Raw images are preferred.

    Args:
        bag: the recording.
        wanted: the topic, or the topic of the raw images if only other transports were recorded;
            None selects the only topic.

    Raises:
        JtnError: if there is no such topic, or there are several.
    """
    images = [topic for topic, kind in bag.topics.items() if kind in IMAGE_TYPES]
    if wanted is not None:
        return _transport_of(wanted, images) or _refuse(bag, wanted)
    usable = [topic for topic in images if bag.counts[topic] and bag.encodings[topic] == 'cdr']
    cameras = {_raw_topic(topic) for topic in usable or images}
    if not cameras:
        return _refuse(bag, None)
    if len(cameras) > 1:
        raise JtnError(
            f'{bag.path} has several image topics: {", ".join(usable or images)}; choose one '
            '(jtn: --topic TOPIC, replay.launch.py: image:=TOPIC)'
        )
    return _transport_of(cameras.pop(), usable or images) or (usable or images)[0]


def calibration_topic(image_topic: str) -> str:
    """Return the topic of the calibration of a camera, by the convention of ROS."""
    return f'{_raw_topic(image_topic).rpartition("/")[0]}/camera_info'


def _raw_topic(topic: str) -> str:
    """Return the topic of the raw images for a topic of any transport."""
    ending = next(text for text in reversed(_TRANSPORTS) if topic.endswith(text))
    return topic.removesuffix(ending)


def _transport_of(topic: str, known: list[str]) -> str | None:
    """Return the first known topic of a camera."""
    found = (f'{topic}{ending}' for ending in _TRANSPORTS)
    return next((name for name in found if name in known), None)


def _refuse(bag: BagReader, wanted: str | None) -> str:
    """Raise an error that lists the available topics.

    Raises:
        JtnError: always.
    """
    kind = bag.topics.get(wanted or '')
    problem = f'{wanted} is a {kind}' if kind else f'no image topic {wanted or ""}'.rstrip()
    raise JtnError(f'{bag.path}: {problem}; {describe_image_topics(bag)}')


def describe_image_topics(bag: BagReader) -> str:
    """Return the image topics with their types, or else all topics and what to do."""
    images = [f'{name} ({kind})' for name, kind in bag.topics.items() if kind in IMAGE_TYPES]
    if images:
        return f'its image topics: {", ".join(images)}'
    every = ', '.join(f'{name} ({kind})' for name, kind in bag.topics.items()) or 'none'
    return (
        f'its image topics: none; of its topics, {every}, convert one with images to '
        'sensor_msgs/msg/Image or CompressedImage'
    )
