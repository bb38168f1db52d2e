"""The thresholds of the trackers, in seconds and relative sizes."""

from dataclasses import dataclass
from dataclasses import fields
from typing import Any
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jtn_ros.settings import Settings
from jtn_ros.settings import setting

TrackerName = Literal['default', 'reference']

_SHARE = {'low': 0.0, 'high': 1.0}
_LENGTH = {'low': 1e-3, 'high': 10.0}
_TIME = {'low': 0.0, 'high': 3600.0}
_DISTANCE = {'low': 0.0, 'high': 2.0}
# Margin above the confidence threshold of a model from which false positives are rare.
_CERTAINTY = 0.05


@dataclass(frozen=True, kw_only=True)
class TrackTimes(Settings):
    """The lifetime of tracks, in frames and seconds, and their maximum number."""

    confirmation_hits: int = setting(
        4,
        'Number of detections after which a tentative track is confirmed.',
        low=1,
        high=100,
        live=True,
    )
    coast_time: float = setting(
        0.25,
        'Time without a detection after which a confirmed track is lost, in seconds.',
        **_TIME,
        live=True,
    )
    lost_time: float = setting(
        5.0,
        'Time without a detection after which a track is removed, in seconds.',
        **_TIME,
        live=True,
    )
    max_tracks: int = setting(
        0,
        'Maximum number of simultaneous tracks. While it is reached, no new track starts. If '
        'there are more detections than free places, the detections with the best scores start '
        'tracks. 0 sets no limit. The reference tracker ignores this parameter.',
        low=0,
        high=100000,
        live=True,
    )


