"""Every threshold of the tracker, in seconds and relative sizes."""

from dataclasses import dataclass
from dataclasses import fields

# The size of a box, to which lengths are relative, is the square root of its area.
_SHARE = (0.0, 1.0)
_LENGTH = (1e-3, 10.0)
_TIME = (0.0, 3600.0)
_RANGES = {
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
    'gate_sigmas': (0.0, 10.0),
    'minimum_overlap': _SHARE,
    'minimum_overlap_low': _SHARE,
    'duplicate_overlap': _SHARE,
    'appearance_weight': _SHARE,
    'appearance_limit': (0.0, 2.0),
    'appearance_memory': _TIME,
    'gallery_interval': _TIME,
    'reidentification_limit': (0.0, 2.0),
    'reidentification_time': _TIME,
    'reidentification_speed': (0.0, 100.0),
}


@dataclass(frozen=True, kw_only=True)
class TrackerConfig:
    """The thresholds of `Tracker`; lengths are relative to the size of the box, sqrt(area).

    Attributes:
        confident_score: detections at or above are associated first (0 to 1).
        minimum_score: detections below are never used (0 to 1).
        birth_score: an unmatched detection at or above starts a track (0 to 1).
        confirmation_hits: observations that make a tentative track a confirmed one (1 to 100).
        tentative_time: seconds without observation after which a tentative track is removed.
        coast_time: seconds without observation after which a confirmed track is lost.
        lost_time: seconds without observation after which a track is removed.
        position_noise: standard deviation of a detected centre, in sizes.
        size_noise: standard deviation of a detected width or height, in sizes.
        displacement_noise: standard deviation of a displacement with score 1, in sizes.
        initial_speed: standard deviation of the speed of a new track, sizes per second.
        acceleration_noise: how fast speeds change: their standard deviation after one second,
            sizes per second.
        resize_noise: the same for width and height.
        gate_sigmas: predicted boxes are widened by so many standard deviations (0 to 10).
        minimum_overlap: least overlap of a confident detection and a widened box (0 to 1).
        minimum_overlap_low: the same for detections that are not confident.
        duplicate_overlap: a detection that overlaps a tracked box more starts no track.
        appearance_weight: share of appearance in the cost of a pair, the rest is motion.
        appearance_limit: greatest cosine distance of a pair (0 to 2).
        appearance_memory: seconds over which the mean appearance forgets.
        gallery_interval: seconds between the views that are kept for re-identification.
        reidentification_limit: greatest cosine distance at which a lost track is found again.
        reidentification_time: seconds without observation after which an unconfirmed guess of
            the position is no longer needed: appearance decides inside a growing circle.
        reidentification_speed: growth of that circle, sizes per second.
    """

    confident_score: float = 0.5
    minimum_score: float = 0.1
    birth_score: float = 0.5
    confirmation_hits: int = 2
    tentative_time: float = 0.25
    coast_time: float = 0.25
    lost_time: float = 2.0
    position_noise: float = 0.06
    size_noise: float = 0.08
    displacement_noise: float = 0.04
    initial_speed: float = 1.5
    acceleration_noise: float = 1.0
    resize_noise: float = 0.15
    gate_sigmas: float = 1.0
    minimum_overlap: float = 0.2
    minimum_overlap_low: float = 0.4
    duplicate_overlap: float = 0.8
    appearance_weight: float = 0.5
    appearance_limit: float = 0.6
    appearance_memory: float = 0.5
    gallery_interval: float = 0.5
    reidentification_limit: float = 0.35
    reidentification_time: float = 0.2
    reidentification_speed: float = 2.0

    def __post_init__(self) -> None:
        """Check every value against its range."""
        for field in fields(self):
            low, high = _RANGES[field.name]
            value = getattr(self, field.name)
            if not low <= value <= high:
                raise ValueError(f'{field.name} is {value}; it must be {low:g} to {high:g}')
