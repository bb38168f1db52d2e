"""Synthetic videos of walking people with exact ground truth, drawn with NumPy and OpenCV."""

from jtn_ros.synthetic.scene import Scene
from jtn_ros.synthetic.scene_config import SceneConfig

__all__ = ['Scene', 'SceneConfig']
