"""Tasks in processes of this machine."""

import signal
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.connection import wait

from jtn_ros.interruption import interruptible
from jtn_ros.jobs.outcome import RETRIES
from jtn_ros.jobs.outcome import Outcome
from jtn_ros.jobs.outcome import attempt_elsewhere
from jtn_ros.jobs.pool import Pool

_PATIENCE_S = 20.0  # for a process that removes partial results


class ProcessPool(Pool):
    """Runs tasks in processes, which are reused; a process that dies is replaced.

    An executor of concurrent.futures is not used, because all of its tasks fail if one process is
    killed, for example when memory is exhausted. Here, only the task of that process is repeated.

    Args:
        jobs: number of processes.
    """

    def __init__(self, jobs: int) -> None:
        self.width = jobs
        self._jobs = jobs
        self._workers: list[_Worker] = []

    def run[T, R](
        self, function: Callable[[T], R], tasks: Sequence[T]
    ) -> Iterator[tuple[int, Outcome[R]]]:
        """Yield the outcomes as they come."""
        waiting = deque(range(len(tasks)))
        attempts = [0] * len(tasks)
        busy: dict[Connection, tuple[_Worker, int]] = {}
        idle = list(self._workers)
        while waiting or busy:
            while waiting and len(busy) < self._jobs:
                worker = idle.pop() if idle else self._start()
                number = waiting.popleft()
                attempts[number] += 1
                busy[worker.connection] = (worker, number)
                with suppress(OSError):  # it has exited, which is detected below
                    worker.connection.send((function, tasks[number]))
            for connection in wait(list(busy)):
                assert isinstance(connection, Connection)
                worker, number = busy.pop(connection)
                try:
                    outcome = connection.recv()
                except (EOFError, OSError):
                    self._workers.remove(worker)
                    reason = worker.end()
                    if attempts[number] <= RETRIES:
                        waiting.append(number)
                        continue
                    outcome = Outcome(
                        error=f'its process was lost {attempts[number]} times ({reason}); where '
                        'memory is exhausted, use fewer --jobs'
                    )
                else:
                    idle.append(worker)
                yield number, outcome

    def close(self) -> None:
        """Let the processes end."""
        while self._workers:
            self._workers.pop().end()

    def cancel(self) -> None:
        """Interrupt the processes, and wait until they have removed their partial results."""
        for worker in self._workers:
            worker.process.terminate()
        self.close()

    def _start(self) -> '_Worker':
        worker = _Worker()
        self._workers.append(worker)
        return worker


class _Worker:
    """A process and the connection to it."""

    def __init__(self) -> None:
        # A forked process could inherit locks that are held by threads of libraries.
        context = get_context('spawn')
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()  # so that the end of the process can be detected

    def end(self) -> str:
        """Close the connection, wait for the process to exit, and return its exit status."""
        self.connection.close()
        self.process.join(_PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        code = self.process.exitcode or 0
        return signal.Signals(-code).name if code < 0 else f'exit code {code}'


def _serve(connection: Connection) -> None:
    """Run the received tasks until the connection is closed, or until a signal."""
    with suppress(KeyboardInterrupt, EOFError, BrokenPipeError), interruptible():
        while True:
            function, task = connection.recv()
            connection.send(attempt_elsewhere(function, task))
