"""The parameters of the tracker node."""

from dataclasses import dataclass

from jtn_ros.detection_filter import DetectionFilterSettings
from jtn_ros.inference.appearance_model import AppearanceSettings
from jtn_ros.inference.options import AUTO
from jtn_ros.inference.options import MODEL_DESCRIPTION
from jtn_ros.inference.options import EngineOptions
from jtn_ros.media.intensity import IntensitySettings
from jtn_ros.nodes.outputs.settings import OutputSettings
from jtn_ros.nodes.tracker.follower import FollowSettings
from jtn_ros.nodes.tracker.foreign_detector import ForeignDetectionSettings
from jtn_ros.nodes.tracker.image_input import Transport
from jtn_ros.nodes.tracker.locator import PositionSettings
from jtn_ros.nodes.tracker.source_input import SourceSettings
from jtn_ros.positions import WorldSettings
from jtn_ros.settings import Settings
from jtn_ros.settings import setting
from jtn_ros.tracking.settings import TrackingSettings


@dataclass(frozen=True, kw_only=True)
class CameraNames(Settings):
    """The cameras of the node, and its startup."""

    autostart: bool = setting(
        False,
        'Configure and activate the node at startup. If that fails, the process exits with an '
        'error.',
    )
    bond_heartbeat_period: float = setting(
        0.0,
        'Heartbeat period of the bond with the lifecycle manager of Nav2, in seconds, such as '
        '0.1. 0 disables the bond; then also set bond_timeout of the manager to 0.',
        low=0.0,
        high=10.0,
    )
    camera_name: str = setting('camera', 'Camera name in the published messages.')
    cameras: tuple[str, ...] = setting(
        (),
        'Names of the cameras that share the engine. Each camera has its own topics '
        '(NAME/image, ~/NAME/tracks, ...). Leave empty for a single camera.',
        pattern='[a-zA-Z][a-zA-Z0-9_]*',
    )


@dataclass(frozen=True, kw_only=True)
class InputSettings(IntensitySettings):
    """Reception of the images of a camera."""

    image_transport: Transport = setting(
        'auto',
        'Image transport. auto selects raw images if they are published, otherwise compressed '
        'ones.',
    )
    lazy: bool = setting(True, 'Subscribe to images only while an output has subscribers.')


# The order of the fields is that of the bases from the last to the first.
@dataclass(frozen=True, kw_only=True)
class TrackerNodeSettings(
    WorldSettings,
    FollowSettings,
    PositionSettings,
    OutputSettings,
    DetectionFilterSettings,
    TrackingSettings,
    InputSettings,
    SourceSettings,
    ForeignDetectionSettings,
    AppearanceSettings,
    EngineOptions,
    CameraNames,
):
    """All parameters of the tracker node."""

    model: str = setting(AUTO, MODEL_DESCRIPTION)


def located(values: TrackerNodeSettings) -> bool:
    """Return whether the tracks have positions in space."""
    return values.positions != 'off' or values.input == 'detections_3d'
