"""The state of a camera, for the diagnostics."""

from dataclasses import dataclass
from enum import StrEnum

from jtn_ros.nodes.common.problem import Problem


class Activity(StrEnum):
    """The activity of a camera of the tracker."""

    INACTIVE = 'inactive'
    DISABLED = 'disabled'
    IDLE = 'idle'  # no subscribers
    TRACKING = 'tracking'


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The rates, latencies and errors of one camera at one time.

    Attributes:
        input_rate: images per second that arrive.
        output_rate: images per second that are tracked.
        latencies: seconds from the arrival of an image to its published tracks, the 50th, 95th
            and 99th percentile; NaN when nothing was tracked.
        errors: images that could not be tracked, since the start.
        last_error: message of the last error; empty if none.
        error_age: seconds since then; infinite if none.
    """

    input_rate: float
    output_rate: float
    latencies: tuple[float, float, float]
    errors: int
    last_error: str
    error_age: float


@dataclass(frozen=True, kw_only=True)
class CameraState:
    """The state of a camera.

    Attributes:
        name: of the camera.
        topic: of its images.
        activity: current activity.
        problem: why images or positions are missing; None if they are not.
        processed: images tracked since the activation.
        dropped: images since then that a newer one replaced before they could be tracked.
        lost: images that were published but did not arrive, since the start.
        snapshot: rates, latencies and errors.
    """

    name: str
    topic: str
    activity: Activity
    problem: Problem | None
    processed: int
    dropped: int
    lost: int
    snapshot: Snapshot
