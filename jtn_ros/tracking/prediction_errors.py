"""How far predictions are off in this scene, compared with what the filters expect."""

import numpy as np

from jtn_ros.tracking.kalman_filter import Floats
from jtn_ros.tracking.settings import TrackerSettings

_LEAST = 0.2  # some people stand still for long, and then walk on
_GREATEST = 9.0  # three standard deviations; beyond is a wrong pair rather than a wrong filter


class PredictionErrors:
    """Learns how much greater than expected the squared errors are, for every coordinate.

    Steady boxes from a still camera agree with their predictions ten times better than the
    filters expect, and those from a turning one far worse. No noise fits both, so it is measured
    (innovation matching: Mehra, Approaches to adaptive filtering, IEEE Transactions on Automatic
    Control 17 (5), 1972). The gains of the filters depend on ratios of noises alone and stay.
    """

    def __init__(self) -> None:
        """Start with the errors that the filters expect."""
        self._ratios: Floats = np.ones(4)

    @property
    def scale(self) -> Floats:
        """Return by what to multiply the expected variances of the four coordinates (4,)."""
        return np.maximum(self._ratios, _LEAST)

    def learn(self, errors: Floats, variances: Floats, config: TrackerSettings) -> None:
        """Take the errors (N, 4) of predictions and the variances (N, 4) that were expected."""
        if not len(errors):
            return
        ratios = np.minimum(errors**2 / variances, _GREATEST).mean(axis=0)
        share = 1 - np.exp(-len(errors) / config.error_memory)
        self._ratios = self._ratios + share * (ratios - self._ratios)
