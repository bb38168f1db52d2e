"""The images of a camera in the same process, handed over without a topic."""

from collections.abc import Callable
from typing import Self

from rclpy.node import Node

from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.tracker.image_input import ImageMessage
from jtn_ros.nodes.tracker.image_input import Transport


class DirectInput:
    """Takes the place of `ImageInput` where the camera node is in the same process.

    No image is serialized, and none is lost between the camera and the tracker's slot.

    Attributes:
        is_open: whether images are wanted.
        topic: on which the camera publishes for others.
        lost: images that did not arrive, which cannot happen here.
        problem: returns why no images come; None while they do.
    """

    def __init__(self) -> None:
        """Begin without a tracker and without a camera."""
        self.is_open = False
        self.topic = ''
        self.lost = 0
        self.problem: Callable[[], Problem | None] = lambda: None
        self._on_image: Callable[[ImageMessage], None] | None = None

    def attach(
        self, node: Node, topic: str, _: Transport, on_image: Callable[[ImageMessage], None]
    ) -> Self:
        """Become the input of a tracker; the arguments are those of `ImageInput`."""
        self.topic = node.resolve_topic_name(topic)
        self._on_image = on_image
        return self

    def put(self, message: ImageMessage) -> None:
        """Hand an image over; called on the thread of the camera."""
        if self.is_open and self._on_image is not None:
            self._on_image(message)

    def open(self) -> None:
        """Want images."""
        self.is_open = True

    def close(self) -> None:
        """Want no more of them."""
        self.is_open = False

    def check(self) -> Problem | None:
        """Return why images do not come; None while they do, and while it is closed."""
        return self.problem() if self.is_open else None
