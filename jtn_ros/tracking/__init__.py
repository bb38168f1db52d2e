"""Detections to tracks: numpy and SciPy only; knows neither images nor torch nor ROS."""

from jtn_ros.tracking.reference_tracker import ReferenceTracker
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

__all__ = ['ReferenceTracker', 'TrackState', 'Tracks']
