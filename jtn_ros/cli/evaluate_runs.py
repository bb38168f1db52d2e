"""`jtn evaluate` for tracks: of earlier runs, or of recordings that are tracked now."""

import argparse
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any

from jtn_ros.cli.job_arguments import Jobs
from jtn_ros.cli.score_table import differences
from jtn_ros.cli.score_table import format_rows
from jtn_ros.cli.score_table import rows_of
from jtn_ros.cli.score_table import unmatched_lines
from jtn_ros.cli.tracked_runs import RecordingTask
from jtn_ros.cli.tracked_runs import time_line
from jtn_ros.cli.tracked_runs import track_run
from jtn_ros.cli.tracking_arguments import read_settings
from jtn_ros.datasets.benchmarks import BENCHMARKS
from jtn_ros.datasets.mot_challenge import find_sequences
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.evaluation.metrics import Report
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.report.data import Evaluation
from jtn_ros.evaluation.runs import Run
from jtn_ros.evaluation.runs import Truth
from jtn_ros.evaluation.runs import compared
from jtn_ros.evaluation.runs import read_run
from jtn_ros.evaluation.runs import read_truth
from jtn_ros.evaluation.trackeval_data import quiet_trackeval
from jtn_ros.evaluation.tuning import cache_key
from jtn_ros.media import FrameSource
from jtn_ros.media import open_frames
from jtn_ros.media.bag_paths import is_bag
from jtn_ros.media.recordings import expand
from jtn_ros.media.recordings import find_places
from jtn_ros.media.recordings import fingerprint
from jtn_ros.media.recordings import is_recording


@dataclass(kw_only=True)
class _Compared:
    """The data to compare, by name of the sequence.

    Attributes:
        paths: of the ground truth.
        truths: the objects.
        recordings: with the images; some or all may be missing.
        runs: the tracks.
        parameters: what they were tracked with, where that was done here.
    """

    paths: Mapping[str, Path]
    truths: dict[str, Truth]
    recordings: Mapping[str, Path]
    runs: dict[str, Run] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


def evaluate_runs(args: argparse.Namespace) -> tuple[dict[str, Any], JtnError | None]:
    """Print the scores of a run, and of the other one; return them, and what failed.

    Raises:
        OSError, JtnError: if an input cannot be used.
    """
    given = _read_truths(args)
    with quiet_trackeval():
        pass  # if it is not installed, say so now, not after the recordings were tracked
    with Jobs(args, read_settings(args)) as jobs:
        if args.tracks is None:
            _track_recordings(args, given, jobs)
        else:
            _add_stamps(args, given)
            given.runs = _read_runs(args.tracks, given.truths.values(), args)
        report = _evaluate(given.truths, given.runs, jobs)
        print(format_rows('sequence', rows_of(report)))
        values = report.as_dict() | {'unmatched': _unmatched(given.runs)}
        other = other_runs = None
        if args.against is not None:
            other_runs = _read_runs(args.against, given.truths.values(), args)
            other = _evaluate(given.truths, other_runs, jobs)
    if other is not None and other_runs is not None:
        print('', format_rows('against', rows_of(other)), sep='\n')
        print('', format_rows('change', differences(report, other), signed=True), sep='\n')
        values['against'] = other.as_dict() | {'unmatched': _unmatched(other_runs)}
    for name, number in report.left_out.items():
        print(f'not scored, because no track has the class: {name}, {number} objects')
    for found in (given.runs, other_runs or {}):
        for name, one in found.items():
            for line in unmatched_lines(name, one):
                print(line)
    if args.report is not None:
        from jtn_ros.evaluation.report.report import write_report  # needs what scores do not

        evaluation = Evaluation(truths=given.truths, runs=given.runs, report=report)
        other_evaluation = None
        if other is not None and other_runs is not None:
            other_evaluation = Evaluation(truths=given.truths, runs=other_runs, report=other)
        with ExitStack() as stack:
            paths = write_report(
                args.report,
                evaluation,
                title=', '.join(given.truths),
                sources=_Images(args, given, stack),
                against=other_evaluation,
                against_title=str(args.against),
                parameters=dict(given.parameters),
            )
        print(*paths, sep='\n')
    if not jobs.failures:
        return values, None
    return values | {'failed': jobs.failures}, jobs.failed(len(given.paths))


def _read_truths(args: argparse.Namespace) -> _Compared:
    """Read the ground truth, and find the recordings that belong to it."""
    folders: dict[Path, None] = {}
    for path in expand(args.ground_truth):
        folders |= dict.fromkeys([path] if is_bag(path) else find_sequences(path))
    paths = _names(folders)
    benchmark = BENCHMARKS.get(args.benchmark)
    truths = {
        name: replace(read_truth(path, args.tracks_topic, benchmark), name=name)
        for name, path in paths.items()
    }
    recordings = {} if args.bag is None else _find_recordings(args.bag, paths)
    return _Compared(paths=paths, truths=truths, recordings=recordings)


