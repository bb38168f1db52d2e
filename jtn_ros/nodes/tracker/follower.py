"""Following one of the tracks of a camera: the services and the outputs of the target."""

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from time import perf_counter
from uuid import UUID

import numpy as np
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.lifecycle import LifecycleNode
from std_srvs.srv import Trigger

from jtn_msgs.srv import SelectTarget
from jtn_ros.errors import JtnError
from jtn_ros.errors import did_you_mean
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.outputs.target_publishers import TargetPublishers
from jtn_ros.settings import setting
from jtn_ros.tracking.target_lock import Target
from jtn_ros.tracking.target_lock import TargetLock
from jtn_ros.tracking.target_lock import TargetLockSettings
from jtn_ros.tracking.target_selection import largest_row
from jtn_ros.tracking.target_selection import nearest_row
from jtn_ros.tracking.target_selection import row_at
from jtn_ros.tracking.target_selection import row_with_id

# Targets cannot be selected in an image that is older than this. [s]
_STALE_S = 3.0


@dataclass(frozen=True, kw_only=True)
class FollowSettings(TargetLockSettings):
    """How a target is followed."""

    target_frame: str = setting(
        'target',
        'tf frame of the selected target, NAME/target for one of several cameras. Empty '
        'publishes no transform.',
    )


class Follower:
    """Maintains the lock on the target of one camera.

    The services run on the thread of the executor, the frames on that of the worker.
    """

    def __init__(
        self,
        node: LifecycleNode,
        values: FollowSettings,
        *,
        class_names: Sequence[str],
        camera_name: str,
        prefix: str,
        logger: RcutilsLogger,
        on_demand: Callable[[], None],
        session: Callable[[], UUID | None],
    ) -> None:
        """Create services and publishers.

        Args:
            node: the node with the topics.
            values: the parameters of the node.
            class_names: by class.
            camera_name: name of the camera in the messages.
            prefix: of the topics, services and frames of the camera.
            logger: of the camera.
            on_demand: called when the demand for images may have changed.
            session: returns the tracking session; None while nothing is tracked.
        """
        self._node = node
        self._class_names = class_names
        self._logger = logger
        self._on_demand = on_demand
        self._live_session = session
        self._guard = Lock()
        self._lock = TargetLock(values)
        self._latest: CameraFrame | None = None
        self._session: UUID | None = None
        self._target: Target | None = None
        self._selections = self._switches = 0
        self._publishers = TargetPublishers(
            node,
            class_names,
            camera_name=camera_name,
            prefix=prefix,
            target_frame=values.target_frame and f'{prefix}{values.target_frame}',
            on_listeners=on_demand,
        )
        self._services = [
            node.create_service(SelectTarget, f'~/{prefix}select', self._select),
            node.create_service(Trigger, f'~/{prefix}release', self._release),
        ]

    @property
    def in_demand(self) -> bool:
        """Return whether a target is selected, or its outputs have subscribers."""
        return self._lock.selected or self._publishers.listeners > 0

    def configure(self, values: FollowSettings) -> None:
        """Apply the live parameters."""
        with self._guard:
            self._lock.config = values

    def follow(self, frame: CameraFrame) -> None:
        """Process a tracked frame, and publish the state of the target."""
        with self._guard:
            if frame.session != self._session:
                self._session = frame.session
                self._lock.restart()
            self._latest = frame
            positions = frame.positions
            fixed = positions is not None and positions.frame_id != frame.header.frame_id
            target = self._lock.update(
                frame.tracks,
                frame.detections,
                frame.stamp_ns,
                positions.points if positions is not None and fixed else None,
            )
            self._target = target
            selections = self._selections
            moved, self._switches = target.switches > self._switches, target.switches
        if moved:
            self._logger.info(
                f'the target was recognized as track {target.track_id} '
                f'(cosine distance {target.distance:.3f})'
            )
        if selections:
            self._publishers.publish_state(frame, target, selections)

    def interrupt(self, empty: CameraFrame) -> None:
        """Publish the target as lost, and reject selections until images arrive again.

        Args:
            empty: the last frame, emptied.
        """
        with self._guard:
            self._latest = None
            target = self._target = self._lock.interrupt()
            selections = self._selections
        if selections:
            self._publishers.publish_state(empty, target, selections)

    def publish_pose(self, frame: CameraFrame) -> None:
        """Publish the position of the target of a frame, which may be predicted."""
        with self._guard:
            target = self._target if frame.session == self._session else None
        if target is not None:
            self._publishers.publish_pose(frame, target)

    def destroy(self) -> None:
        """Remove services and publishers from the node."""
        for service in self._services:
            self._node.destroy_service(service)
        self._services.clear()
        self._publishers.destroy()

    def _select(
        self, request: SelectTarget.Request, response: SelectTarget.Response
    ) -> SelectTarget.Response:
        """Lock on the requested track."""
        try:
            with self._guard:
                frame = self._current()
                row = self._choose(frame, request)
                self._lock.select(frame.tracks, row)
                self._selections += 1
                self._switches = 0
        except JtnError as error:
            response.message = str(error)
            self._logger.warning(f'nothing is selected: {error}')
            return response
        response.id = int(frame.tracks.ids[row])
        response.success = True
        response.message = f'track {response.id} is the target'
        self._logger.info(response.message)
        self._on_demand()
        return response

    def _release(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Release the target."""
        with self._guard:
            response.success = self._lock.selected
            self._lock.release()
            self._target = None
        response.message = 'the target is released'
        if not response.success:
            response.message = 'no target is selected'
        self._on_demand()
        return response

    def _current(self) -> CameraFrame:
        """Return the latest frame.

        Raises:
            JtnError: if there is no recent one in the current session.
        """
        if self._latest is None or self._latest.session != self._live_session():
            raise JtnError(
                'no image has been tracked in this session; activate the node, enable it, publish '
                'images, and subscribe to an output or set lazy to false'
            )
        age = perf_counter() - self._latest.arrival
        if age > _STALE_S:
            raise JtnError(
                f'the latest tracked image came {age:.1f} s ago; publish images, and subscribe to '
                'an output or set lazy to false'
            )
        return self._latest

    def _choose(self, frame: CameraFrame, request: SelectTarget.Request) -> int:
        """Return the row of the track that a request selects.

        Raises:
            JtnError: if there is none.
        """
        tracks = frame.tracks
        allowed = np.ones(len(tracks), np.bool_)
        if name := request.class_name:
            if name not in self._class_names:
                hint = did_you_mean(name, self._class_names)
                known = ', '.join(self._class_names)
                raise JtnError(f'class_name is {name!r}{hint}; the classes of the model: {known}')
            allowed = tracks.class_ids == self._class_names.index(name)
        if request.by == SelectTarget.Request.BY_ID:
            return row_with_id(tracks, request.id, allowed)
        if request.by == SelectTarget.Request.BY_POINT:
            return row_at(tracks, request.point.x, request.point.y, allowed)
        if request.by == SelectTarget.Request.LARGEST:
            return largest_row(tracks, allowed)
        if request.by == SelectTarget.Request.NEAREST:
            unknown = np.full(len(tracks), np.nan)
            distances = unknown if frame.positions is None else frame.positions.distances
            return nearest_row(tracks, distances, allowed)
        raise JtnError(
            f'by is {request.by}; choose BY_ID (0), BY_POINT (1), LARGEST (2) or NEAREST (3)'
        )