@dataclass(frozen=True, kw_only=True)
class TrackerSettings(TrackTimes):
    """Every threshold of `Tracker`; a size is the square root of the area of the box."""

    confident_score: float = setting(
        0.5, 'Score from which a detection is trusted and associated first.', **_SHARE
    )
    minimum_score: float = setting(
        0.1, 'Detections with this score or less are never used.', **_SHARE
    )
    birth_score: float = setting(
        0.6, 'Score from which an unmatched detection starts a track.', **_SHARE
    )
    certain_score: float = setting(
        0.9, 'Score from which a single detection confirms a track. 1 disables this.', **_SHARE
    )
    tentative_time: float = setting(
        0.15,
        'Time without a detection after which a tentative track is removed, in seconds.',
        **_TIME,
    )
    position_noise: float = setting(
        0.06, 'Standard deviation of a detected center, in sizes.', **_LENGTH
    )
    size_noise: float = setting(
        0.08, 'Standard deviation of a detected width or height, in sizes.', **_LENGTH
    )
    displacement_noise: float = setting(
        0.12, 'Standard deviation of a displacement with score 1, in sizes.', **_LENGTH
    )
    initial_speed: float = setting(
        1.9, 'Standard deviation of the speed of a new track, in sizes per second.', **_LENGTH
    )
    acceleration_noise: float = setting(
        0.8, 'Standard deviation that a speed gains in one second, in sizes per second.', **_LENGTH
    )
    resize_noise: float = setting(
        0.17,
        'Standard deviation that the rate of width and height gains in one second, in sizes per '
        'second.',
        **_LENGTH,
    )
    error_memory: float = setting(
        300.0,
        'Number of boxes over which the accuracy of predictions is estimated. The maximum '
        'disables the estimation.',
        low=1.0,
        high=1000000000.0,
    )
    motion_limit: float = setting(
        30.0,
        'Largest negative log likelihood of a pair, for all coordinates together.',
        low=1.0,
        high=1000.0,
    )
    outlier_tail: float = setting(
        6.0,
        "Degrees of freedom of Student's t distribution of the prediction errors. Small values "
        'tolerate outliers; large values approach a normal distribution.',
        low=0.5,
        high=1000.0,
    )
    vagueness_weight: float = setting(
        2.2, 'Weight of the uncertainty of the prediction in the cost.', low=0.0, high=10.0
    )
    low_score_limit: float = setting(
        0.7, 'Fraction of motion_limit that applies to low-score detections.', **_SHARE
    )
    appearance_weight: float = setting(
        2.0, 'Cost of a cosine distance of 1, in motion limits.', low=0.0, high=10.0
    )
    appearance_neutral: float = setting(
        0.3, 'Cosine distance that counts neither for nor against a pair.', **_DISTANCE
    )
    appearance_limit: float = setting(0.45, 'Largest cosine distance of a pair.', **_DISTANCE)
    appearance_memory: float = setting(
        0.5, 'Time constant of the mean appearance, in seconds.', **_TIME
    )
    reidentification_limit: float = setting(
        0.2,
        'Largest cosine distance at which a lost track is re-identified by its appearance.',
        **_DISTANCE,
    )
    reidentification_after: float = setting(
        0.5,
        'Time without a detection after which a track can be re-identified by its appearance, in '
        'seconds.',
        **_TIME,
    )
    reidentification_speed: float = setting(
        4.0,
        'Growth of the search radius around the prediction, in sizes per second without a '
        'detection.',
        low=0.0,
        high=100.0,
    )
    camera_memory: float = setting(
        0.4,
        'Tracks detected within this time are used to estimate the camera motion, in seconds.',
        **_TIME,
    )
    camera_reach: float = setting(
        1.5, 'Largest shift of the image between two frames, in sizes.', **_LENGTH
    )
    camera_noise: float = setting(
        0.12, 'Standard deviation of the vote of a track for a shift, in sizes.', **_LENGTH
    )
    camera_evidence: float = setting(
        1.3,
        'Minimum ratio of the votes for a shift to the votes for no shift.',
        low=1.0,
        high=100.0,
    )

    def confident(self, scores: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return bool (N,), the detections that are associated first."""
        return (scores >= self.confident_score) & (scores > self.minimum_score)


@dataclass(frozen=True, kw_only=True)
class TrackingSettings(TrackTimes):
    """Tracking parameters of the node and the command line."""

    tracker: TrackerName = setting(
        'default',
        'Tracking algorithm. reference is the published one, which has fixed thresholds and no '
        'output for objects that are not detected.',
    )
    score_threshold: float = setting(
        0.0,
        'Confidence threshold. Detections with this score or less are ignored. At 0, the tracker '
        'uses low-score detections to continue tracks, but not to start them.',
        **_SHARE,
        live=True,
    )
    birth_score: float = setting(
        0.0,
        'Minimum score of a detection that is trusted and may start a track. 0 selects the '
        'confidence threshold of the model.',
        **_SHARE,
        live=True,
    )
    certain_score: float = setting(
        0.0,
        'Minimum score at which a single detection confirms a track, without waiting for '
        'confirmation_hits. 0 selects birth_score + 0.05 for a model, and 0.9 for detections of '
        'another node. 1 disables this.',
        **_SHARE,
        live=True,
    )
    backward_tolerance: float = setting(
        0.1,
        'Largest backward jump of the image timestamps that does not start a new session, in '
        'seconds.',
        low=0.0,
        high=60.0,
        live=True,
    )

    def thresholds(
        self, trusted: float | None, *, calibrated: bool = True, **others: Any
    ) -> TrackerSettings:
        """Return the thresholds of the tracker.

        Args:
            trusted: confidence threshold of the model; None keeps the defaults of the tracker.
            calibrated: whether that threshold was chosen for the detector, so that certain
                detections can be derived from it.
            others: further thresholds, which users rarely set.

        Raises:
            JtnError: if a value is outside its range.
        """
        times = {entry.name: getattr(self, entry.name) for entry in fields(TrackTimes)}
        score = self.birth_score or trusted
        scores = {} if score is None else {'confident_score': score, 'birth_score': score}
        if score is not None and calibrated:
            scores['certain_score'] = min(1.0, score + _CERTAINTY)
        if self.certain_score:
            scores['certain_score'] = self.certain_score
        return TrackerSettings(**scores | times | others)
