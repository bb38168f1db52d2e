"""Frames of a webcam or a network stream."""

import time
from abc import abstractmethod
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.sequence_images import DEFAULT_FRAME_RATE
from jtn_ros.errors import JtnError
from jtn_ros.media.camera_address import describe
from jtn_ros.media.camera_address import name_of
from jtn_ros.media.camera_address import read_address
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.frames import plausible_rate
from jtn_ros.media.intensity import IntensityRange

_REMEDY = 'check that it is connected, that no other program uses it, and the address'


class CameraFrames(FrameSource):
    """A live source, stamped with the time at which each frame arrives. It ends when it fails."""

    length = None

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames from now on, counted from 0; the first ``start`` are dropped."""
        index = 0
        for image in self._images():
            if index >= start:
                yield Frame(index, time.time_ns(), image)
            index += 1
            if stop is not None and index >= stop:
                return
        if index == 0:
            raise JtnError(f'camera {self.name} opens but sends no frames; try again')

    @abstractmethod
    def _images(self) -> Iterator[NDArray[np.uint8]]:
        """Yield the images from now on."""


class DeviceFrames(CameraFrames):
    """A camera that is connected to this machine.

    Args:
        device: index of a webcam, or its device file.
        width: width to ask for, in pixels; 0 leaves it as it is.
        height: height to ask for, in pixels; 0 leaves it as it is.
        frame_rate: frames per second to ask for; 0 leaves them as they are.

    Raises:
        JtnError: if there is no such camera.
    """

    def __init__(
        self, device: int | str, *, width: int = 0, height: int = 0, frame_rate: float = 0.0
    ) -> None:
        """Open the camera."""
        super().__init__()
        self.name = name_of(str(device))
        self._capture = cv2.VideoCapture(device)
        if not self._capture.isOpened():
            raise JtnError(f'camera {device} does not open; {_REMEDY}')
        for key, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, width),
            (cv2.CAP_PROP_FRAME_HEIGHT, height),
            (cv2.CAP_PROP_FPS, frame_rate),
        ):
            if value:
                self._capture.set(key, value)
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate = plausible_rate(self._capture.get(cv2.CAP_PROP_FPS))
        self.frame_rate = rate or DEFAULT_FRAME_RATE

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()

    def _images(self) -> Iterator[NDArray[np.uint8]]:
        good, image = self._capture.read()
        while good:
            yield np.asarray(image, np.uint8)
            good, image = self._capture.read()


class StreamFrames(CameraFrames):
    """A network camera or another stream; interlaced video is deinterlaced.

    Args:
        address: a URL that FFmpeg can open.

    Raises:
        JtnError: if it does not answer, or sends no video.
    """

    def __init__(self, address: str) -> None:
        """Connect to the camera and wait for its first image."""
        from jtn_ros.media.video_decoding import VideoInput

        super().__init__()
        self.name = name_of(address)
        try:
            self._video = VideoInput(address, live=True)
        except JtnError as error:
            raise JtnError(f'{describe(address)} does not open ({error}); {_REMEDY}') from error
        self.frame_rate = plausible_rate(self._video.frame_rate) or DEFAULT_FRAME_RATE
        self.width, self.height = self._video.size

    def close(self) -> None:
        """Disconnect."""
        self._video.close()

    def _images(self) -> Iterator[NDArray[np.uint8]]:
        from jtn_ros.media.video_decoding import to_bgr

        intensity = IntensityRange()
        for frame, _ in self._video.frames(lambda error: self._report_broken(0, error)):
            yield to_bgr(frame, intensity)


def open_camera(
    device: str, *, width: int = 0, height: int = 0, frame_rate: float = 0.0
) -> CameraFrames:
    """Open a camera by its index (``0``), its device file or a URL.

    Args:
        device: which one, or where that is kept, see `jtn_ros.media.camera_address`.
        width: width to ask a camera of this machine for, in pixels; 0 leaves it as it is.
        height: height to ask it for, in pixels; 0 leaves it as it is.
        frame_rate: frames per second to ask it for; 0 leaves them as they are.

    Raises:
        OSError: if the file with its address cannot be read.
        JtnError: if it does not open.
    """
    address = read_address(device)
    if '://' in address:
        return StreamFrames(address)
    return DeviceFrames(
        int(address) if address.isdigit() else address,
        width=width, height=height, frame_rate=frame_rate,
    )  # fmt: skip
