"""A live window."""

import os

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError

_ESCAPE = 27


class Window:
    """Shows images on the screen; use it as a context manager, on one thread.

    Args:
        title: title of the window.

    Raises:
        JtnError: if there is no screen, or this OpenCV cannot open windows.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._sized = False
        if not (os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY')):
            raise JtnError('there is no screen for a window; write a video instead (--video)')
        try:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_GUI_NORMAL)
        except cv2.error as error:
            raise JtnError(
                'this build of OpenCV cannot open windows; install another one '
                '(apt install python3-opencv, or pip install opencv-python in place of '
                'opencv-python-headless), or write a video instead (--video)'
            ) from error

    def show(self, image: NDArray[np.uint8]) -> bool:
        """Show a uint8 BGR image; return False once the user closes the window (q, Esc, close)."""
        if not self._sized:
            cv2.resizeWindow(self._title, image.shape[1], image.shape[0])
            self._sized = True
        cv2.imshow(self._title, image)
        key = cv2.waitKey(1) & 0xFF
        visible = cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        return visible and key not in (ord('q'), _ESCAPE)

    def __enter__(self) -> 'Window':
        """Return the window, which is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the window."""
        cv2.destroyWindow(self._title)
