"""The outputs listed in the parameter `outputs`, in the conventions of other stacks."""

from collections.abc import Callable
from collections.abc import Sequence

from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.lifecycle import LifecyclePublisher
from std_msgs.msg import Header

from jtn_ros.installing import ros_install_command
from jtn_ros.media.messages.conventions import CONVENTIONS
from jtn_ros.media.messages.located_objects import LocatedObjects
from jtn_ros.media.messages.tracker_topics import TrackerTopic
from jtn_ros.nodes.common.conversions import is_installed
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.outputs.camera_frame import CameraFrame

# Tracked bodies by REP 155; its regions need no positions.
HUMANS = 'humans'
# The tracks of all cameras together.
WORLD_TRACKS = 'world_tracks'

_TYPES = {name: convention.topic.type_name for name, convention in CONVENTIONS.items()} | {
    HUMANS: 'hri_msgs/msg/IdsList',
    WORLD_TRACKS: 'jtn_msgs/msg/WorldTrackArray',
}
OUTPUTS = tuple(_TYPES)


def usable_outputs(
    names: Sequence[str], *, positions: bool, fixed_frame: bool, logger: RcutilsLogger
) -> tuple[str, ...]:
    """Return the outputs that can be published; log why others cannot.

    Args:
        names: of the requested outputs.
        positions: whether objects are located in space.
        fixed_frame: whether that is in a fixed frame.
        logger: of the node.
    """
    problems = {name: _problem(name, positions, fixed_frame) for name in names}
    for name, problem in problems.items():
        if problem:
            logger.warning(f'the output {name} is skipped: it needs {problem}')
    return tuple(name for name, problem in problems.items() if not problem)


def _problem(name: str, positions: bool, fixed_frame: bool) -> str:
    """Return what an output requires but is missing, with the remedy; empty if nothing."""
    package = _TYPES[name].partition('/')[0]
    if not is_installed(_TYPES[name]):
        return f'the package {package}: {ros_install_command(package)}'
    if name != HUMANS and not positions:
        return 'positions in space; set positions to depth or ground'
    if name == WORLD_TRACKS and not fixed_frame:
        return 'a frame that the cameras share; set fixed_frame'
    return ''


class ConventionPublishers:
    """Publishes the located objects of one camera, on topics with subscribers."""

    def __init__(
        self, names: Sequence[str], create: Callable[[TrackerTopic], LifecyclePublisher]
    ) -> None:
        """Create the publishers.

        Args:
            names: of the outputs, of which those in `CONVENTIONS` are published here.
            create: creates a publisher.
        """
        self._outputs = [
            (create(convention.topic), convention.build)
            for name, convention in CONVENTIONS.items()
            if name in names
        ]

    def publish(self, frame: CameraFrame, class_names: Sequence[str]) -> None:
        """Publish a frame in which objects can be located.

        Args:
            frame: the frame; its positions have a coordinate frame.
            class_names: of the model.
        """
        wanted = [
            (publisher, build)
            for publisher, build in self._outputs
            if publisher.get_subscription_count()
        ]
        if not wanted:
            return
        assert frame.positions is not None
        objects = LocatedObjects.of(
            Header(stamp=frame.header.stamp, frame_id=frame.positions.frame_id),
            frame.session,
            frame.tracks,
            frame.positions,
            class_names,
        )
        for publisher, build in wanted:
            publisher.publish(build(new_message, objects))
