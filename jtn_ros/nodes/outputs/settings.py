"""The parameters of the outputs."""

from dataclasses import dataclass
from typing import Literal

from jtn_ros.errors import JtnError
from jtn_ros.nodes.outputs.conventions import OUTPUTS
from jtn_ros.settings import Settings
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class OutputSettings(Settings):
    """Parameters of the outputs of a camera."""

    outputs: tuple[str, ...] = setting(
        (),
        'Additional outputs, in the conventions of other packages: detections_3d (vision_msgs), '
        'people (people_msgs), obstacles (nav2_dynamic_msgs), tracked_objects (Autoware), '
        'objects (derived_object_msgs), humans (REP 155); and world_tracks, the tracks of all '
        'cameras together. All but humans need positions, and world_tracks a fixed_frame.',
        pattern='|'.join(OUTPUTS),
    )
    publish_embeddings: bool = setting(
        False, 'Include the appearance embeddings in ~/tracks.', live=True
    )
    predict_to: Literal['stamp', 'now'] = setting(
        'stamp',
        'Time of the outputs in space: the timestamp of the image, or the present, to which '
        'positions are predicted. Affects ~/markers_3d, ~/target with its transform, and outputs '
        'except humans and world_tracks.',
    )
    output_rate: float = setting(
        0.0,
        'Rate of the outputs in space with predict_to now, in Hz. 0 publishes them with each '
        'image.',
        low=0.0,
        high=1000.0,
    )
    trail_seconds: float = setting(
        2.0,
        'Length of the trails in ~/markers and ~/debug_image, in seconds.',
        low=0.0,
        high=60.0,
    )

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            JtnError: if a value is outside its range or not one of the choices.
        """
        super().__post_init__()
        if self.output_rate and self.predict_to != 'now':
            raise JtnError(
                f'output_rate is {self.output_rate:g}, and predict_to {self.predict_to}; set '
                'predict_to to now, because only predictions can be published between images'
            )
