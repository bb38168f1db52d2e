"""The parameters of the tracker node."""

from jtn_ros.inference import BACKENDS
from jtn_ros.nodes.parameters import ParameterSpec
from jtn_ros.tracking import TrackerConfig

_TRACKER = TrackerConfig()

TRACKER_PARAMETERS = (
    ParameterSpec(
        name='autostart',
        default=False,
        description='Whether to configure and activate the node at start; if that fails, the '
        'process ends with an error.',
    ),
    ParameterSpec(
        name='model',
        default='',
        description='Path of an exported model; empty takes the bundled one.',
    ),
    ParameterSpec(
        name='backend',
        default='auto',
        choices=('auto', *BACKENDS),
        description='What runs the network; auto takes the fastest that is installed.',
    ),
    ParameterSpec(
        name='precision',
        default='',
        choices=('', 'f32', 'f16', 'bf16'),
        description="Arithmetic of the network; empty takes the back end's own choice.",
    ),
    ParameterSpec(
        name='camera_name',
        default='camera',
        description='Name of the camera in the messages.',
    ),
    ParameterSpec(
        name='score_threshold',
        default=0.0,
        low=0.0,
        high=1.0,
        live=True,
        description='Detections that score no more are ignored. At 0 the tracker decides, which '
        'uses weak detections to keep tracks, but not to start them.',
    ),
    ParameterSpec(
        name='birth_score',
        default=0.0,
        low=0.0,
        high=1.0,
        description='Score from which a detection is trusted and may start a track; 0 takes what '
        'the model asks for.',
    ),
    ParameterSpec(
        name='confirmation_hits',
        default=_TRACKER.confirmation_hits,
        low=1,
        high=100,
        description='Observations that make a tentative track a confirmed one.',
    ),
    ParameterSpec(
        name='coast_time',
        default=_TRACKER.coast_time,
        low=0.0,
        high=60.0,
        description='Seconds without an observation after which a confirmed track is lost.',
    ),
    ParameterSpec(
        name='lost_time',
        default=_TRACKER.lost_time,
        low=0.0,
        high=3600.0,
        description='Seconds without an observation after which a track is removed.',
    ),
    ParameterSpec(
        name='backward_tolerance',
        default=0.1,
        low=0.0,
        high=60.0,
        description='Seconds by which the stamps may go back before the tracker starts anew.',
    ),
    ParameterSpec(
        name='publish_embeddings',
        default=False,
        live=True,
        description='Whether ~/tracks carries the appearance vectors.',
    ),
    ParameterSpec(
        name='trail_seconds',
        default=2.0,
        low=0.0,
        high=60.0,
        description='Seconds that the trails in ~/markers and ~/debug_image go back.',
    ),
    ParameterSpec(
        name='metres_per_pixel',
        default=0.01,
        low=0.0001,
        high=1.0,
        description='Size of a pixel of the image plane in ~/markers, in metres.',
    ),
)
