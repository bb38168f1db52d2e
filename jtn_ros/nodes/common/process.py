"""The process of a node: initialization, signals, errors and exit code."""

import logging
import re
import signal
import sys
from collections.abc import Callable
from traceback import format_exc

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.errors import as_mistake
from jtn_ros.errors import describe_bug
from jtn_ros.errors import one_line
from jtn_ros.files import require_utf8
from jtn_ros.interruption import ignore_more_signals
from jtn_ros.interruption import interrupt_once
from jtn_ros.masking import mask

_LONGEST_WAIT_S = 0.5


def run_process(
    name: str,
    body: Callable[[], None],
    signal_handlers: SignalHandlerOptions = SignalHandlerOptions.ALL,
) -> int:
    """Run the body of a process with ROS initialized.

    Returns:
        The exit code: 0 when the body ended or was interrupted. After an error, which is logged
        in one line, that of the `JtnError`, or 1; the traceback is logged at the level debug.
    """
    signal.signal(signal.SIGINT, interrupt_once)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
        signal.signal(signal.SIGHUP, interrupt_once)  # ROS looks after SIGTERM
    forwarding = ForwardingHandler(get_logger(name))
    logging.getLogger('jtn_ros').addHandler(forwarding)
    logging.getLogger('jtn_ros').setLevel(logging.INFO)
    try:
        return _run(name, body, signal_handlers)
    except KeyboardInterrupt:  # also while an error was being logged
        return 0
    finally:
        ignore_more_signals()
        logging.getLogger('jtn_ros').removeHandler(forwarding)
        rclpy.try_shutdown()


def _run(name: str, body: Callable[[], None], signal_handlers: SignalHandlerOptions) -> int:
    """Run the body, log its error, and return the exit code."""
    started = False
    try:
        _init_ros(signal_handlers)
        started = True
        body()
    except ExternalShutdownException:
        pass
    except Exception as error:
        # A signal shuts ROS down under whatever the body was doing.
        if not started or rclpy.ok():
            text, code = explain(error)
            get_logger(name).fatal(text)
            get_logger(name).debug(mask(format_exc()))
            return code
    return 0


def spin(node: Node) -> None:
    """Spin a node until ROS is shut down.

    A signal first wakes the executor and then shuts ROS down. An executor that waits again in
    between is not woken, so each wait has a timeout.
    """
    if not node.context.ok():  # no executor can be made anymore
        return
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while node.context.ok():
            executor.spin_once(timeout_sec=_LONGEST_WAIT_S)
    finally:
        executor.remove_node(node)


def explain(error: Exception) -> tuple[str, int]:
    """Return the log message for an exception, in one line, and the exit code."""
    mistake = as_mistake(error)
    if mistake is not None:
        return one_line(mistake), mistake.exit_code
    if isinstance(error, ParameterException):  # it ends with the name, and may repeat the value
        text = re.sub(r': [\w.]+$', '', one_line(error))
        return f'a parameter is rejected: {text.rpartition("Reason: ")[2]}', 1
    if type(error).__module__.startswith('rclpy'):  # names, values and types that it refuses
        return f'{_refusal(error)}; check the arguments after --ros-args', 1
    if 'QoS override' in str(error):  # of the module builtins
        return f'{_refusal(error)}; check the parameters qos_overrides.*', 1
    return describe_bug(error, 'please report it with the output of `--log-level debug`'), 1


def _init_ros(signal_handlers: SignalHandlerOptions) -> None:
    """Initialize ROS with the arguments and variables of this process.

    Raises:
        JtnError: if ROS rejects them.
    """
    for argument in sys.argv:
        require_utf8(argument)
    try:
        rclpy.init(signal_handler_options=signal_handlers)
    except RuntimeError as error:  # of several types that rclpy does not publish
        if 'logging' in str(error):
            raise JtnError(
                f'{_refusal(error)}; set ROS_LOG_DIR to a folder that can be written'
            ) from error
        raise UsageError(
            f'{_refusal(error)}; check the arguments after --ros-args, and ROS_DOMAIN_ID'
        ) from error


def _refusal(error: Exception) -> str:
    """Return the error message of rclpy, without locations in its source code."""
    return f'ROS 2 rejects this: {re.sub(r", at [^ ]+:[0-9]+", "", one_line(error))}'


class ForwardingHandler(logging.Handler):
    """Forwards log records of the modules without ROS to the ROS logger."""

    def __init__(self, logger: RcutilsLogger) -> None:
        """Forward to this logger."""
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record; rclpy requires a separate line of code for each severity."""
        text = one_line(record.getMessage())
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        elif record.levelno >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)
