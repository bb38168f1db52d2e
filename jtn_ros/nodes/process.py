"""What every node's process does around the node itself."""

import logging
import signal
from collections.abc import Callable
from traceback import format_exc
from types import FrameType

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.logging import get_logger
from rclpy.signals import SignalHandlerOptions

from jtn_ros.errors import as_mistake
from jtn_ros.errors import describe_bug
from jtn_ros.errors import one_line


def run_process(
    name: str,
    body: Callable[[], None],
    signal_handlers: SignalHandlerOptions = SignalHandlerOptions.ALL,
) -> int:
    """Run the body of a process with ROS initialised.

    Returns:
        The exit code: 0 when the body ended or was interrupted. After an error, which is logged
        in one line, that of the `JtnError`, or 1; the traceback is logged at the level debug.
    """
    signal.signal(signal.SIGINT, _interrupt_once)
    rclpy.init(signal_handler_options=signal_handlers)
    forwarding = ForwardingHandler(get_logger(name))
    logging.getLogger('jtn_ros').addHandler(forwarding)
    logging.getLogger('jtn_ros').setLevel(logging.INFO)
    try:
        body()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception as error:
        text, code = explain(error)
        get_logger(name).fatal(text)
        get_logger(name).debug(format_exc())
        return code
    finally:
        logging.getLogger('jtn_ros').removeHandler(forwarding)
        rclpy.try_shutdown()
    return 0


def explain(error: Exception) -> tuple[str, int]:
    """Return what a node logs of an exception, in one line, and the exit code."""
    mistake = as_mistake(error)
    if mistake is not None:
        return one_line(mistake), mistake.exit_code
    if isinstance(error, ParameterException):
        return one_line(error), 1
    return describe_bug(error, 'please report it with what `--log-level debug` shows'), 1


class ForwardingHandler(logging.Handler):
    """Hands what the rooms without ROS log over to ROS: which back end works, and why not."""

    def __init__(self, logger: RcutilsLogger) -> None:
        """Hand over to this logger."""
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record; rclpy wants a line of code of its own for every severity."""
        text = record.getMessage()
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        elif record.levelno >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)


def _interrupt_once(_: int, __: FrameType | None) -> None:
    """Interrupt the process, and let it end in peace.

    Ctrl-C reaches a launched node twice, from the terminal and from the launch; the second one
    would break off the release of what the node holds.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
