"""What is published."""

from dataclasses import dataclass

from jtn_ros.settings import Settings
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class OutputSettings(Settings):
    """Parameters of the outputs of a camera."""

    publish_embeddings: bool = setting(
        False, 'Include the appearance embeddings in ~/tracks.', live=True
    )
    trail_seconds: float = setting(
        2.0,
        'Length of the trails in ~/markers and ~/debug_image, in seconds.',
        low=0.0,
        high=60.0,
    )
