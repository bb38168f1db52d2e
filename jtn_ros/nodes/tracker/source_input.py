"""The images of a camera that the node reads itself."""

from collections.abc import Callable
from dataclasses import dataclass

from rclpy.node import Node

from jtn_ros.nodes.common.conversions import OwnImage
from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.live.camera_stream import CameraStream
from jtn_ros.nodes.live.camera_stream import StreamSettings
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class SourceSettings(StreamSettings):
    """The camera that the node reads itself, if any."""

    source: str = setting(
        '',
        'Camera or recording that the node reads itself: number of a webcam, device file, URL, or '
        'path of a video, folder or bag (played in a loop). The images are published on image '
        'while it has subscribers. env:VARIABLE or file:PATH reads the URL from there and keeps '
        'it secret. Empty subscribes to image.',
    )


class SourceInput:
    """Replaces `ImageInput` if the node reads the camera itself.

    Images do not pass through the middleware, so none is lost before the queue of the tracker.
    """

    lost = 0

    def __init__(
        self,
        node: Node,
        prefix: str,
        values: SourceSettings,
        on_image: Callable[[OwnImage], None],
    ) -> None:
        """Start to read, and publish while there are subscribers.

        Args:
            node: the node that publishes.
            prefix: of the topics of the camera.
            values: which camera, and how to read it.
            on_image: called with every image while it is open, on the thread of the camera.

        Raises:
            OSError, JtnError: see `CameraStream`.
        """
        self._open = False
        self._on_image = on_image
        self._stream = CameraStream(
            node,
            values.source,
            values,
            title='source',
            topics=(f'{prefix}image', f'{prefix}camera_info'),
            on_image=self._take,
        )
        self.topic = self._stream.topic

    @property
    def is_open(self) -> bool:
        """Return whether images are passed on."""
        return self._open

    def open(self) -> None:
        """Pass images on."""
        self._open = True

    def close(self) -> None:
        """Stop passing images on."""
        self._open = False

    def destroy(self) -> None:
        """Release the camera."""
        self._stream.close()

    def check(self) -> Problem | None:
        """Return why images do not arrive; None while they do, and while it is closed."""
        return self._stream.problem() if self._open else None

    def _take(self, message: OwnImage) -> None:
        if self._open:
            self._on_image(message)
