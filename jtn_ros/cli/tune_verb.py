"""Search for tracker parameters with the highest HOTA on sequences with ground truth.

    jtn tune sequences --output params.yaml
    jtn tune sequences --validate others --trials 200 --output params.yaml
    jtn tune sequences --detections --parameters position_noise,lost_time --output params.yaml

The network processes each sequence once (--cache stores its detections). A trial only runs the
tracker and the metrics. Finally the network runs again with the best parameters, because its
detections depend on the heat map of earlier tracks; this HOTA is the one to report. The parameters
fit the sequences that they were found on. Use --validate to test them on other sequences.

The result is a parameter file for the node (params_file:=FILE) and for jtn (--params-file FILE).
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.tracking_arguments import OfflineSettings
from jtn_ros.cli.tracking_arguments import add_tracking_arguments
from jtn_ros.cli.tracking_arguments import read_settings
from jtn_ros.datasets.mot_challenge import find_sequences
from jtn_ros.datasets.mot_challenge import read_detections
from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.evaluation.metrics import mean_hota
from jtn_ros.evaluation.runs import collect_run
from jtn_ros.evaluation.runs import compared
from jtn_ros.evaluation.runs import read_truth
from jtn_ros.evaluation.tuning import NODE_PARAMETERS
from jtn_ros.evaluation.tuning import SeenSequence
from jtn_ros.evaluation.tuning import cache_key
from jtn_ros.evaluation.tuning import hota_of
from jtn_ros.evaluation.tuning import load_detections
from jtn_ros.evaluation.tuning import save_detections
from jtn_ros.evaluation.tuning import search
from jtn_ros.files import written_atomically
from jtn_ros.inference import Engine
from jtn_ros.inference import find_model
from jtn_ros.media import open_frames
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.offline import track_frames
from jtn_ros.tracking import TrackerSettings

# The network hands over everything that a trial could want.
_LEAST_SCORE = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument('sequences', type=Path, help='a MOTChallenge sequence or a folder of them')
    parser.add_argument(
        '--output', type=Path, required=True, metavar='FILE.yaml', help='parameter file to write'
    )
    parser.add_argument(
        '--validate', type=Path, metavar='DIR', help='other sequences to test the result on'
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
    add_tracking_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Search, confirm, and write the file."""
    if args.trials < 1:
        raise UsageError(f'--trials {args.trials}: at least one is needed')
    if args.tracker == 'reference':
        raise UsageError('the reference tracker has no thresholds to search')
    protect_inputs([args.output], (args.sequences, args.validate, args.model, args.params_file))
    names = _names(args)
    settings = read_settings(args)
    bench = _Bench(settings, None if args.detections else settings.load(), args.cache)
    seen = bench.see(args.sequences)
    before = bench.score(seen, {})
    trials = search(partial(bench.score, seen), bench.start(names), args.trials, args.seed)
    *_, (best, after) = show_progress(trials, 'searching', args.trials)
    lines = [_line('searched', args.sequences, before, after)]
    if not args.detections:
        lines.append(_line('confirmed', args.sequences, *bench.confirm(args.sequences, best)))
    if args.validate is not None:
        lines.append(_line('validated', args.validate, *bench.confirm(args.validate, best)))
    _write(args.output, best, lines)
    print(*lines, *(f'{name}: {value:.4g}' for name, value in best.items()), sep='\n')
    print(args.output)
    return 0


