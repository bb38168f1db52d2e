"""Positions of one camera's tracks in space, from calibration, depth and transforms of ROS."""

from dataclasses import dataclass
from dataclasses import replace
from typing import Literal

import numpy as np
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.nodes.common.conversions import depth_to_array
from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.common.qos import sensor_data
from jtn_ros.nodes.common.transforms import TransformSource
from jtn_ros.nodes.tracker.stamped_images import StampedImages
from jtn_ros.positions import CameraModel
from jtn_ros.positions import GroundPlane
from jtn_ros.positions import Measurements
from jtn_ros.positions import PositionFilter
from jtn_ros.positions import Positions
from jtn_ros.positions import locate_by_depth
from jtn_ros.positions import locate_on_ground
from jtn_ros.positions import with_extents
from jtn_ros.settings import Settings
from jtn_ros.settings import setting
from jtn_ros.tracking.track import Tracks

# ~/tracks contains positions, but the other messages need the frame in their header.
NAMELESS_FRAME = Problem.of(
    JtnError(
        'the messages have no frame_id, so only ~/tracks contains positions; set it in the node '
        'that publishes them'
    )
)


@dataclass(frozen=True, kw_only=True)
class PositionSettings(Settings):
    """Parameters of the positions in space."""

    positions: Literal['off', 'depth', 'ground'] = setting(
        'off',
        'How 3D positions are computed: depth uses a registered depth image, ground intersects '
        'the bottom edge of each box with the ground plane. Both require camera_info.',
    )
    fixed_frame: str = setting(
        '',
        'tf frame of the positions, looked up at the image timestamp. Empty selects the optical '
        'frame of the camera.',
    )
    rectified: bool = setting(
        False, 'Images are already rectified. Ignore the distortion coefficients.'
    )
    depth_tolerance: float = setting(
        0.02,
        'Largest difference between the timestamps of an image and its depth image, in seconds.',
        low=0.0,
        high=1.0,
    )
    depth_timeout: float = setting(
        0.05,
        'Longest wait for the depth image of a tracked image, in seconds.',
        low=0.0,
        high=1.0,
    )
    transform_timeout: float = setting(
        0.05, 'Longest wait for a transform, in seconds.', low=0.0, high=1.0
    )
    ground_frame: str = setting(
        '',
        'tf frame whose plane z = 0 is the ground. Empty uses camera_height, camera_pitch and '
        'camera_roll.',
    )
    camera_height: float = setting(
        1.0, 'Camera height above the ground, in meters.', low=0.01, high=1000.0
    )
    camera_pitch: float = setting(
        0.0, 'Angle of the optical axis below the horizon, in radians.', low=-1.57, high=1.57
    )
    camera_roll: float = setting(
        0.0,
        'Rotation of the camera about its optical axis, clockwise as seen from behind, in '
        'radians.',
        low=-3.15,
        high=3.15,
    )


