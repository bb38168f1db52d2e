"""Frames in and results out: videos, image folders, cameras, bags and drawings."""

from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.opening import open_frames

__all__ = ['Frame', 'FrameSource', 'open_frames']
