"""Tracking of detections. Depends only on NumPy and SciPy, not on images, torch or ROS."""

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
