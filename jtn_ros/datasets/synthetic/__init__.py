"""Synthetic video of walking people with exact ground truth, drawn with NumPy and OpenCV."""

from jtn_ros.datasets.synthetic.config import SceneConfig
from jtn_ros.datasets.synthetic.scene import Scene

__all__ = ['Scene', 'SceneConfig']
