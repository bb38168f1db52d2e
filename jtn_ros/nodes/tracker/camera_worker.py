"""Tracking of the frames of one camera, on a separate thread."""

from collections.abc import Callable
from threading import Lock
from threading import Thread
from time import perf_counter
from time import time_ns
from typing import Any
from typing import NamedTuple

from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.problem import ProblemError
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.tracker.frame_tracking import FrameTracking
from jtn_ros.nodes.tracker.intervals import Intervals
from jtn_ros.nodes.tracker.message_input import SILENCE_S
from jtn_ros.nodes.tracker.short_queue import ShortQueue
from jtn_ros.tracking.session import FrameKey
from jtn_ros.tracking.session import Session
from jtn_ros.tracking.session import When

# Longest time for which an image with a doubtful stamp waits for the next image.
_PATIENCE_S = 0.5


class Arrival(NamedTuple):
    """A message that has arrived.

    Attributes:
        message: an image, or detections.
        seconds: arrival time, by `time.perf_counter`.
        received_ns: arrival time, by the clock of the node.
    """

    message: Any
    seconds: float
    received_ns: int

    @property
    def when(self) -> When:
        """Return the times of the message."""
        return When(stamp_to_ns(self.message.header.stamp), self.received_ns)


class CameraWorker:
    """Tracks consecutive images until stopped.

    Images that arrive while another one is being tracked wait, for `LONGEST_WAIT_S` at most. If
    the engine does not keep up, they replace each other, so the latency is bounded by the
    processing time of two frames. An image that cannot be tracked is reported and skipped. An
    image whose stamp seems wrong waits for the next one, which shows whether the stamp is wrong or
    time has jumped.

    The latest result is out of date if the worker is disabled, or if nothing could be tracked for
    `SILENCE_S` seconds and for several of the usual intervals, both in real time and by the clock
    of the node, because simulated time may be paused.
    """

    def __init__(
        self,
        tracking: FrameTracking[Any],
        session: Session,
        *,
        now_ns: Callable[[], int] = time_ns,
        on_result: Callable[[CameraFrame], None],
        on_outdated: Callable[[], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Prepare, without starting the thread.

        Args:
            tracking: computes tracks from the messages.
            session: detects discontinuities, where identities must start again.
            now_ns: returns the time in nanoseconds, for images with a bad stamp.
            on_result: called on the thread with the result of each frame.
            on_outdated: called on the thread, maybe several times, while the latest result is
                out of date.
            on_error: called on the thread with the reason why an image was skipped.
        """
        self._enabled = True
        self._tracking = tracking
        self._session = session
        self._now_ns = now_ns
        self._on_result = on_result
        self._on_outdated = on_outdated
        self._on_error = on_error
        self._busy = Lock()
        self._processed = 0
        self._intervals = Intervals(perf_counter), Intervals(lambda: now_ns() / 1e9)
        self._queue = ShortQueue[Arrival]()
        self._thread = Thread(target=self._run, name='camera_worker')

    @property
    def enabled(self) -> bool:
        """Return whether images are accepted."""
        return self._enabled

    @property
    def processed(self) -> int:
        """Return the number of frames that were tracked."""
        return self._processed

    @property
    def dropped(self) -> int:
        """Return the number of images that a newer one replaced."""
        return self._queue.dropped

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the images that are already here, then end the thread."""
        self._queue.close()
        self._thread.join()

    def enable(self, enabled: bool) -> None:
        """Accept images, or ignore them from now on."""
        self._enabled = enabled
        self._queue.wake()

    def offer(self, message: Any) -> None:
        """Add a new message to the queue; returns at once."""
        if self._enabled:
            self._queue.put(Arrival(message, perf_counter(), self._now_ns()))

    def reset(self) -> None:
        """Remove all tracks and start a new session; waits for the frame in progress."""
        with self._busy:
            self._session.restart()
            self._tracking.reset()

    def process(self, arrival: Arrival, following: Arrival | None = None) -> None:
        """Track one image on the calling thread, which is the worker's own once it is started.

        Args:
            arrival: the image.
            following: the next one, if it is needed to check the stamp.
        """
        try:
            with self._busy:
                result = self._track(arrival, following)
            self._processed += 1
            for intervals in self._intervals:
                intervals.note()
            self._on_result(result)
        except Exception as error:  # a robot's node outlives any single frame
            self._on_error(error)

    def _run(self) -> None:
        """Track the images in the queue until it is closed."""
        following: Arrival | None = None
        while following is not None or not self._queue.ended:
            arrival = following or self._queue.take(SILENCE_S / 4)
            following = None
            if arrival is not None:
                doubtful = self._session.doubts(arrival.when)
                following = self._queue.take(_PATIENCE_S) if doubtful else None
                self.process(arrival, following)
            self._look_at_age()

    def _look_at_age(self) -> None:
        """Call `on_outdated` if the latest result is out of date."""
        silent = all(intervals.exceeded(SILENCE_S) for intervals in self._intervals)
        if self._enabled and not silent:
            return
        try:
            self._on_outdated()
        except Exception as error:  # see `process`
            self._on_error(error)

    def _track(self, arrival: Arrival, following: Arrival | None) -> CameraFrame:
        """Return the tracks of one message.

        Raises:
            JtnError: if the message cannot be used.
        """
        start = perf_counter()
        header = arrival.message.header
        next_when = following.when if following is not None else None
        if self._tracking.strict:
            self._refuse_late(arrival.when, next_when)
        shot = self._tracking.read(arrival.message)
        converted = perf_counter()
        width, height = shot.continuity
        stamp_ns, new_session, distrust = self._session.admit(
            FrameKey(arrival.when, width, height, header.frame_id), next_when
        )
        if new_session is not None:
            self._tracking.reset()
        outcome = self._tracking.process(shot, header, stamp_ns)
        latencies = {
            'queue': start - arrival.seconds,
            'conversion': converted - start,
            **outcome.latencies,
        }
        return CameraFrame(
            header=header,
            stamp_ns=stamp_ns,
            image=shot.image,
            size=shot.size,
            mask=outcome.mask,
            detections=outcome.detections,
            tracks=outcome.tracks,
            positions=outcome.positions,
            session=self._session.id,
            new_session=new_session,
            distrust=distrust,
            arrival=arrival.seconds,
            latencies=latencies,
        )

    def _refuse_late(self, when: When, following: When | None) -> None:
        """Reject a message with a repeated or an older stamp.

        Raises:
            JtnError: if it does.
        """
        behind_ns = self._session.lag_ns(when, following)
        if behind_ns is None:
            return
        stamp = f'{when.stamp_ns / 1e9:.3f} s'
        if behind_ns == 0:
            raise ProblemError('doubled', f'the stamp {stamp} is that of an earlier message')
        raise ProblemError(
            'late', f'the stamp {stamp} is {behind_ns / 1e9:.3f} s older than an earlier one'
        )
