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
# So much above the confidence threshold of a model, hardly any detection is false.
_CERTAINTY = 0.05


@dataclass(frozen=True, kw_only=True)
class TrackTimes(Settings):
    """The life of a track, in frames and seconds, and how many there may be."""

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
        'Largest number of tracks at a time. When it is reached, no track starts; when fewer may '
        'start than are detected, the detections with the best scores start tracks. 0 sets no '
        'limit. The tracker reference has none.',
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
        0.9, 'Score from which a single detection confirms a track; at 1, none does.', **_SHARE
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
        'Number of boxes over which the exactness of predictions is learned; the greatest learns '
        'nothing.',
        low=1.0,
        high=1000000000.0,
    )
    motion_limit: float = setting(
        30.0,
        'Greatest negative log likelihood of a pair, for all coordinates together.',
        low=1.0,
        high=1000.0,
    )
    outlier_tail: float = setting(
        6.0,
        "Degrees of freedom of Student's t distribution. Few forgive bad boxes, many approach a "
        'normal distribution.',
        low=0.5,
        high=1000.0,
    )
    vagueness_weight: float = setting(
        2.2, 'Weight of an uncertain prediction against a pair.', low=0.0, high=10.0
    )
    low_score_limit: float = setting(
        0.7, 'Share of motion_limit for detections that are not confident.', **_SHARE
    )
    appearance_weight: float = setting(
        2.0, 'Cost of a cosine distance of 1, in motion limits.', low=0.0, high=10.0
    )
    appearance_neutral: float = setting(
        0.3, 'Cosine distance that speaks neither for nor against a pair.', **_DISTANCE
    )
    appearance_limit: float = setting(0.45, 'Greatest cosine distance of a pair.', **_DISTANCE)
    appearance_memory: float = setting(
        0.5, 'Time constant of the mean appearance, in seconds.', **_TIME
    )
    reidentification_limit: float = setting(
        0.2,
        'Greatest cosine distance at which a lost track is found again by its appearance.',
        **_DISTANCE,
    )
    reidentification_after: float = setting(
        0.5,
        'Time without a detection after which a track may be found again, in seconds.',
        **_TIME,
    )
    reidentification_speed: float = setting(
        4.0, 'Reach around the prediction, in sizes per second of absence.', low=0.0, high=100.0
    )
    camera_memory: float = setting(
        0.4, 'Tracks seen within this time vote on the motion of the camera, in seconds.', **_TIME
    )
    camera_reach: float = setting(
        1.5, 'Greatest shift of the image between two frames, in sizes.', **_LENGTH
    )
    camera_noise: float = setting(
        0.12, 'Standard deviation of a single vote, in sizes.', **_LENGTH
    )
    camera_evidence: float = setting(
        1.3,
        'Ratio of the votes for a shift to those for none from which the shift is taken.',
        low=1.0,
        high=100.0,
    )

    def confident(self, scores: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return which detections (N,) are associated first."""
        return (scores >= self.confident_score) & (scores > self.minimum_score)


@dataclass(frozen=True, kw_only=True)
class TrackingSettings(TrackTimes):
    """What users set about tracking, in the node and on the command line."""

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
        'Minimum score of a detection that confirms a track alone, without waiting for '
        'confirmation_hits. 0 selects 0.05 more than the score that starts a track for a model, '
        'and 0.9 for detections of another node; at 1, no detection does.',
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
            trusted: score that the model asks for; None keeps the tracker's own defaults.
            calibrated: whether that score was chosen for the detector, so that it tells which
                detections are certain.
            others: thresholds that users do not set usually.

        Raises:
            JtnError: if one is outside its range.
        """
        times = {entry.name: getattr(self, entry.name) for entry in fields(TrackTimes)}
        score = self.birth_score or trusted
        scores = {} if score is None else {'confident_score': score, 'birth_score': score}
        if score is not None and calibrated:
            scores['certain_score'] = min(1.0, score + _CERTAINTY)
        if self.certain_score:
            scores['certain_score'] = self.certain_score
        return TrackerSettings(**scores | times | others)
