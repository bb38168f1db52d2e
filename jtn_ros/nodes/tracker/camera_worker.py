"""One camera's frames to tracks, on a thread of their own."""

from collections.abc import Callable
from threading import Lock
from threading import Thread
from time import perf_counter
from time import time_ns
from typing import NamedTuple

from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from jtn_ros.media.intensity import IntensityRange
from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.tracker.latest_slot import LatestSlot
from jtn_ros.nodes.tracker.locator import SpatialLocator
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking.session import FrameKey
from jtn_ros.tracking.session import Session
from jtn_ros.tracking.session import When

# An image with a doubtful stamp waits so long for the next one, which tells what it is worth.
_PATIENCE_S = 0.5


class Arrival(NamedTuple):
    """An image that has come.

    Attributes:
        message: the image.
        seconds: when it came, by `time.perf_counter`.
        received_ns: when it came, by the clock of the node.
    """

    message: Image | CompressedImage
    seconds: float
    received_ns: int

    @property
    def when(self) -> When:
        """Return the times of the image."""
        return When(stamp_to_ns(self.message.header.stamp), self.received_ns)


class CameraWorker:
    """Track the newest image, again and again, until stopped.

    Images that arrive while one is being tracked replace each other, so the latency stays
    bounded by the engine's time for two frames. An image that cannot be tracked is reported and
    left out; the next one is tried as if nothing had happened. An image whose stamp seems wrong
    waits for the next one, which tells whether the stamp is wrong or time has jumped.
    """

    def __init__(
        self,
        pipeline: TrackingPipeline,
        session: Session,
        *,
        locator: SpatialLocator | None = None,
        intensity: IntensityRange | None = None,
        now_ns: Callable[[], int] = time_ns,
        on_result: Callable[[CameraFrame], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Prepare, without starting the thread.

        Args:
            pipeline: tracks the images.
            session: notices where identities have to start anew.
            locator: finds the tracks in space; None where that is not wanted.
            intensity: stretches images of more than 8 bits; by default it follows them.
            now_ns: the time in nanoseconds, for images with a bad stamp.
            on_result: called on the thread with what came out of each frame.
            on_error: called on the thread with why an image was left out.
        """
        self.enabled = True
        self._pipeline = pipeline
        self._session = session
        self._locator = locator
        self._intensity = intensity or IntensityRange()
        self._now_ns = now_ns
        self._on_result = on_result
        self._on_error = on_error
        self._tracking = Lock()
        self._processed = 0
        self._slot = LatestSlot[Arrival]()
        self._thread = Thread(target=self._run, name='camera_worker')

    @property
    def processed(self) -> int:
        """Return the number of frames that were tracked."""
        return self._processed

    @property
    def dropped(self) -> int:
        """Return the number of images that a newer one replaced."""
        return self._slot.dropped

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the images that are already here, then end the thread."""
        self._slot.close()
        self._thread.join()

    def offer(self, message: Image | CompressedImage) -> None:
        """Hand over a new image; return at once."""
        if self.enabled:
            self._slot.put(Arrival(message, perf_counter(), self._now_ns()))

    def reset(self) -> None:
        """Forget all tracks and begin a new session; waits for the frame in progress."""
        with self._tracking:
            self._session.restart()
            self._forget()

    def process(self, arrival: Arrival, following: Arrival | None = None) -> None:
        """Track one image on the calling thread, which is the worker's own once it is started.

        Args:
            arrival: the image.
            following: the one after it, where its stamp needs that.
        """
        try:
            with self._tracking:
                result = self._track(arrival, following)
            self._processed += 1
            self._on_result(result)
        except Exception as error:  # a robot's node outlives any single frame
            self._on_error(error)

    def _run(self) -> None:
        """Track what the slot holds until it is closed."""
        arrival = self._slot.take()
        while arrival is not None:
            doubtful = self._session.doubts(arrival.when)
            following = self._slot.take(_PATIENCE_S) if doubtful else None
            self.process(arrival, following)
            arrival = following or self._slot.take()

    def _forget(self) -> None:
        """Forget all tracks."""
        self._pipeline.reset()
        if self._locator is not None:
            self._locator.reset()

    def _track(self, arrival: Arrival, following: Arrival | None) -> CameraFrame:
        """Return the tracks of one image."""
        start = perf_counter()
        message = arrival.message
        image = image_to_array(message, self._intensity)
        converted = perf_counter()
        header = message.header
        height, width = image.shape[:2]
        stamp_ns, new_session, distrust = self._session.admit(
            FrameKey(arrival.when, width, height, header.frame_id),
            following.when if following is not None else None,
        )
        if new_session is not None:
            self._forget()
        result = self._pipeline.process(image, stamp_ns)
        latencies = {
            'queue': start - arrival.seconds,
            'conversion': converted - start,
            **result.latencies,
        }
        positions = None
        if self._locator is not None:
            tracked = perf_counter()
            positions = self._locator.locate(header, (width, height), result.tracks, stamp_ns)
            latencies['positions'] = perf_counter() - tracked
        wanted = self._pipeline.detection_filter
        return CameraFrame(
            header=header,
            stamp_ns=stamp_ns,
            image=image,
            mask=wanted.mask(height, width) if wanted is not None else None,
            detections=result.detections,
            tracks=result.tracks,
            positions=positions,
            session=self._session.id,
            new_session=new_session,
            distrust=distrust,
            arrival=arrival.seconds,
            latencies=latencies,
        )