def _names(folders: Iterable[Path]) -> dict[str, Path]:
    """Return sequences by name, with their places as `jtn track` gives them to the results."""
    absolute = {path.resolve(): path for path in folders}
    places = find_places(absolute, {})
    return {(Path(places[path]) / path.name).as_posix(): absolute[path] for path in absolute}


def _find_recordings(given: Path, names: Iterable[str]) -> dict[str, Path]:
    """Return the recording of each sequence: the one that is given, or those of their names.

    Raises:
        JtnError: if a sequence has none.
    """
    names = list(names)
    if len(names) == 1 and (not given.is_dir() or is_recording(given)):
        return {names[0]: given}
    found = {}
    for name in names:
        place = given / name
        candidates = [place, *sorted(place.parent.glob(f'{place.name}.*'))]
        match = next((path for path in candidates if is_recording(path)), None)
        if match is None:
            raise JtnError(
                f'{given}: no recording of the sequence {name}; for several sequences, --bag is '
                'the folder that contains a recording with the same name for each'
            )
        found[name] = match
    return found


def _track_recordings(args: argparse.Namespace, given: _Compared, jobs: Jobs) -> None:
    """Track every frame; a recording that fails is skipped, unless it is the only one."""
    tasks = {}
    for name, recording in given.recordings.items():
        stored = None
        if args.cache is not None:
            frames = given.truths[name].frames
            decisive = jobs.settings.decisive()
            key = cache_key(decisive, fingerprint(recording), frames, args.topic)
            stored = args.cache.absolute() / f'{name}-{key}.run.npz'
        tasks[name] = RecordingTask(
            recording=recording.absolute(),
            topic=args.topic,
            truth=given.truths[name],
            has_times=is_bag(given.paths[name]),
            settings=jobs.settings,
            stored=stored,
        )
    for name, found in jobs.collect(track_run, tasks, 'recordings').items():
        if not tasks[name].has_times:
            given.truths[name] = given.truths[name].with_stamps(found.stamps_ns)
        given.runs[name] = found.run
        given.parameters = found.parameters
    given.truths = {name: given.truths[name] for name in given.runs}


def _add_stamps(args: argparse.Namespace, given: _Compared) -> None:
    """Take the time line of each recording, unless the truth is a bag and has its own."""
    for name, recording in given.recordings.items():
        if not is_bag(given.paths[name]):
            with open_frames(recording, topic=args.topic) as source:
                line = time_line(source.stamps())
            given.truths[name] = given.truths[name].with_stamps(line)


def _read_runs(path: Path, truths: Iterable[Truth], args: argparse.Namespace) -> dict[str, Run]:
    truths = list(truths)
    if len(truths) > 1 and (path.is_file() or is_bag(path)):
        raise UsageError(
            f'{path} has the tracks of one sequence, but there are {len(truths)}; specify a '
            'folder with <sequence>.txt or a bag for each'
        )
    return {
        truth.name: read_run(path, truth, args.tolerance, args.tracks_topic) for truth in truths
    }


def _evaluate(truths: Mapping[str, Truth], runs: Mapping[str, Run], jobs: Jobs) -> Report:
    sequences = {name: compared(truth, runs[name]) for name, truth in truths.items()}
    return evaluate(sequences, jobs.map)


def _unmatched(runs: Mapping[str, Run]) -> dict[str, Any]:
    return {
        name: {
            'frames_without_tracks': run.frames_without.tolist(),
            'messages_without_frame_ns': run.unmatched_ns.tolist(),
        }
        for name, run in runs.items()
    }


class _Images(Mapping[str, FrameSource]):
    """The images of the sequences that have some, opened when a picture is made of them."""

    def __init__(self, args: argparse.Namespace, given: _Compared, stack: ExitStack) -> None:
        self._topic = args.topic
        # A sequence without images has scores all the same, only no pictures.
        own = {name: path for name, path in given.paths.items() if not is_bag(path)}
        self._paths = {**own, **given.recordings}
        self._stack = stack

    def __getitem__(self, name: str) -> FrameSource:
        """Return the opened images of a sequence."""
        path = self._paths[name]
        try:
            topic = self._topic if is_bag(path) else None
            return self._stack.enter_context(open_frames(path, topic=topic))
        except (JtnError, OSError) as error:
            raise KeyError(f'{path} has no images') from error

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the sequences that may have images."""
        return iter(self._paths)

    def __len__(self) -> int:
        """Return their number."""
        return len(self._paths)
