"""Shared code of the verbs for archives: where tasks run, and the report of failures."""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Self
from typing import cast

from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.tracking_arguments import OfflineSettings
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.inference import Engine
from jtn_ros.inference import find_model
from jtn_ros.inference.options import EngineOptions
from jtn_ros.jobs import open_pool
from jtn_ros.settings import settings_of

logger = logging.getLogger(__name__)

_MOST_NAMES = 10


def add_job_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument(
        '--jobs', type=_positive, metavar='N', help='number of processes (default: 1)'
    )
    parser.add_argument(
        '--ray',
        metavar='ADDRESS',
        help='run on this Ray cluster (HOST:PORT or auto); all nodes need the same file paths, '
        'and --jobs then limits the number of simultaneous tasks',
    )


def wants_jobs(args: argparse.Namespace) -> bool:
    """Return whether one of the arguments is given."""
    return args.jobs is not None or args.ray is not None


class Jobs:
    """Runs the tasks of a verb where the arguments say. Use it as a context manager.

    Args:
        args: with those of `add_job_arguments`.
        settings: of the verb.

    Attributes:
        settings: for the tasks: with the model that `auto` stands for on this machine; in other
            processes with its absolute path, and with the cores of the machine shared out among
            them unless the number of threads is given. How many threads there are changes no
            result.
        parallel: whether tasks run in other processes.
        width: how many tasks run at once.
        failures: one line for every task that failed, by its name.

    Raises:
        OSError, JtnError: if the model does not exist, or no cluster answers.
    """

    def __init__(self, args: argparse.Namespace, settings: OfflineSettings) -> None:
        self.parallel = args.ray is not None or (args.jobs or 1) > 1
        settings = replace(settings, model=settings.choose_model().model)
        if self.parallel:
            share = len(os.sched_getaffinity(0)) // args.jobs if args.ray is None else 1
            appearance = Path(settings.appearance_model).expanduser().absolute()
            settings = replace(
                settings,
                model=str(find_model(settings.model or None).absolute()),
                appearance_model=str(appearance) if settings.appearance_model else '',
                threads=settings.threads or max(1, share),
            )
        self.settings = settings
        self.failures: dict[str, str] = {}
        self._debug = args.debug
        self._pool = open_pool(args.jobs, args.ray, settings.threads or 1)
        self.width = self._pool.width

    def run[T, R](
        self, function: Callable[[T], R], tasks: Mapping[str, T], title: str
    ) -> Iterator[tuple[str, R]]:
        """Yield name and result of every task that succeeds; report the others and go on."""
        names = list(tasks)
        outcomes = self._pool.run(function, list(tasks.values()))
        if self.parallel:  # otherwise the tasks show how far they are
            outcomes = show_progress(outcomes, title, len(tasks))
        for number, outcome in outcomes:
            name = names[number]
            for line in outcome.warnings:
                logger.warning('%s', line)
            if outcome.error is None:
                assert outcome.value is not None
                yield name, outcome.value
                continue
            self.failures[name] = outcome.error
            if self._debug:
                print(outcome.trace, file=sys.stderr)
            said = outcome.error if name in outcome.error else f'{name}: {outcome.error}'
            print(said, file=sys.stderr)

    def collect[T, R](
        self, function: Callable[[T], R], tasks: Mapping[str, T], title: str
    ) -> dict[str, R]:
        """Return the results of the tasks that succeed by name, in the order of the tasks.

        Raises:
            JtnError: if all fail.
            Exception: what a task raises that is the only one.
        """
        if len(tasks) == 1 and not self.parallel:
            return {name: function(task) for name, task in tasks.items()}
        found = dict(self.run(function, tasks, title))
        if not found:
            raise self.failed(len(tasks))
        return {name: found[name] for name in tasks if name in found}

    def map[T, R](self, function: Callable[[T], R], tasks: Iterable[T]) -> list[R]:
        """Return the results in the order of the tasks.

        Raises:
            JtnError: if one fails.
            Exception: what a task raises in this process.
        """
        tasks = list(tasks)
        if not self.parallel:
            return [function(task) for task in tasks]
        outcomes = dict(self._pool.run(function, tasks))
        for outcome in outcomes.values():
            if outcome.error is not None:
                raise JtnError(outcome.error)
        return [cast(R, outcomes[number].value) for number in range(len(tasks))]

    def failed(self, number: int) -> JtnError:
        """Return an error that names what failed.

        Args:
            number: of all tasks.
        """
        names = sorted(self.failures)
        more = f' and {len(names) - _MOST_NAMES} more' if len(names) > _MOST_NAMES else ''
        return JtnError(
            f'{len(names)} of {number} recordings failed: {", ".join(names[:_MOST_NAMES])}{more}; '
            'run the same command to retry them'
        )

    def __enter__(self) -> Self:
        """Return the jobs; the workers are there already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Release the workers, or stop them after an exception."""
        self._pool.__exit__(kind, *_)


def shared_engine(settings: OfflineSettings) -> Engine:
    """Return the engine, which a process loads once for all of its tasks.

    Raises:
        OSError, JtnError: see `jtn_ros.inference.load_engine`.
    """
    names = [entry.name for entry in settings_of(EngineOptions)]
    return _load(EngineOptions(**{name: getattr(settings, name) for name in names}))


@lru_cache(maxsize=1)
def _load(options: EngineOptions) -> Engine:
    if options.threads:
        import cv2  # its threads share the cores, too

        cv2.setNumThreads(options.threads)
    return options.load()


def refuse_jobs(args: argparse.Namespace, what: str) -> None:
    """Refuse the arguments where nothing is run by them.

    Raises:
        UsageError: if one is given.
    """
    if wants_jobs(args):
        raise UsageError(f'--jobs and --ray cannot be combined with {what}; remove them')


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a whole number of 1 or more')
    return int(text)
