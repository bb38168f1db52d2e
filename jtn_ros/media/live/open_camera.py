"""Opening of cameras: local cameras with OpenCV, network cameras with PyAV."""

import os
import sys
import time
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from jtn_ros.datasets.sequence_images import DEFAULT_FRAME_RATE
from jtn_ros.errors import JtnError
from jtn_ros.media.camera_address import describe
from jtn_ros.media.camera_address import name_of
from jtn_ros.media.camera_address import read_address
from jtn_ros.media.frames import plausible_rate
from jtn_ros.media.live.live_input import LiveInput
from jtn_ros.media.live.live_input import Picture
from jtn_ros.media.live.live_source import LiveSource


class DeviceInput:
    """A camera that is connected to this machine.

    Args:
        device: index of a webcam, its device file, or a GStreamer pipeline.
        width: width to ask for, in pixels; 0 leaves it as it is.
        height: height to ask for, in pixels; 0 leaves it as it is.
        frame_rate: frames per second to ask for; 0 leaves them as they are.

    Raises:
        JtnError: if there is no such camera.
    """

    def __init__(
        self, device: str, *, width: int = 0, height: int = 0, frame_rate: float = 0.0
    ) -> None:
        """Open the camera."""
        _require_device(device)
        self._capture = cv2.VideoCapture(int(device) if device.isdigit() else device)
        if not self._capture.isOpened():
            raise JtnError(
                'it is not a camera, or it is busy; check its number, and that no other program '
                'uses it'
            )
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

    def grab(self) -> Picture:
        """Wait for the next image.

        It is converted at once, because the next one overwrites it in the driver.
        """
        if not self._capture.grab():
            raise JtnError('it no longer sends images; check that it is connected')
        stamp_ns = time.time_ns()
        good, image = self._capture.retrieve()
        if not good:
            raise JtnError('its images cannot be decoded; try another width and height')
        return Picture(stamp_ns, partial(np.asarray, image, np.uint8))

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()


def open_camera(
    device: str,
    *,
    width: int = 0,
    height: int = 0,
    frame_rate: float = 0.0,
    reconnect: bool = False,
) -> LiveSource:
    """Start to open a camera by its index (``0``), its device file or a URL.

    Args:
        device: the camera, or the location of its address; see `jtn_ros.media.camera_address`.
        width: width to ask a camera of this machine for, in pixels; 0 leaves it as it is.
        height: height to ask it for, in pixels; 0 leaves it as it is.
        frame_rate: frames per second to ask it for; 0 leaves them as they are.
        reconnect: whether to open it again when it fails.

    Raises:
        OSError: if the file with its address cannot be read.
        JtnError: if the variable or file contains no address.
    """
    address = read_address(device)

    def open_input() -> LiveInput:
        if '://' in address:
            from jtn_ros.media.live.stream_input import StreamInput  # only streams require av

            return StreamInput(address)
        return DeviceInput(address, width=width, height=height, frame_rate=frame_rate)

    return LiveSource(name_of(address), describe(address), open_input, reconnect=reconnect)


def _require_device(device: str) -> None:
    """Reject a device that does not exist; OpenCV would only report this on stderr.

    Raises:
        JtnError: if it does not exist, or the user may not open it.
    """
    path = Path(f'/dev/video{device}' if device.isdigit() else device)
    if not sys.platform.startswith('linux') or path.parts[:2] != ('/', 'dev'):
        return
    if not path.exists():
        present = ' '.join(sorted(str(one) for one in Path('/dev').glob('video*'))) or 'none'
        raise JtnError(
            f'there is no {path} (there are: {present}); check that the camera is connected'
        )
    if not os.access(path, os.R_OK | os.W_OK):
        raise JtnError(f'this user may not open {path}; join its group, usually video')
