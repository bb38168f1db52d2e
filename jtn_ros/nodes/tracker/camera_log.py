"""Log messages about the images of one camera."""

from functools import partial
from math import inf
from time import monotonic

from rclpy.impl.rcutils_logger import RcutilsLogger

from jtn_ros.errors import as_mistake
from jtn_ros.nodes.common.problem import Problem

_LOG_PERIOD_S = 5.0


class CameraLog:
    """Logs each problem with the images of a camera once, or rarely while it persists.

    Safe to use from several threads.
    """

    def __init__(self, logger: RcutilsLogger, what: str = 'an image') -> None:
        """Create the log.

        Args:
            logger: of the camera.
            what: name of one message, for log messages.
        """
        self._logger = logger
        self._what = what
        self._reported: str | None = None
        self._sessions = 0
        self._announced_at = -inf

    def report(self, problem: Problem | None, topic: str) -> None:
        """Log a problem with the images of a topic, if its kind differs from the last one."""
        kind = None if problem is None else problem.kind
        if kind == self._reported:
            return
        self._reported = kind
        if problem is None:
            self._logger.info(f'the problem on {topic} is resolved')
        else:
            self._logger.warning(problem.text)

    def forget_problem(self) -> None:
        """Reset, so that the next problem is logged, whatever its kind."""
        self._reported = None

    def session_began(self, reason: str) -> None:
        """Log that a session started automatically; repetitions are throttled."""
        self._sessions += 1
        now = monotonic()
        if now - self._announced_at < _LOG_PERIOD_S:
            return
        text = f'{reason}: a new session starts'
        if self._sessions > 1:
            text += f', {self._sessions} times so far; if several cameras share the topic, use '
            text += 'a separate topic for each; if the camera is slow, increase lost_time'
        self._logger.warning(text)
        self._announced_at = now

    def stamp_distrusted(self, what: str) -> None:
        """Log a problem with the stamp of an image."""
        self._logger.warning(
            f'{self._what} {what}, so its arrival time is used; '
            'set the stamps in the camera driver',
            throttle_duration_sec=_LOG_PERIOD_S,
        )

    def failed(self, error: Exception) -> None:
        """Log that an image could not be tracked."""
        log = partial(self._logger.error, throttle_duration_sec=_LOG_PERIOD_S)
        if (mistake := as_mistake(error)) is not None:
            log(f'{self._what} is skipped: {mistake}')
        else:
            log(
                f'{self._what} could not be tracked ({type(error).__name__}: {error}); if this '
                'persists, choose another back end or model and configure the node again'
            )
