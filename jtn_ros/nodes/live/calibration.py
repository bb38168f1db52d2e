"""Calibration files of ROS's camera_calibration."""

from pathlib import Path

import yaml
from sensor_msgs.msg import CameraInfo

from jtn_ros.errors import JtnError


def read_calibration(path: str) -> CameraInfo | None:
    """Return the calibration in a file written by camera_calibration; None without a path.

    Raises:
        OSError: if it cannot be read.
        JtnError: if it is not such a file.
    """
    if not path:
        return None
    try:
        content = yaml.safe_load(Path(path).read_text('utf-8'))
        return CameraInfo(
            width=content['image_width'],
            height=content['image_height'],
            distortion_model=content['distortion_model'],
            d=[float(value) for value in content['distortion_coefficients']['data']],
            k=[float(value) for value in content['camera_matrix']['data']],
            r=[float(value) for value in content['rectification_matrix']['data']],
            p=[float(value) for value in content['projection_matrix']['data']],
        )
    except (AssertionError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise JtnError(
            f'{path} is not a calibration file ({type(error).__name__}: {error}); create one with '
            'camera_calibration'
        ) from error
