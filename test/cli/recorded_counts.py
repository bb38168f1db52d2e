"""The message counts of a bag that `jtn track --bag` wrote."""

from jtn_ros.media.messages.tracker_topics import RECORDED


def recorded_counts(frames: int) -> dict[str, int]:
    """Return the number of messages on each topic of the tracker; latched ones have one."""
    return {topic.full_name: 1 if topic.latched else frames for topic in RECORDED}
