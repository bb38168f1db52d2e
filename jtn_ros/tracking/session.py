"""When identities start anew: a session is a run of frames that one tracker may follow."""

from dataclasses import dataclass
from uuid import UUID
from uuid import uuid4


@dataclass(frozen=True)
class FrameKey:
    """What has to continue from frame to frame within a session.

    Attributes:
        stamp_ns: the frame's stamp in nanoseconds.
        width: image width in pixels.
        height: image height in pixels.
        frame_id: the camera's coordinate frame.
    """

    stamp_ns: int
    width: int
    height: int
    frame_id: str


class Session:
    """Notice what breaks the continuity of a camera's frames, and name the sessions.

    The session's id and a track's id together are unique for ever.
    """

    def __init__(self, backward_tolerance_ns: int) -> None:
        """Start the first session.

        Args:
            backward_tolerance_ns: stamps may step back by this much (drivers jitter) without
                ending the session.
        """
        self.backward_tolerance_ns = backward_tolerance_ns
        self.restart()

    @property
    def id(self) -> UUID:
        """Return the identity of the current session."""
        return self._id

    def restart(self) -> None:
        """Begin a new session; the next frame is its first."""
        self._id = uuid4()
        self._last: FrameKey | None = None

    def admit(self, frame: FrameKey) -> tuple[int, str | None]:
        """Take the next frame, restarting the session where it cannot continue.

        Returns:
            The time at which to track the frame, which never runs backwards within a session,
            and why a new session began, or None.
        """
        reason = None if self._last is None else self._discontinuity(self._last, frame)
        if reason is not None:
            self.restart()
        stamp_ns = frame.stamp_ns
        if self._last is not None:
            stamp_ns = max(stamp_ns, self._last.stamp_ns)
        self._last = FrameKey(stamp_ns, frame.width, frame.height, frame.frame_id)
        return stamp_ns, reason

    def _discontinuity(self, last: FrameKey, frame: FrameKey) -> str | None:
        """Return why the frame cannot follow the last one, or None when it can."""
        step_back_ns = last.stamp_ns - frame.stamp_ns
        if step_back_ns > self.backward_tolerance_ns:
            return f'the image stamps went back by {step_back_ns / 1e9:.3f} s'
        if (frame.width, frame.height) != (last.width, last.height):
            return (
                f'the image size changed from {last.width}x{last.height} '
                f'to {frame.width}x{frame.height}'
            )
        if frame.frame_id != last.frame_id:
            return f'the frame_id changed from {last.frame_id!r} to {frame.frame_id!r}'
        return None
