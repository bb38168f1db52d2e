"""Prediction errors in the scene, relative to the errors that the filters expect."""

import numpy as np

from jtn_ros.tracking.kalman_filter import Floats
from jtn_ros.tracking.settings import TrackerSettings

_LEAST = 0.2  # some people stand still for long, and then walk on
_GREATEST = 9.0  # three standard deviations; beyond is a wrong pair rather than a wrong filter


class PredictionErrors:
    """Estimates the ratio of the squared errors to their expectation, for each coordinate.

    With a static camera, steady boxes agree with their predictions ten times better than the
    filters expect; with a rotating camera, they agree far worse. No fixed noise suits both cases,
    so the ratio is measured (innovation matching: Mehra, Approaches to adaptive filtering, IEEE
    Transactions on Automatic Control 17 (5), 1972). The gains of the filters depend only on ratios
    of noises, so they do not change.
    """

    def __init__(self) -> None:
        """Start with the errors that the filters expect."""
        self._ratios: Floats = np.ones(4)

    @property
    def scale(self) -> Floats:
        """Return the factors (4,) for the expected variances of the four coordinates."""
        return np.maximum(self._ratios, _LEAST)

    def learn(self, errors: Floats, variances: Floats, config: TrackerSettings) -> None:
        """Add the errors (N, 4) of predictions and their expected variances (N, 4)."""
        if not len(errors):
            return
        ratios = np.minimum(errors**2 / variances, _GREATEST).mean(axis=0)
        share = 1 - np.exp(-len(errors) / config.error_memory)
        self._ratios = self._ratios + share * (ratios - self._ratios)