class SpatialLocator:
    """Locates one camera's tracks, by depth or on the ground.

    If something is missing (calibration, depth, a transform), tracking continues without
    positions, and `problem` describes it.
    """

    def __init__(
        self,
        node: Node,
        values: PositionSettings,
        prefix: str,
        transforms: TransformSource | None,
    ) -> None:
        """Prepare, without subscribing.

        Args:
            node: the node that subscribes.
            values: the parameters of the node.
            prefix: of the camera's topics.
            transforms: needed when a fixed frame or ground frame is set.
        """
        self.problem: Problem | None = None
        self._node = node
        self._values = values
        self._prefix = prefix
        self._transforms = transforms
        self._subscriptions: list[Subscription] = []
        self._depth = StampedImages(
            'depth image',
            'the image',
            values.depth_tolerance,
            values.depth_timeout,
            'Synchronize the cameras, or set depth_tolerance',
        )
        self._filter = PositionFilter()
        self._frames: tuple[str, str] | None = None
        self._info: CameraInfo | None = None
        self._camera: tuple[CameraInfo, CameraModel] | None = None

    @property
    def calibration(self) -> CameraInfo | None:
        """Return the latest calibration; None before the first."""
        return self._info

    @property
    def latest_depth(self) -> Image | None:
        """Return the latest depth image; None before the first."""
        return self._depth.latest

    def open(self) -> None:
        """Subscribe to the calibration, and to the depth where it is used."""
        if self._subscriptions:
            return
        self._listen(CameraInfo, 'camera_info', self._calibrate)
        if self._values.positions == 'depth':
            self._listen(Image, 'depth', self._depth.add)

    def close(self) -> None:
        """Unsubscribe."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def reset(self) -> None:
        """Reset the position filter."""
        self._filter.reset()

    def locate(
        self, header: Header, size: tuple[int, int], tracks: Tracks, stamp_ns: int
    ) -> Positions:
        """Return the positions of the tracks of an image. Invalid inputs never raise an error.

        Args:
            header: of the image.
            size: width and height of the image in pixels.
            tracks: of the image.
            stamp_ns: time at which they were tracked.
        """
        try:
            camera = self._model(size)
            ground = self._ground(header) if self._values.positions == 'ground' else None
            measured = self._measure(camera, ground, header, tracks)
            frame_id = self._values.fixed_frame or header.frame_id
            rotation, translation = np.eye(3), np.zeros(3)
            if frame_id != header.frame_id:
                rotation, translation = self._transform(frame_id, header)
                measured = measured.transformed(rotation, translation)
        except JtnError as error:
            self.problem = Problem.of(error, 'no positions: ')
            return Positions.unknown(len(tracks.ids))
        self.problem = None if frame_id else NAMELESS_FRAME
        frames = (header.frame_id, frame_id)
        if frames != self._frames:
            self._filter.reset()
            self._frames = frames
        if ground is not None:
            up = -rotation @ ground.down
        else:  # y of an optical frame points down, z of any other frame up (REP 103)
            up = np.array((0.0, -1.0, 0.0) if frame_id == header.frame_id else (0.0, 0.0, 1.0))
        return with_extents(
            replace(
                self._filter.update(frame_id, tracks.ids, measured, stamp_ns), camera=translation
            ),
            tracks.boxes,
            camera,
            rotation=rotation,
            translation=translation,
            up=up,
            standing=ground is not None,
        )

    def _measure(
        self, camera: CameraModel, ground: GroundPlane | None, header: Header, tracks: Tracks
    ) -> Measurements:
        """Return the measured positions of observed tracks in the optical frame.

        They are measured on the ground if it is not None, otherwise by depth.
        """
        if ground is None:
            depth, meters_per_unit = depth_to_array(self._depth.at(header.stamp))
            found = locate_by_depth(camera, tracks.boxes, depth, meters_per_unit)
        else:
            found = locate_on_ground(camera, tracks.boxes, ground)
        # A predicted box is not a measurement.
        points = np.where(tracks.observed[:, None], found.points, np.nan)
        return Measurements.of(points, found.covariances)

    def _ground(self, header: Header) -> GroundPlane:
        """Return the ground in the optical frame, from tf or from the parameters."""
        values = self._values
        if values.ground_frame:
            return GroundPlane.from_transform(*self._transform(values.ground_frame, header))
        return GroundPlane.from_mounting(
            values.camera_height, values.camera_pitch, values.camera_roll
        )

    def _transform(self, target: str, header: Header) -> tuple[np.ndarray, np.ndarray]:
        """Return the transform from the camera to a frame at the time of the image."""
        assert self._transforms is not None
        return self._transforms.lookup(target, header.frame_id, header.stamp)

    def _model(self, size: tuple[int, int]) -> CameraModel:
        """Return the camera model of the latest calibration.

        Raises:
            JtnError: if there is none, or it is implausible or for another image size.
        """
        info = self._info
        if info is None:
            topic = self._node.resolve_topic_name(f'{self._prefix}camera_info')
            raise JtnError(f'no calibration was received on {topic}')
        if self._camera is None or self._camera[0] is not info:
            model = CameraModel.from_calibration(
                width=info.width,
                height=info.height,
                k=info.k,
                d=info.d,
                model=info.distortion_model,
                p=info.p,
                rectified=self._values.rectified,
            )
            self._camera = info, model
        model = self._camera[1]
        if (model.width, model.height) != size:
            raise JtnError(
                f'the calibration is for images of {model.width}x{model.height}, the images have '
                f'{size[0]}x{size[1]}; publish the camera_info that belongs to them'
            )
        return model

    def _calibrate(self, message: CameraInfo) -> None:
        """Store the calibration, unless it equals the current one except for the stamp."""
        known = self._info
        if known is not None:
            message.header = known.header
        if message != known:
            self._info = message

    def _listen(self, kind: type, topic: str, callback: object) -> None:
        """Subscribe with the sensor data profile."""
        self._subscriptions.append(
            self._node.create_subscription(
                kind,
                f'{self._prefix}{topic}',
                callback,
                sensor_data(),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        )
