"""Outputs that all cameras of a node share."""

from typing import Protocol

from jtn_ros.nodes.outputs.camera_frame import CameraFrame


class SharedOutput(Protocol):
    """Publishes what the frames of all cameras say together."""

    @property
    def listeners(self) -> int:
        """Return how many listen to what is made from images."""
        ...

    def publish(self, camera: str, frame: CameraFrame) -> None:
        """Take a frame of a camera; called on the threads of the cameras, several at a time."""
        ...

    def reset(self) -> None:
        """Forget what came before."""
        ...

    def destroy(self) -> None:
        """Remove everything from the node, when no camera publishes anymore."""
        ...
