"""Creation of messages, either of ROS or of the types of bags."""

from typing import Any
from typing import Protocol


class NewMessage(Protocol):
    """Creates a message of a type; unset fields are zero, false or empty.

    Functions that build messages for nodes and bags have it as their first argument, and do not
    depend on ROS: `jtn_ros.nodes.common.conversions.new_message` creates ROS messages,
    `jtn_ros.media.bags.message_types.new_message` those of bags.
    """

    def __call__(self, type_name: str, /, **fields: Any) -> Any:
        """Make a message of a type such as ``std_msgs/msg/Header``."""
        ...
