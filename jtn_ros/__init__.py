"""JointTrackNet for ROS 2: multi-object tracking in camera images.

``docs/architecture.md`` describes the subpackages and the rules for imports between them.

>>> from jtn_ros import TrackingPipeline
>>> pipeline = TrackingPipeline()
>>> tracks = pipeline.process(image, stamp_ns).tracks   # image: uint8 BGR (H, W, 3)
"""

from typing import TYPE_CHECKING

__version__ = '0.1.0'

if TYPE_CHECKING:
    from jtn_ros.pipeline import TrackingPipeline

__all__ = ['TrackingPipeline', '__version__']


def __getattr__(name: str) -> object:
    """Import the pipeline on first use, so that ``import jtn_ros`` is fast."""
    if name == 'TrackingPipeline':
        from jtn_ros.pipeline import TrackingPipeline

        return TrackingPipeline
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
