"""Every threshold of the tracker, in seconds and relative sizes."""

from dataclasses import dataclass
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError

_SHARE = (0.0, 1.0)
_LENGTH = (1e-3, 10.0)
_TIME = (0.0, 3600.0)
_DISTANCE = (0.0, 2.0)
RANGES = {
    'confident_score': _SHARE,
    'minimum_score': _SHARE,
    'birth_score': _SHARE,
    'confirmation_hits': (1, 100),
    'tentative_time': _TIME,
    'coast_time': _TIME,
    'lost_time': _TIME,
    'position_noise': _LENGTH,
    'size_noise': _LENGTH,
    'displacement_noise': _LENGTH,
    'initial_speed': _LENGTH,
    'acceleration_noise': _LENGTH,
    'resize_noise': _LENGTH,
    'error_memory': (1.0, 1e9),
    'motion_limit': (1.0, 1000.0),
    'outlier_tail': (0.5, 1000.0),
    'vagueness_weight': (0.0, 10.0),
    'low_score_limit': _SHARE,
    'appearance_weight': (0.0, 10.0),
    'appearance_neutral': _DISTANCE,
    'appearance_limit': _DISTANCE,
    'appearance_memory': _TIME,
    'reidentification_limit': _DISTANCE,
    'reidentification_after': _TIME,
    'reidentification_speed': (0.0, 100.0),
    'camera_memory': _TIME,
    'camera_reach': _LENGTH,
    'camera_noise': _LENGTH,
    'camera_evidence': (1.0, 100.0),
}


@dataclass(frozen=True, kw_only=True)
class TrackerConfig:
    """The thresholds of `Tracker`; lengths are relative to the size of the box, sqrt(area).

    Attributes:
        confident_score: detections at or above are associated first (0 to 1).
        minimum_score: detections at or below are never used (0 to 1).
        birth_score: an unmatched detection at or above starts a track (0 to 1).
        confirmation_hits: detections that make a tentative track a confirmed one (1 to 100).
        tentative_time: seconds without detection after which a tentative track is removed.
        coast_time: seconds without detection after which a confirmed track is lost.
        lost_time: seconds without detection after which a track is removed.
        position_noise: standard deviation of a detected centre, in sizes.
        size_noise: standard deviation of a detected width or height, in sizes.
        displacement_noise: standard deviation of a displacement with score 1, in sizes.
        initial_speed: standard deviation of the speed of a new track, sizes per second.
        acceleration_noise: standard deviation that a speed gains in one second, sizes per second.
        resize_noise: the same for width and height.
        error_memory: boxes over which it is learned how exact predictions are in this scene
            (1 to 1e9; the greatest learns nothing).
        motion_limit: greatest negative log likelihood of a pair, for all coordinates together
            (1 to 1000).
        outlier_tail: degrees of freedom of Student's t distribution; few forgive bad boxes,
            many make it a normal distribution (0.5 to 1000).
        vagueness_weight: how much an uncertain prediction counts against a pair (0 to 10).
        low_score_limit: share of `motion_limit` for detections that are not confident.
        appearance_weight: what a cosine distance of 1 costs, in motion limits (0 to 10).
        appearance_neutral: cosine distance that speaks neither for nor against (0 to 2).
        appearance_limit: a pair with a greater cosine distance never matches (0 to 2).
        appearance_memory: seconds over which the mean appearance forgets.
        reidentification_limit: greatest cosine distance at which a track is found again by its
            looks, wherever within reach.
        reidentification_after: seconds without detection from which it may be found so.
        reidentification_speed: its reach around the prediction, in sizes per second of absence.
        camera_memory: tracks seen within so many seconds vote on the motion of the camera.
        camera_reach: greatest shift between two frames, in sizes.
        camera_noise: standard deviation of a single vote, in sizes.
        camera_evidence: how many times more votes a shift needs than no shift (1 to 100).
    """

    confident_score: float = 0.5
    minimum_score: float = 0.1
    birth_score: float = 0.6
    confirmation_hits: int = 2
    tentative_time: float = 0.15
    coast_time: float = 0.25
    lost_time: float = 5.0
    position_noise: float = 0.06
    size_noise: float = 0.08
    displacement_noise: float = 0.12
    initial_speed: float = 1.9
    acceleration_noise: float = 0.8
    resize_noise: float = 0.17
    error_memory: float = 300.0
    motion_limit: float = 30.0
    outlier_tail: float = 6.0
    vagueness_weight: float = 2.2
    low_score_limit: float = 0.7
    appearance_weight: float = 2.0
    appearance_neutral: float = 0.3
    appearance_limit: float = 0.45
    appearance_memory: float = 0.5
    reidentification_limit: float = 0.2
    reidentification_after: float = 0.2
    reidentification_speed: float = 4.0
    camera_memory: float = 0.4
    camera_reach: float = 1.5
    camera_noise: float = 0.12
    camera_evidence: float = 1.3

    def __post_init__(self) -> None:
        """Check every value against its range."""
        for field in fields(self):
            low, high = RANGES[field.name]
            value = getattr(self, field.name)
            if not low <= value <= high:
                raise JtnError(f'{field.name} is {value}; it must be {low:g} to {high:g}')

    def confident(self, scores: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which detections (N,) are associated first."""
        return (scores >= self.confident_score) & (scores > self.minimum_score)
