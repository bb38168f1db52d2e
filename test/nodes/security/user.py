"""A user of a secured graph, in a process of its own: ``python -m nodes.security.user WHAT``.

CycloneDDS does not bear participants with and without security in one process.

``track`` publishes images until two tracked objects arrive, ``overreach`` tries to publish what
the tracker may not. Prints one line: what came of it, or why there is no security.
"""

import sys
from time import monotonic

import rclpy
from rclpy._rclpy_pybind11 import RCLError
from rclpy.node import Node
from sensor_msgs.msg import Image

from jtn_msgs.msg import TrackedObjectArray

from nodes.harness import DEEP
from nodes.scene import message

NO_SECURITY, TRACKED, SILENT, REFUSED, ALLOWED = (
    'the middleware is built without security',
    'two objects are tracked',
    'no tracks',
    'refused',
    'allowed',
)
_PATIENCE_S = 40.0


def track(user: Node) -> str:
    """Publish images until tracks arrive."""
    images = user.create_publisher(Image, 'image', DEEP)
    arrived: list[TrackedObjectArray] = []
    user.create_subscription(TrackedObjectArray, 'jtn_tracker/tracks', arrived.append, DEEP)
    end, number = monotonic() + _PATIENCE_S, 0
    while monotonic() < end:
        images.publish(message(number % 40))
        rclpy.spin_once(user, timeout_sec=0.04)
        if any(len(tracks.objects) == 2 for tracks in arrived):
            return TRACKED
        number += 1
    return SILENT


def overreach(tracker: Node) -> str:
    """Publish on topics that are permitted for the tracker, and then images."""
    tracker.create_publisher(TrackedObjectArray, 'jtn_tracker/front/tracks', DEEP)
    try:
        tracker.create_publisher(Image, 'image', DEEP)
    except RuntimeError:
        return REFUSED
    return ALLOWED


def main() -> None:
    """Run the action given by the argument."""
    what, name = {'track': (track, 'user'), 'overreach': (overreach, 'jtn_tracker')}[sys.argv[1]]
    rclpy.init(args=['--ros-args', '--enclave', f'/{name}'])
    try:
        node = Node(name)
    except RCLError as error:
        if 'security libraries' not in str(error):
            raise
        print(NO_SECURITY)
        return
    print(what(node))
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == '__main__':
    main()
