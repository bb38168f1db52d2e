"""What is published."""

from dataclasses import dataclass

from jtn_ros.nodes.outputs.conventions import OUTPUTS
from jtn_ros.settings import Settings
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class OutputSettings(Settings):
    """Parameters of the outputs of a camera."""

    outputs: tuple[str, ...] = setting(
        (),
        'More outputs, in the conventions of other packages: detections_3d (vision_msgs), people '
        '(people_msgs), obstacles (nav2_dynamic_msgs), tracked_objects (Autoware), objects '
        '(derived_object_msgs), humans (REP 155); and world_tracks, the tracks of all cameras '
        'together. All but humans need positions, and world_tracks a fixed_frame.',
        pattern='|'.join(OUTPUTS),
    )
    publish_embeddings: bool = setting(
        False, 'Include the appearance embeddings in ~/tracks.', live=True
    )
    trail_seconds: float = setting(
        2.0,
        'Length of the trails in ~/markers and ~/debug_image, in seconds.',
        low=0.0,
        high=60.0,
    )
