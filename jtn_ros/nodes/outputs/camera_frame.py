"""The result of one message of a camera."""

from dataclasses import dataclass
from dataclasses import replace
from typing import Self
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from jtn_ros.detections import Detections
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.positions import Positions
from jtn_ros.positions.position_filter import FORGET_S
from jtn_ros.tracking import Tracks


@dataclass(frozen=True, kw_only=True)
class CameraFrame:
    """One image, or the detections in one, and all results that are published for it.

    Attributes:
        header: header of the message.
        stamp_ns: the time at which it was tracked; never runs backwards within a session.
        image: uint8 BGR (H, W, 3), read-only where it is a view of the message; without pixels
            if there is none.
        size: width and height of the source image in pixels, 0 if they are unknown.
        mask: bool (H, W), where objects are tracked; None for everywhere.
        detections: the detections of this message.
        tracks: all live tracks.
        positions: of the tracks in space; None if not used.
        session: identity of the tracking session.
        new_session: why this frame started a new session automatically, or None.
        distrust: why its stamp is invalid and the arrival time was used instead; or None.
        arrival: arrival time of the image, in seconds of `time.perf_counter`.
        latencies: seconds by stage, in the order of the stages.
    """

    header: Header
    stamp_ns: int
    image: NDArray[np.uint8]
    size: tuple[int, int]
    mask: NDArray[np.bool_] | None
    detections: Detections
    tracks: Tracks
    positions: Positions | None
    session: UUID
    new_session: str | None
    distrust: str | None
    arrival: float
    latencies: dict[str, float]

    def predicted(self, stamp_ns: int) -> Self:
        """Return the frame with its positions predicted to a time, which its header contains.

        The image, the boxes and the detections do not change. A time before that of the image has
        no effect.
        """
        if self.positions is None or stamp_ns <= self.stamp_ns:
            return self
        elapsed_ns = stamp_ns - self.stamp_ns
        positions = self.positions.predicted(elapsed_ns / 1e9)
        unseen_ns = self.tracks.unseen_ns + elapsed_ns
        return replace(
            self,
            header=Header(stamp=ns_to_stamp(stamp_ns), frame_id=self.header.frame_id),
            stamp_ns=stamp_ns,
            tracks=self.tracks.replace(unseen_ns=unseen_ns),
            positions=replace(positions, known=positions.known & (unseen_ns <= FORGET_S * 1e9)),
        )

    def emptied(self) -> Self:
        """Return the frame without image, detections and tracks."""
        nothing = np.zeros(0, np.intp)
        return replace(
            self,
            image=self.image[:0, :0],
            mask=None,
            detections=self.detections.select(nothing),
            tracks=self.tracks.select(nothing),
            positions=None if self.positions is None else self.positions.select(nothing),
        )
