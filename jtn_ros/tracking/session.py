"""Tracking sessions: a session is a sequence of frames with continuous identities."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID
from uuid import uuid4

# Tolerance by which stamps may be ahead of the arrival of the images. [ns]
_AHEAD_NS = 100_000_000
# A camera whose second stamp is this much later than its first, 0, did not set the first.
_GAP_NS = 10_000_000_000
# Frames of a slow camera are not a session each, however short the memory is.
_PAUSE_NS = 1_000_000_000

UNSTAMPED = 'has no stamp'
REPEATED = 'has the same stamp as the previous image'
OUTLYING = 'has a stamp far from its neighbors'


class When(NamedTuple):
    """The times of an image, in nanoseconds.

    Attributes:
        stamp_ns: its stamp.
        received_ns: when it arrived; only differences matter, so any clock can be used.
    """

    stamp_ns: int
    received_ns: int


@dataclass(frozen=True)
class FrameKey:
    """The properties of a frame that must be continuous within a session.

    Attributes:
        when: the frame's times.
        width: image width in pixels.
        height: image height in pixels.
        frame_id: the camera's coordinate frame.
    """

    when: When
    width: int
    height: int
    frame_id: str


class Admission(NamedTuple):
    """How a frame is to be tracked.

    Attributes:
        stamp_ns: the time at which to track it; never runs backwards within a session.
        new_session: why a new session began, or None.
        distrust: why the stamp is invalid and the arrival time is used instead; or None.
    """

    stamp_ns: int
    new_session: str | None
    distrust: str | None


class Session:
    """Detects discontinuities in the frames of a camera, and identifies the sessions.

    A stamp that is missing, repeated, or far from its neighbors is replaced: the time advances
    with the arrival of the images. Session id and track id together are unique.

    Attributes:
        backward_tolerance_ns: stamps may step back by this much.
        memory_ns: after a longer gap, no track remains and a new session starts; None for never.
    """

    def __init__(self, backward_tolerance_ns: int) -> None:
        """Start the first session.

        Args:
            backward_tolerance_ns: stamps may step back by this much (drivers jitter) without
                ending the session.
        """
        self.backward_tolerance_ns = backward_tolerance_ns
        self.memory_ns: int | None = None
        self.restart()

    @property
    def id(self) -> UUID:
        """Return the identity of the current session."""
        return self._id

    def restart(self) -> None:
        """Start a new session; the next frame is its first."""
        self._id = uuid4()
        self._last: FrameKey | None = None
        self._time_ns = 0
        self._sound: When | None = None
        self._distrusted = False

    def doubts(self, when: When) -> bool:
        """Return whether the next frame is needed to decide if a stamp is wrong or time jumped."""
        if when.stamp_ns == 0:
            return not self._distrusted  # the second stamp that is missing is no surprise
        if self._sound is None:
            return False
        step_ns = when.stamp_ns - self._sound.stamp_ns
        elapsed_ns = when.received_ns - self._sound.received_ns
        ahead_ns = max(_AHEAD_NS, self.backward_tolerance_ns)
        return step_ns < -self.backward_tolerance_ns or step_ns - elapsed_ns > ahead_ns

    def lag_ns(self, when: When, following: When | None = None) -> int | None:
        """Return how far a stamp is behind that of the last frame, 0 if it repeats that.

        None if it is newer, is missing, or if time has jumped back.

        Args:
            when: the times of a frame that is not admitted yet.
            following: the times of the one after it, where that is known.
        """
        if self._last is None or when.stamp_ns == 0 or when.stamp_ns > self._time_ns:
            return None
        lag_ns = self._time_ns - when.stamp_ns
        late = lag_ns <= self.backward_tolerance_ns or self._distrust(when, following) is not None
        return lag_ns if late else None

    def admit(self, frame: FrameKey, following: When | None = None) -> Admission:
        """Process the next frame, and start a new session if the current one cannot continue.

        Args:
            frame: the frame.
            following: the times of the next frame, if known. Without it, a stamp that is doubtful
                according to `doubts` is accepted, except for a stamp of 0.
        """
        distrust = self._distrust(frame.when, following)
        reason = None
        if self._last is not None:
            reason = self._discontinuity(self._last, frame, stamped=distrust is None)
        if reason is not None:
            self.restart()
        time_ns = frame.when.stamp_ns if distrust is None else self._estimate(frame, following)
        if self._last is not None:
            time_ns = max(time_ns, self._time_ns)
        if distrust is None or self._sound is None:
            self._sound = When(time_ns, frame.when.received_ns)
        self._last, self._time_ns, self._distrusted = frame, time_ns, distrust is not None
        return Admission(time_ns, reason, distrust)

    def _distrust(self, when: When, following: When | None) -> str | None:
        """Return what is wrong with a stamp, or None if it is plausible."""
        if following is not None and following.stamp_ns == 0 != when.stamp_ns:
            following = None  # it can tell nothing
        if self._last is None or self._sound is None:
            if when.stamp_ns != 0 or following is None:
                return None  # recordings may begin at 0
            elapsed_ns = following.received_ns - when.received_ns
            unset = following.stamp_ns == 0 or following.stamp_ns > elapsed_ns + _GAP_NS
            return UNSTAMPED if unset else None
        goes_on = following is None or (
            _misfit(self._sound, following) <= _misfit(when, following)
        )
        if when.stamp_ns == 0:
            again = following is not None and following.stamp_ns == 0
            return UNSTAMPED if goes_on or again else None
        if when.stamp_ns == self._last.when.stamp_ns:
            return REPEATED
        lowest_ns = self._sound.stamp_ns - self.backward_tolerance_ns
        if following is None or not goes_on or following.stamp_ns < lowest_ns:
            return None
        behind = when.stamp_ns < lowest_ns
        ahead = following.stamp_ns < when.stamp_ns - self.backward_tolerance_ns
        return OUTLYING if behind or ahead else None

    def _estimate(self, frame: FrameKey, following: When | None) -> int:
        """Return the time of a frame with a bad stamp, by when it arrived."""
        received_ns = frame.when.received_ns
        if self._last is not None:
            return self._time_ns + max(0, received_ns - self._last.when.received_ns)
        if following is None or following.stamp_ns == 0:
            return received_ns
        return following.stamp_ns - max(0, following.received_ns - received_ns)

    def _discontinuity(self, last: FrameKey, frame: FrameKey, *, stamped: bool) -> str | None:
        """Return why the frame cannot follow the last one, or None when it can."""
        if stamped and self._sound is not None:
            step_back_ns = self._sound.stamp_ns - frame.when.stamp_ns
            if step_back_ns > self.backward_tolerance_ns:
                return f'the image stamps went back by {step_back_ns / 1e9:.3f} s'
            if self.memory_ns is not None and -step_back_ns > max(self.memory_ns, _PAUSE_NS):
                return f'no image arrived for {-step_back_ns / 1e9:.1f} s'
        if (frame.width, frame.height) != (last.width, last.height):
            return (
                f'the image size changed from {last.width}x{last.height} '
                f'to {frame.width}x{frame.height}'
            )
        if frame.frame_id != last.frame_id:
            return f'the frame_id changed from {last.frame_id!r} to {frame.frame_id!r}'
        return None


def _misfit(before: When, after: When) -> int:
    """Return by how much two stamps disagree with the time between the arrivals."""
    elapsed_ns = max(0, after.received_ns - before.received_ns)
    return abs(after.stamp_ns - before.stamp_ns - elapsed_ns)
