"""Outputs that all cameras of a node share."""

from typing import Protocol

from jtn_ros.nodes.outputs.camera_frame import CameraFrame


class SharedOutput(Protocol):
    """Publishes the combined results of all cameras."""

    @property
    def listeners(self) -> int:
        """Return the number of subscribers of outputs that need images."""
        ...

    def publish(self, camera: str, frame: CameraFrame) -> None:
        """Process a frame of a camera; called concurrently on the threads of the cameras."""
        ...

    def reset(self) -> None:
        """Reset the state."""
        ...

    def destroy(self) -> None:
        """Remove everything from the node, after the last camera stopped publishing."""
        ...
