"""Search for tracker parameters with the highest HOTA on sequences with ground truth.

    jtn tune sequences --output params.yaml
    jtn tune sequences --validate others --trials 200 --output params.yaml
    jtn tune sequences --detections --parameters position_noise,lost_time --output params.yaml
    jtn tune 'archive/*' --jobs 8 --cache seen --storage trials.log --output params.yaml

The network processes each sequence once (--cache stores its detections). A trial only runs the
tracker and the metrics. Finally the network runs again with the best parameters, because its
detections depend on the heat map of earlier tracks; this HOTA is the one to report. The parameters
fit the sequences that they were found on. Use --validate to test them on other sequences.

With --jobs or --ray, sequences and trials are processed at the same time. --storage keeps the
trials, so that a search continues; several commands can share it, if each has its own --seed.

The result is a parameter file for the node (params_file:=FILE) and for jtn (--params-file FILE).
"""

import argparse
from collections.abc import Iterable
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from jtn_ros.cli.job_arguments import Jobs
from jtn_ros.cli.job_arguments import add_job_arguments
from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.tracking_arguments import add_tracking_arguments
from jtn_ros.cli.tracking_arguments import read_settings
from jtn_ros.cli.tuning_tasks import SequenceTask
from jtn_ros.cli.tuning_tasks import Sight
from jtn_ros.cli.tuning_tasks import TrialTask
from jtn_ros.cli.tuning_tasks import confirm
from jtn_ros.cli.tuning_tasks import look
from jtn_ros.cli.tuning_tasks import score
from jtn_ros.datasets.mot_challenge import find_sequences
from jtn_ros.errors import UsageError
from jtn_ros.evaluation.tuning import NODE_PARAMETERS
from jtn_ros.evaluation.tuning import SEARCHABLE
from jtn_ros.evaluation.tuning import cache_key
from jtn_ros.evaluation.tuning import search
from jtn_ros.files import written_atomically
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.media.overwriting import require_files
from jtn_ros.media.recordings import expand
from jtn_ros.media.recordings import fingerprint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        'sequences',
        type=Path,
        nargs='+',
        help='MOTChallenge sequences, folders of them, or quoted patterns',
    )
    parser.add_argument(
        '--output', type=Path, required=True, metavar='FILE.yaml', help='parameter file to write'
    )
    parser.add_argument(
        '--validate',
        type=Path,
        nargs='+',
        metavar='DIR',
        help='other sequences to test the result on',
    )
    parser.add_argument('--trials', type=int, default=60, help='number of trials (default: 60)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the search (default: 0)')
    parser.add_argument(
        '--parameters',
        metavar='NAME,...',
        help="parameters to vary (default: the node's); docs/parameters.md lists all",
    )
    parser.add_argument(
        '--detections',
        action='store_true',
        help='track det/det.txt instead of running the network',
    )
    parser.add_argument(
        '--cache', type=Path, metavar='DIR', help='store the detections of the network here'
    )
    parser.add_argument(
        '--storage',
        type=Path,
        metavar='FILE',
        help='keep the trials in this journal of optuna, and continue from it',
    )
    add_job_arguments(parser)
    add_tracking_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Search, confirm, and write the file."""
    if args.trials < 1:
        raise UsageError(f'--trials {args.trials}: at least one is needed')
    if args.tracker not in (None, 'default'):
        raise UsageError(f'the {args.tracker} tracker has no thresholds to search')
    validation = args.validate or []
    inputs = (*args.sequences, *validation, args.model, args.params_file)
    protect_inputs((args.output, args.storage), inputs)
    require_files((args.output, args.storage))
    if args.ray is not None and args.cache is None and not args.detections:
        raise UsageError('--ray needs --cache, a folder that all nodes see')
    names = _names(args)
    folders, others = _find(args.sequences), _find(validation)
    with ExitStack() as stack:
        jobs = stack.enter_context(Jobs(args, read_settings(args)))
        if args.cache is None and jobs.parallel:
            args.cache = Path(stack.enter_context(TemporaryDirectory()))
        bench = _Bench(args, jobs)
        seen = bench.see(folders)
        (before,) = bench.score(seen, [{}])
        trials = search(
            lambda values: bench.score(seen, values),
            bench.start(seen, names),
            args.trials,
            args.seed,
            width=jobs.width,
            storage=args.storage,
            name=bench.name(seen, names),
        )
        *_, (best, after) = show_progress(trials, 'searching', args.trials)
        lines = [_line('searched', args.sequences, before, after)]
        if after <= before:
            lines.append('no better thresholds were found; these are the current ones')
        if not args.detections:
            lines.append(
                _line('confirmed', args.sequences, *bench.confirm([*map(Path, seen)], best))
            )
        if others:
            lines.append(_line('validated', validation, *bench.confirm(others, best)))
    _write(args.output, best, lines)
    print(*lines, *(f'{name}: {value:.4g}' for name, value in best.items()), sep='\n')
    print(args.output, flush=True)
    if jobs.failures:
        raise jobs.failed(len(folders) + len(others))
    return 0


class _Bench:
    """Scores thresholds on stored detections, or with the network in the loop.

    Args:
        args: of the verb.
        jobs: runs the tasks.
    """

    def __init__(self, args: argparse.Namespace, jobs: Jobs) -> None:
        self._jobs = jobs
        self._settings = jobs.settings
        self._stored_detections = args.detections
        self._cache = None if args.cache is None else args.cache.absolute()

    def start(self, seen: dict[str, Sight], names: Sequence[str]) -> dict[str, Any]:
        """Return the thresholds in use; a score threshold of 0 means that of the tracker."""
        sight = next(iter(seen.values()))
        thresholds = self._settings.tracker_settings(sight.trusted)
        values = asdict(thresholds)
        values['score_threshold'] = self._settings.score_threshold or thresholds.minimum_score
        return {name: values[name] for name in names}

    def name(self, seen: dict[str, Sight], names: Sequence[str]) -> str:
        """Return a name for the search, which changes with everything that affects its scores."""
        states = [(folder, fingerprint(Path(folder))) for folder in seen]
        return f'tune-{cache_key(self._settings.decisive(), states, tuple(names))}'

    def see(self, folders: Sequence[Path]) -> dict[str, Sight]:
        """Return the detections in the sequences, of the network or of their det/det.txt."""
        return self._jobs.collect(look, self._tasks(folders), 'looking')

    def score(self, seen: dict[str, Sight], values: Iterable[dict[str, Any]]) -> list[float]:
        """Return the mean HOTA of each set of thresholds."""
        sights = tuple(seen.values())
        settings = self._settings
        tasks = [TrialTask(sights=sights, settings=settings, values=each) for each in values]
        return self._jobs.map(score, tasks)

    def confirm(self, folders: Sequence[Path], values: dict[str, Any]) -> tuple[float, float]:
        """Return the mean HOTA before and with these thresholds, the network in the loop."""
        if self._stored_detections:
            before, after = self.score(self.see(folders), [{}, values])
            return before, after
        first, second = (
            self._jobs.collect(confirm, tasks, 'confirming')
            for tasks in (self._tasks(folders), self._tasks(folders, values))
        )
        both = [name for name in first if name in second]
        return mean(first[name] for name in both), mean(second[name] for name in both)

    def _tasks(
        self, folders: Sequence[Path], values: dict[str, Any] | None = None
    ) -> dict[str, SequenceTask]:
        return {
            str(folder): SequenceTask(
                folder=folder,
                settings=self._settings.with_values(values or {}),
                stored_detections=self._stored_detections,
                cache=self._cache,
                elsewhere=self._jobs.parallel,
            )
            for folder in folders
        }


def _find(given: Iterable[Path]) -> list[Path]:
    """Return the absolute paths of the sequences, each once."""
    found = (folder.resolve() for path in expand(given) for folder in find_sequences(path))
    return list(dict.fromkeys(found))


def _line(what: str, paths: Sequence[Path], before: float, after: float) -> str:
    names = ', '.join(path.resolve().name for path in paths)
    return f'{what} on {names}: HOTA {before:.2f} before, {after:.2f} after'


def _names(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of the thresholds to search."""
    if args.parameters is None:
        return NODE_PARAMETERS
    names = tuple(args.parameters.split(','))
    if unknown := sorted(set(names) - set(SEARCHABLE)):
        known = ', '.join(sorted(SEARCHABLE))
        raise UsageError(f'unknown threshold {unknown[0]!r}; known: {known}')
    return names


def _write(path: Path, values: dict[str, Any], lines: Sequence[str]) -> None:
    """Write a parameter file with what was measured as comments."""
    content = {'/**': {'ros__parameters': {name: _rounded(v) for name, v in values.items()}}}
    comments = [f'# {line}' for line in ('Thresholds found by jtn tune.', *lines)]
    if foreign := sorted(set(values) - set(NODE_PARAMETERS)):
        comments.append(f'# For jtn track and jtn evaluate; the node has no {", ".join(foreign)}.')
    text = '\n'.join([*comments, yaml.safe_dump(content, sort_keys=False)])
    with written_atomically(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f'{value:.4g}')
