"""Motion with nearly constant velocity, for many objects at once."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Standard deviation that a speed gains in one second. [m/s]
_ACCELERATION = 1.0


def predict(means: Floats, covariances: Floats, seconds: Floats | float) -> tuple[Floats, Floats]:
    """Return the states of objects at a later or an earlier time, with a larger uncertainty.

    The velocity changes by white noise (Bar-Shalom, Li and Kirubarajan, "Estimation with
    Applications to Tracking and Navigation", 2001, section 6.2.2).

    Args:
        means: (N, 6) points and velocities in meters and meters per second.
        covariances: (N, 6, 6) of these.
        seconds: (N,) of each object, or of all.
    """
    times = np.broadcast_to(np.asarray(seconds, np.float64), len(means))[:, None, None]
    eye, zero = np.eye(3), np.zeros((3, 3))
    transition = np.eye(6) + times * np.block([[zero, eye], [zero, zero]])
    span = np.abs(times)
    noise = (
        span**3 / 3 * np.block([[eye, zero], [zero, zero]])
        + span * times / 2 * np.block([[zero, eye], [eye, zero]])
        + span * np.block([[zero, zero], [zero, eye]])
    )
    predicted = (transition @ means[:, :, None])[:, :, 0]
    spread = transition @ covariances @ transition.transpose(0, 2, 1)
    return predicted, spread + _ACCELERATION**2 * noise
