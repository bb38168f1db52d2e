"""How messages are made: of ROS where there is one, or else of the bags' own types."""

from typing import Any
from typing import Protocol


class NewMessage(Protocol):
    """Returns a message of a type; fields that are not given are zero, false or empty.

    What makes messages for nodes and for bags takes it as its first argument, and needs no ROS:
    `jtn_ros.nodes.common.conversions.new_message` is that of ROS,
    `jtn_ros.media.bags.message_types.new_message` that of bags.
    """

    def __call__(self, type_name: str, /, **fields: Any) -> Any:
        """Make a message of a type such as ``std_msgs/msg/Header``."""
        ...
