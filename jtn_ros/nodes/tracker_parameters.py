"""The parameters of the tracker node."""

from jtn_ros.inference import BACKENDS
from jtn_ros.nodes.image_input import TRANSPORTS
from jtn_ros.nodes.parameters import ParameterSpec
from jtn_ros.nodes.spatial import METHODS
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
        name='device',
        default='',
        description="Where the network runs, in the back end's own words, such as 0 (TensorRT), "
        "cuda:1 (torch) or GPU (openvino); empty takes the back end's own choice.",
    ),
    ParameterSpec(
        name='threads',
        default=0,
        low=0,
        high=256,
        description='Processor threads of the network; 0 takes one for each core.',
    ),
    ParameterSpec(
        name='camera_name',
        default='camera',
        description='Name of the camera in the messages.',
    ),
    ParameterSpec(
        name='cameras',
        default=[''],
        pattern='([a-zA-Z][a-zA-Z0-9_]*)?',
        description='Names of several cameras that share the engine, each with topics of its own '
        '(NAME/image, ~/NAME/tracks, ...); without names there is one camera.',
    ),
    ParameterSpec(
        name='image_transport',
        default='auto',
        choices=TRANSPORTS,
        description='Which images to take; auto takes the raw ones if they are published, else '
        'the compressed ones.',
    ),
    ParameterSpec(
        name='intensity_range',
        default=[0.0, 0.0],
        description='Values of images with more than 8 bits (thermal, industrial) that become '
        'black and white; at 0 for both they are found in the images and follow slowly.',
    ),
    ParameterSpec(
        name='lazy',
        default=True,
        description='Whether to subscribe to images only while somebody listens to the tracks.',
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
        live=True,
        description='Score from which a detection is trusted and may start a track; 0 takes what '
        'the model asks for.',
    ),
    ParameterSpec(
        name='confirmation_hits',
        default=_TRACKER.confirmation_hits,
        low=1,
        high=100,
        live=True,
        description='Observations that make a tentative track a confirmed one.',
    ),
    ParameterSpec(
        name='coast_time',
        default=_TRACKER.coast_time,
        low=0.0,
        high=60.0,
        live=True,
        description='Seconds without an observation after which a confirmed track is lost.',
    ),
    ParameterSpec(
        name='lost_time',
        default=_TRACKER.lost_time,
        low=0.0,
        high=3600.0,
        live=True,
        description='Seconds without an observation after which a track is removed.',
    ),
    ParameterSpec(
        name='backward_tolerance',
        default=0.1,
        low=0.0,
        high=60.0,
        live=True,
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
        name='positions',
        default='off',
        choices=METHODS,
        description='How tracks are located in space: depth takes a registered depth image, '
        'ground takes the lower edges of the boxes on the ground. Both need camera_info.',
    ),
    ParameterSpec(
        name='fixed_frame',
        default='',
        description='Frame of the positions, by tf at the stamp of the image; empty takes the '
        "camera's optical frame.",
    ),
    ParameterSpec(
        name='rectified',
        default=False,
        description='Whether the images are rectified, so that the calibration has no distortion.',
    ),
    ParameterSpec(
        name='depth_tolerance',
        default=0.02,
        low=0.0,
        high=1.0,
        description='Seconds between the stamps of an image and its depth image, at most.',
    ),
    ParameterSpec(
        name='depth_timeout',
        default=0.05,
        low=0.0,
        high=1.0,
        description='Seconds to wait for the depth image of a tracked image, at most.',
    ),
    ParameterSpec(
        name='transform_timeout',
        default=0.05,
        low=0.0,
        high=1.0,
        description='Seconds to wait for a transform, at most.',
    ),
    ParameterSpec(
        name='ground_frame',
        default='',
        description='Frame whose plane z = 0 is the ground, by tf; empty takes the mounting of '
        'the camera below.',
    ),
    ParameterSpec(
        name='camera_height',
        default=1.0,
        low=0.01,
        high=1000.0,
        description='Metres of the camera above the ground.',
    ),
    ParameterSpec(
        name='camera_pitch',
        default=0.0,
        low=-1.57,
        high=1.57,
        description='Angle of the optical axis below the horizon, in radians.',
    ),
    ParameterSpec(
        name='camera_roll',
        default=0.0,
        low=-3.15,
        high=3.15,
        description='Turn of the camera about its axis, clockwise as seen from behind, in '
        'radians.',
    ),
)