class _Bench:
    """Scores thresholds on what the network saw, or with the network in the loop.

    Args:
        settings: in use before the search.
        engine: the network, or None to take stored detections.
        cache: folder for what the network saw.
    """

    def __init__(
        self, settings: OfflineSettings, engine: Engine | None, cache: Path | None
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._cache = cache
        self._trusted = None if engine is None else engine.info.confident_score

    def start(self, names: Sequence[str]) -> dict[str, Any]:
        """Return the thresholds in use; a score threshold of 0 means that of the tracker."""
        thresholds = self._settings.tracker_settings(self._trusted)
        values = asdict(thresholds)
        values['score_threshold'] = self._settings.score_threshold or thresholds.minimum_score
        return {name: values[name] for name in names}

    def see(self, folder: Path) -> list[SeenSequence]:
        """Return what the network sees in the sequences, or what their det/det.txt says."""
        look = self._run_network if self._engine is not None else _read_detections
        return [look(path) for path in find_sequences(folder)]

    def score(self, seen: Sequence[SeenSequence], values: dict[str, Any]) -> float:
        """Return the mean HOTA with these thresholds."""
        chosen = self._settings.with_values(values)
        return hota_of(seen, chosen.tracker_settings(self._trusted), chosen.score_threshold)

    def confirm(self, folder: Path, values: dict[str, Any]) -> tuple[float, float]:
        """Return the mean HOTA before and with these thresholds, the network in the loop."""
        if self._engine is None:
            seen = self.see(folder)
            return self.score(seen, {}), self.score(seen, values)
        scores = []
        for chosen in (self._settings, self._settings.with_values(values)):
            sequences = {}
            for path in find_sequences(folder):
                truth = read_truth(path)
                with open_frames(path) as source:
                    tracked = track_frames(source, chosen.track_with(self._engine))
                    shown = show_progress(tracked, f'confirming on {truth.name}', source.length)
                    run = collect_run(shown, '', (), truth.frames)
                sequences[str(path)] = compared(truth, run)
            scores.append(mean_hota(sequences))
        return scores[0], scores[1]

    def _run_network(self, folder: Path) -> SeenSequence:
        """Return what the network sees in a sequence, from the cache if it was there before."""
        assert self._engine is not None
        truth = read_truth(folder)
        seeing = self._settings.with_values({'score_threshold': _LEAST_SCORE})
        key = cache_key(
            find_model(seeing.model or None),
            self._engine.description,
            asdict(seeing),
            folder.resolve(strict=True).as_posix(),
            truth.frames,
        )
        cached = None if self._cache is None else self._cache / f'{truth.name}-{key}.npz'
        if cached is not None and cached.exists():
            return load_detections(cached, truth)
        stamps, detections, motions = {}, {}, {}
        with open_frames(folder) as source:
            tracked = track_frames(source, seeing.track_with(self._engine))
            for item in show_progress(tracked, f'looking at {truth.name}', source.length):
                stamps[item.frame.index + 1] = item.frame.stamp_ns
                detections[item.frame.index + 1] = item.result.detections
                if item.result.camera_motion is not None:
                    motions[item.frame.index + 1] = item.result.camera_motion
        seen = SeenSequence(
            truth=truth, stamps_ns=stamps, detections=detections, camera_motions=motions
        )
        if cached is not None:
            save_detections(cached, seen)
        return seen


def _read_detections(folder: Path) -> SeenSequence:
    """Return the stored detections of a sequence."""
    truth = read_truth(folder)
    if not len(truth.stamps_ns):
        raise JtnError(f'{folder} has no seqinfo.ini, so its frames have no times')
    found = read_detections(folder / 'det' / 'det.txt')
    stamps = dict(enumerate(truth.stamps_ns.tolist(), start=1))
    return SeenSequence(
        truth=truth,
        stamps_ns=stamps,
        detections={number: found.get(number, Detections.empty()) for number in stamps},
    )


def _line(what: str, path: Path, before: float, after: float) -> str:
    return f'{what} on {path.resolve().name}: HOTA {before:.2f} before, {after:.2f} after'


def _names(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the names of the thresholds to search."""
    if args.parameters is None:
        return NODE_PARAMETERS
    names = tuple(args.parameters.split(','))
    known = {'score_threshold', *(field.name for field in fields(TrackerSettings))}
    if unknown := sorted(set(names) - known):
        raise UsageError(f'unknown threshold {unknown[0]!r}; known: {", ".join(sorted(known))}')
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
