"""A live camera: always the newest image, with its capture time, and a defined end."""

import logging
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from threading import Condition
from threading import Thread
from time import time_ns

from jtn_ros.datasets.sequence_images import DEFAULT_FRAME_RATE
from jtn_ros.errors import JtnError
from jtn_ros.errors import as_mistake
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.live.live_input import LiveInput
from jtn_ros.media.live.live_input import Picture

logger = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_JUMP_NS = 1_000_000_000
# Timeouts of the inputs are shorter than this, so that their thread ends in time. [s]
_PATIENCE_S = 4.0


class CameraStoppedError(JtnError):
    """A camera that was opened has stopped sending images.

    Args:
        title: name of the camera in messages.
        frames: frames that were delivered; a waiting one is added when it is taken.
        reason: the cause.
    """

    def __init__(self, title: str, frames: int, reason: object) -> None:
        super().__init__(title, frames, reason)
        self.title, self.frames, self.reason = title, frames, reason

    def __str__(self) -> str:
        """Return the line for the user."""
        number = f'{self.frames} frame{"s" * (self.frames != 1)}'
        return f'{self.title} stopped after {number}: {self.reason}'


@dataclass(frozen=True)
class LiveCounts:
    """The state of a camera. An image that was grabbed and is in no other count is waiting.

    Attributes:
        grabbed: images that arrived.
        delivered: images that were delivered.
        replaced: images that a newer one replaced before they were read.
        unusable: images that were old on arrival, damaged, or incomplete.
        connections: number of times that the camera was opened.
        age_s: seconds since the newest image was taken; None before the first.
        problem: why no image arrives; empty while images arrive.
    """

    grabbed: int
    delivered: int
    replaced: int
    unusable: int
    connections: int
    age_s: float | None
    problem: str

    @property
    def dropped(self) -> int:
        """Return the number of images that arrived but will not be delivered."""
        return self.replaced + self.unusable


class LiveSource(FrameSource):
    """A camera that provides its newest image.

    A thread grabs continuously, so that no images queue up in the camera, the network or the
    driver. An image is decoded or converted when it is read. Images that are replaced by a newer
    one before they are read count as dropped.

    Args:
        name: short name, for files.
        title: name in messages, without secrets.
        open_input: opens the camera; called on the thread.
        reconnect: whether to open the camera again when it fails.
    """

    length = None
    live = True

    def __init__(
        self,
        name: str,
        title: str,
        open_input: Callable[[], LiveInput],
        *,
        reconnect: bool = False,
    ) -> None:
        """Start to open the camera; `wait_until_open` waits for that."""
        super().__init__()
        self.name = name
        self.width = self.height = 0
        self.frame_rate = DEFAULT_FRAME_RATE
        self._title = title
        self._open_input = open_input
        self._reconnect = reconnect
        self._changed = Condition()
        self._newest: Picture | None = None
        self._grabbed = self._delivered = self._unusable = self._connections = 0
        self._stamp_ns = 0
        self._problem = ''
        self._failure: BaseException | None = None
        self._closing = False
        # A process can end while a driver or a name server does not answer.
        self._thread = Thread(target=self._run, name=f'live {name}', daemon=True)
        self._thread.start()

    @property
    def counts(self) -> LiveCounts:
        """Return the state of the camera."""
        with self._changed:
            waiting = self._newest is not None
            return LiveCounts(
                grabbed=self._grabbed,
                delivered=self._delivered - self.broken,
                replaced=self._grabbed - self._delivered - self._unusable - waiting,
                unusable=self._unusable + self.broken,
                connections=self._connections,
                age_s=(time_ns() - self._stamp_ns) / 1e9 if self._stamp_ns else None,
                problem=self._problem,
            )

    def wait_until_open(self) -> None:
        """Wait for the camera to be opened.

        Raises:
            JtnError: if the first attempt failed.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._connections or self._problem)
            if not self._connections:
                raise self._failure or JtnError(self._problem)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the newest frames, counted from 0; the first ``start`` are dropped.

        Raises:
            CameraStoppedError: if the camera fails after the first frame.
            JtnError: if it fails before that.
        """
        index = counted = 0
        while (stop is None or index < stop) and (taken := self._take()) is not None:
            picture, dropped = taken
            try:
                image = picture.image()
            except JtnError as error:
                self._report_broken(index, error)
                continue
            if index >= start:
                yield Frame(index, picture.stamp_ns, image, dropped=dropped - counted)
                counted = dropped
            index += 1

    def close(self) -> None:
        """Release the camera; waits for that for a limited time."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(_PATIENCE_S)

    def _take(self) -> tuple[Picture, int] | None:
        """Wait for a new image; return it and the number of dropped ones; None once closed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._newest is not None or self._closing or self._failure is not None
            )
            if self._closing:
                return None
            if self._newest is None:
                assert self._failure is not None
                raise self._failure
            if isinstance(self._failure, CameraStoppedError):
                self._failure.frames += 1
            picture, self._newest = self._newest, None
            self._delivered += 1
            return picture, self._grabbed - self._delivered

    def _run(self) -> None:
        """Grab until closed, and reopen the camera if `reconnect` is set."""
        wait_s = _FIRST_WAIT_S
        while not self._closing:
            before = self._grabbed, self._connections
            try:
                with closing(self._open_input()) as live:
                    self._opened(live)
                    self._grab(live)
            except Exception as error:
                failure = self._explain(error, opened=self._connections > before[1])
                if failure is None or not self._reconnect:
                    self._fail(failure or error)
                    return
                wait_s = _FIRST_WAIT_S if self._grabbed > before[0] else wait_s
                self._report(failure)
                self._sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    def _opened(self, live: LiveInput) -> None:
        with self._changed:
            self.width, self.height, self.frame_rate = live.width, live.height, live.frame_rate
            self._connections += 1
            self._changed.notify_all()

    def _grab(self, live: LiveInput) -> None:
        """Store the newest image until closed; stamps increase, unless the clock was set back."""
        while not self._closing:
            picture = live.grab()
            with self._changed:
                self._grabbed += 1
                if picture is None or 0 <= self._stamp_ns - picture.stamp_ns < _JUMP_NS:
                    self._unusable += 1
                    continue
                self._newest, self._stamp_ns = picture, picture.stamp_ns
                if self._problem:
                    self._problem = ''
                    logger.info('%s sends images again', self._title)
                self._changed.notify_all()

    def _explain(self, error: Exception, *, opened: bool) -> JtnError | None:
        """Return the message for an exception; None if it is a bug."""
        mistake = as_mistake(error)
        if mistake is None:
            return None
        if opened:
            return CameraStoppedError(self._title, self._delivered, mistake)
        return JtnError(f'{self._title} does not open: {mistake}')

    def _fail(self, failure: BaseException) -> None:
        """Stop permanently; a waiting image can still be taken."""
        with self._changed:
            self._failure, self._problem = failure, str(failure)
            self._changed.notify_all()

    def _report(self, failure: JtnError) -> None:
        """Log a problem, once as long as it remains the same."""
        with self._changed:
            news = str(failure) != self._problem
            self._problem = str(failure)
            self._unusable += self._newest is not None  # it is old already
            self._newest = None
            self._changed.notify_all()
        if news and not self._closing:
            logger.warning('%s; trying again', failure)

    def _sleep(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, seconds)
