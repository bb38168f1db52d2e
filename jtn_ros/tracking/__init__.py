"""Detections to tracks: numpy and SciPy only; knows neither images nor torch nor ROS."""

from jtn_ros.tracking.frame_tracker import FrameTracker
from jtn_ros.tracking.reference_tracker import ReferenceTracker
from jtn_ros.tracking.registry import TRACKERS
from jtn_ros.tracking.registry import make_tracker
from jtn_ros.tracking.settings import TrackerSettings
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState
from jtn_ros.tracking.tracker import Tracker

__all__ = [
    'TRACKERS',
    'FrameTracker',
    'ReferenceTracker',
    'TrackState',
    'Tracker',
    'TrackerSettings',
    'Tracks',
    'make_tracker',
]
