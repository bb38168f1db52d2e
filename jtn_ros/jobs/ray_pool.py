"""Tasks on a Ray cluster, which schedules them and repeats tasks whose worker is lost."""

import logging
import os
import socket
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from jtn_ros.errors import JtnError
from jtn_ros.errors import one_line
from jtn_ros.errors import packages_for
from jtn_ros.jobs.outcome import RETRIES
from jtn_ros.jobs.outcome import Outcome
from jtn_ros.jobs.outcome import attempt_elsewhere
from jtn_ros.jobs.pool import Pool

_PATIENCE_S = 20.0  # for a cluster to respond, and for tasks that remove partial results


class RayPool(Pool):
    """Runs tasks on a cluster whose nodes have this package and access to the same files.

    Args:
        address: address for Ray: ``HOST:PORT`` or ``auto``.
        jobs: number of parallel tasks; None for as many as fit.
        cpus: number of CPU cores per task.

    Raises:
        JtnError: if Ray is not installed, or no cluster responds.
    """

    def __init__(self, address: str, jobs: int | None, cpus: int) -> None:
        os.environ['RAY_USAGE_STATS_ENABLED'] = '0'  # read when it is imported
        with packages_for('--ray needs', 'ray'):
            import ray
        self._ray = ray
        self._jobs = jobs
        try:
            _require_answer(address)  # Ray itself would wait forever
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # ConnectionError, ValueError or RuntimeError
            raise JtnError(
                f'--ray {address}: no Ray cluster can be reached ({one_line(error)}); start one '
                'with "ray start --head --disable-usage-stats"'
            ) from error
        self.width = jobs or max(1, int(ray.cluster_resources().get('CPU', 1)) // cpus)
        self._attempt: Any = ray.remote(num_cpus=cpus, max_retries=RETRIES)(_attempt)
        self._running: dict[Any, int] = {}

    def run[T, R](
        self, function: Callable[[T], R], tasks: Sequence[T]
    ) -> Iterator[tuple[int, Outcome[R]]]:
        """Yield the outcomes as they come."""
        ray = self._ray
        waiting = deque(range(len(tasks)))
        limit = self._jobs or len(tasks)
        while waiting or self._running:
            while waiting and len(self._running) < limit:
                number = waiting.popleft()
                self._running[self._attempt.remote(function, tasks[number])] = number
            (finished, *_), _ = ray.wait(list(self._running), num_returns=1)
            number = self._running.pop(finished)
            try:
                outcome = ray.get(finished)
            except ray.exceptions.RayError as error:
                outcome = Outcome(error=f'it was lost on the cluster: {one_line(error)}')
            yield number, outcome

    def close(self) -> None:
        """Disconnect from the cluster."""
        self._ray.shutdown()

    def cancel(self) -> None:
        """Interrupt the tasks, wait until partial results are removed, and disconnect."""
        for task in self._running:
            self._ray.cancel(task)
        with suppress(Exception):  # the cluster may be unavailable
            running = list(self._running)
            self._ray.wait(running, num_returns=len(running), timeout=_PATIENCE_S)
        self.close()


def _require_answer(address: str) -> None:
    """Raise an OSError if ``HOST:PORT`` does not respond; Ray checks other addresses."""
    host, _, port = address.rpartition(':')
    if host and port.isdigit() and '/' not in host:
        socket.create_connection((host, int(port)), timeout=_PATIENCE_S).close()


def _attempt[T, R](function: Callable[[T], R], task: T) -> Outcome[R]:
    """Run a task on a node of the cluster."""
    outcome = attempt_elsewhere(function, task)
    if outcome.error is None:
        return outcome
    return replace(outcome, error=f'{outcome.error} (on {socket.gethostname()})')
