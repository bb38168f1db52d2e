"""The outputs that the parameter `outputs` asks for, in the conventions of other stacks."""

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
_HUMANS_TYPE = 'hri_msgs/msg/IdsList'

OUTPUTS = (*CONVENTIONS, HUMANS)


def usable_outputs(
    names: Sequence[str], *, positions: bool, logger: RcutilsLogger
) -> tuple[str, ...]:
    """Return those of the outputs that can be published; log why the others cannot.

    Args:
        names: of the outputs that are asked for.
        positions: whether objects are located in space.
        logger: of the node.
    """
    usable = []
    for name in names:
        convention = CONVENTIONS.get(name)
        type_name = _HUMANS_TYPE if convention is None else convention.topic.type_name
        package = type_name.partition('/')[0]
        if not is_installed(type_name):
            problem = f'needs the package {package}: {ros_install_command(package)}'
        elif convention is not None and not positions:
            problem = 'needs positions in space; set positions to depth or ground'
        else:
            usable.append(name)
            continue
        logger.warning(f'the output {name} is left out: it {problem}')
    return tuple(usable)


class ConventionPublishers:
    """Publishes the located objects of one camera; what nobody listens to is not made."""

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

    def publish(self, frame: CameraFrame, class_name: Callable[[int], str]) -> None:
        """Publish a frame in which objects can be located.

        Args:
            frame: the frame; its positions have a coordinate frame.
            class_name: returns the name of a class.
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
            class_name,
        )
        for publisher, build in wanted:
            publisher.publish(build(new_message, objects))
