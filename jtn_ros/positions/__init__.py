"""Positions of objects in space: camera model, depth, ground plane and motion; without ROS."""

from jtn_ros.positions.camera_model import CameraModel
from jtn_ros.positions.depth import locate_by_depth
from jtn_ros.positions.extent import with_extents
from jtn_ros.positions.ground import GroundPlane
from jtn_ros.positions.ground import locate_on_ground
from jtn_ros.positions.measurement import Measurements
from jtn_ros.positions.position_filter import PositionFilter
from jtn_ros.positions.position_filter import Positions
from jtn_ros.positions.world_tracker import WorldFrame
from jtn_ros.positions.world_tracker import WorldSettings
from jtn_ros.positions.world_tracker import WorldTracker
from jtn_ros.positions.world_tracks import WorldTracks

__all__ = [
    'CameraModel',
    'GroundPlane',
    'Measurements',
    'PositionFilter',
    'Positions',
    'WorldFrame',
    'WorldSettings',
    'WorldTracker',
    'WorldTracks',
    'locate_by_depth',
    'locate_on_ground',
    'with_extents',
]
