"""Opening of frame sources: videos, images, folders, bags and cameras."""

from collections.abc import Sequence
from pathlib import Path

from jtn_ros.datasets.sequence_images import IMAGE_EXTENSIONS
from jtn_ros.errors import JtnError
from jtn_ros.files import require_utf8
from jtn_ros.files import what_came_instead
from jtn_ros.media.bag_paths import BAG_EXTENSIONS
from jtn_ros.media.bag_paths import is_bag
from jtn_ros.media.camera_address import is_camera
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.video_formats import VIDEO_EXTENSIONS

# Suffixes of recordings on a web server; .ts and .flv may be live streams.
_RECORDINGS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v')


def open_frames(
    source: str | Path,
    *,
    frame_rate: float | None = None,
    topic: str | None = None,
    intensity_range: Sequence[float] | None = None,
    reconnect: bool = False,
) -> FrameSource:
    """Open a video, image, image folder, MOTChallenge sequence, rosbag2, webcam or stream.

    Args:
        source: a path, the index of a webcam (``0``) or a URL (``rtsp://...``), or the location
            of the URL (``env:VARIABLE``, ``file:PATH``).
        frame_rate: frames per second of an image folder, which does not contain it; for a video,
            it replaces the timestamps of the file.
        topic: the image topic of a bag; required if there are several.
        intensity_range: values of images with more than 8 bits that become black and white; None
            estimates them from the images.
        reconnect: whether to open a camera again when it fails.

    Raises:
        JtnError: if the source does not exist, cannot be read, is of an unknown type or contains
            no frames.
    """
    # Only imports required by the source: a robot without rosbags can still play a video.
    if frame_rate is not None and not 0 < frame_rate < float('inf'):
        raise JtnError(f'frame rate {frame_rate} is not positive')
    path = Path(source)
    text = str(source)
    require_utf8(text)
    require_utf8(path.absolute().name)
    if not path.exists() and is_camera(text):
        return _open_camera(text, reconnect)
    if not path.exists():
        raise JtnError(f'{text} does not exist; specify a video, folder, bag or camera')
    if path.is_file() and (what := what_came_instead(path)) is not None:
        raise JtnError(f'{text} is {what}')
    if is_bag(path):
        from jtn_ros.media.bags.bag_frames import BagFrames

        return BagFrames(path, topic=topic, intensity_range=intensity_range)
    if topic is not None:
        raise JtnError(f'{text} is not a bag and has no topic {topic!r}; remove the topic')
    if path.is_dir():
        from jtn_ros.media.image_folder import open_folder

        return open_folder(path, frame_rate, intensity_range)
    if path.is_char_device():
        return _open_camera(text, reconnect)
    if path.suffix.lower() in IMAGE_EXTENSIONS:
        from jtn_ros.media.image_folder import ImageFolderFrames

        return ImageFolderFrames(
            path.parent,
            {1: path},
            name=path.stem,
            frame_rate=frame_rate,
            intensity_range=intensity_range,
        )
    from jtn_ros.media.video import VideoFrames

    try:
        return VideoFrames(path, frame_rate=frame_rate, intensity_range=intensity_range)
    except JtnError as error:
        if path.suffix.lower() in VIDEO_EXTENSIONS:
            raise
        raise JtnError(
            f'{text} is neither a video that FFmpeg can read nor an image; specify a video, an '
            f'image, a folder of images, a bag ({", ".join(BAG_EXTENSIONS)}), a camera index or '
            'a URL'
        ) from error


def _open_camera(address: str, reconnect: bool) -> FrameSource:
    """Open a camera and wait until it responds, or open a recording on a web server."""
    from jtn_ros.media.live.open_camera import open_camera
    from jtn_ros.media.video import VideoFrames

    if address.startswith(('http://', 'https://')) and address.endswith(_RECORDINGS):
        return VideoFrames(address)
    camera = open_camera(address, reconnect=reconnect)
    try:
        camera.wait_until_open()
    except BaseException:
        camera.close()
        raise
    return camera
