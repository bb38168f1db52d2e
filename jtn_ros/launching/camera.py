"""The launch arguments about a camera that a node of this package reads."""

from collections.abc import Mapping

# By name, default and description; see `jtn_ros.launching.tracker.declare_arguments`.
CAMERA = {
    'width': ('', 'Image width to request from a webcam, in pixels. Empty requests nothing.'),
    'height': ('', 'Image height to request from a webcam, in pixels. Empty requests nothing.'),
    'rate': ('', 'Images per second. Empty uses the rate of the camera or recording.'),
    'frame_id': ('', 'Coordinate frame of the camera. Empty is "camera".'),
    'calibration': ('', 'Calibration file of camera_calibration (YAML), required for positions.'),
}
_TYPES = {'width': int, 'height': int, 'rate': float, 'frame_id': str, 'calibration': str}


def camera_parameters(configurations: Mapping[str, str]) -> dict[str, object]:
    """Return those of the arguments that are given, as parameters of a node.

    Raises:
        ValueError: if one is no number and has to be.
    """
    return {
        name: kind(configurations[name]) for name, kind in _TYPES.items() if configurations[name]
    }
