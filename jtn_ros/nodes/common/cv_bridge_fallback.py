"""cv_bridge for the encodings that the project does not convert itself.

A cv_bridge that was built for another NumPy fails on import or terminates the process, so it is
tried in a separate process first.
"""

import subprocess
import sys
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from jtn_ros.errors import JtnError
from jtn_ros.media.messages.image_serialization import ImageView

_TRIAL = """
import numpy
from cv_bridge import CvBridge
message = CvBridge().cv2_to_imgmsg(numpy.full((2, 2, 3), 7, numpy.uint8), 'rgb8')
assert (CvBridge().imgmsg_to_cv2(message, 'bgr8') == 7).all()
"""
_TRIAL_S = 30.0


@cache
def cv_bridge_objection() -> str | None:
    """Return why cv_bridge cannot be used here, or None when it works."""
    try:
        trial = subprocess.run(
            [sys.executable, '-c', _TRIAL], capture_output=True, text=True, timeout=_TRIAL_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f'cv_bridge cannot be tried: {error}'
    if trial.returncode == 0:
        return None
    if "No module named 'cv_bridge'" in trial.stderr:
        return 'cv_bridge is not installed'
    lines = trial.stderr.strip().splitlines()
    reason = lines[-1] if lines else f'it ends the process with exit code {trial.returncode}'
    return f'cv_bridge does not work beside NumPy {np.__version__}: {reason}'


def convert_by_cv_bridge(message: Image | ImageView) -> NDArray[np.uint8]:
    """Return the image as uint8 BGR (height, width, 3).

    Raises:
        JtnError: if cv_bridge is not available or cannot convert the image.
    """
    if (objection := cv_bridge_objection()) is not None:
        raise JtnError(objection)
    from cv_bridge import CvBridge

    try:
        image = np.asarray(CvBridge().imgmsg_to_cv2(message, 'bgr8'))
    except Exception as error:  # its exceptions come from C++ and share no base
        raise JtnError(f'cv_bridge cannot convert it: {error}') from error
    if image.dtype != np.uint8 or image.shape != (message.height, message.width, 3):
        raise JtnError(f'cv_bridge returned {image.dtype} {image.shape}')
    return image
