"""The parameters of the tracker node."""

from jtn_ros.inference import BACKENDS
from jtn_ros.nodes.common.parameters import ParameterSpec
from jtn_ros.nodes.tracker.image_input import TRANSPORTS
from jtn_ros.nodes.tracker.locator import METHODS
from jtn_ros.tracking import TRACKERS
from jtn_ros.tracking import TrackerConfig

_TRACKER = TrackerConfig()

TRACKER_PARAMETERS = (
    ParameterSpec(
        name='autostart',
        default=False,
        description='Configure and activate the node at startup. If that fails, the process exits '
        'with an error.',
    ),
    ParameterSpec(
        name='model',
        default='',
        description='Path of an exported model, or the name of a bundled one. Empty selects the '
        'default bundled model.',
    ),
    ParameterSpec(
        name='backend',
        default='auto',
        choices=('auto', *BACKENDS),
        description='Inference back end. auto selects the fastest one that is installed.',
    ),
    ParameterSpec(
        name='precision',
        default='',
        choices=('', 'f32', 'f16', 'bf16'),
        description='Numeric precision of the network. Empty selects the default of the back end.',
    ),
    ParameterSpec(
        name='device',
        default='',
        description='Inference device in the notation of the back end, such as 0 (TensorRT), '
        'cuda:1 (torch) or GPU (openvino). Empty selects the default of the back end.',
    ),
    ParameterSpec(
        name='threads',
        default=0,
        low=0,
        high=256,
        description='Number of CPU threads for inference. 0 selects one per core.',
    ),
    ParameterSpec(
        name='tracker',
        default='default',
        choices=tuple(TRACKERS),
        description='Tracking algorithm. reference is the published one, which has fixed '
        'thresholds and no output for objects that are not detected.',
    ),
    ParameterSpec(
        name='camera_name',
        default='camera',
        description='Camera name in the published messages.',
    ),
    ParameterSpec(
        name='cameras',
        default=[''],
        pattern='([a-zA-Z][a-zA-Z0-9_]*)?',
        description='Names of the cameras that share the engine. Each camera has its own topics '
        '(NAME/image, ~/NAME/tracks, ...). Leave empty for a single camera.',
    ),
    ParameterSpec(
        name='image_transport',
        default='auto',
        choices=TRANSPORTS,
        description='Image transport. auto selects raw images if they are published, otherwise '
        'compressed ones.',
    ),
    ParameterSpec(
        name='intensity_range',
        default=[0.0, 0.0],
        description='Pixel values that map to black and white for images with more than 8 bits '
        '(thermal and industrial cameras). [0, 0] estimates the range from the images and adapts '
        'it slowly.',
    ),
    ParameterSpec(
        name='lazy',
        default=True,
        description='Subscribe to images only while an output has subscribers.',
    ),
    ParameterSpec(
        name='score_threshold',
        default=0.0,
        low=0.0,
        high=1.0,
        live=True,
        description='Confidence threshold. Detections with this score or less are ignored. At 0, '
        'the tracker uses low-score detections to continue tracks, but not to start them.',
    ),
    ParameterSpec(
        name='birth_score',
        default=0.0,
        low=0.0,
        high=1.0,
        live=True,
        description='Minimum score of a detection that is trusted and may start a track. 0 '
        'selects the confidence threshold of the model.',
    ),
    ParameterSpec(
        name='confirmation_hits',
        default=_TRACKER.confirmation_hits,
        low=1,
        high=100,
        live=True,
        description='Number of detections after which a tentative track is confirmed.',
    ),
    ParameterSpec(
        name='coast_time',
        default=_TRACKER.coast_time,
        low=0.0,
        high=60.0,
        live=True,
        description='Time without a detection after which a confirmed track is lost, in seconds.',
    ),
    ParameterSpec(
        name='lost_time',
        default=_TRACKER.lost_time,
        low=0.0,
        high=3600.0,
        live=True,
        description='Time without a detection after which a track is removed, in seconds.',
    ),
    ParameterSpec(
        name='backward_tolerance',
        default=0.1,
        low=0.0,
        high=60.0,
        live=True,
        description='Largest backward jump of the image timestamps that does not start a new '
        'session, in seconds.',
    ),
    ParameterSpec(
        name='publish_embeddings',
        default=False,
        live=True,
        description='Include the appearance embeddings in ~/tracks.',
    ),
    ParameterSpec(
        name='trail_seconds',
        default=2.0,
        low=0.0,
        high=60.0,
        description='Length of the trails in ~/markers and ~/debug_image, in seconds.',
    ),
    ParameterSpec(
        name='positions',
        default='off',
        choices=METHODS,
        description='How 3D positions are computed: depth uses a registered depth image, ground '
        'intersects the bottom edge of each box with the ground plane. Both require camera_info.',
    ),
    ParameterSpec(
        name='fixed_frame',
        default='',
        description='tf frame of the positions, looked up at the image timestamp. Empty selects '
        'the optical frame of the camera.',
    ),
    ParameterSpec(
        name='rectified',
        default=False,
        description='Images are already rectified. Ignore the distortion coefficients.',
    ),
    ParameterSpec(
        name='depth_tolerance',
        default=0.02,
        low=0.0,
        high=1.0,
        description='Largest difference between the timestamps of an image and its depth image, '
        'in seconds.',
    ),
    ParameterSpec(
        name='depth_timeout',
        default=0.05,
        low=0.0,
        high=1.0,
        description='Longest wait for the depth image of a tracked image, in seconds.',
    ),
    ParameterSpec(
        name='transform_timeout',
        default=0.05,
        low=0.0,
        high=1.0,
        description='Longest wait for a transform, in seconds.',
    ),
    ParameterSpec(
        name='ground_frame',
        default='',
        description='tf frame whose plane z = 0 is the ground. Empty uses camera_height, '
        'camera_pitch and camera_roll.',
    ),
    ParameterSpec(
        name='camera_height',
        default=1.0,
        low=0.01,
        high=1000.0,
        description='Camera height above the ground, in meters.',
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
        description='Rotation of the camera about its optical axis, clockwise as seen from '
        'behind, in radians.',
    ),
)
