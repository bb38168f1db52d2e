"""Compare tracks or detections with ground truth, and one run with another.

  jtn evaluate --ground-truth sequences --tracks results --json scores.json
  jtn evaluate --ground-truth drive --bag drive.mcap                  track every frame now
  jtn evaluate --ground-truth drive --bag drive.mcap --tracks online  tracks recorded from a node
  jtn evaluate --ground-truth drive --tracks new --against old --report report.html

--ground-truth is a MOTChallenge sequence (with gt/gt.txt), a folder of sequences, or a bag whose
tracks are taken as true. --tracks is a folder with <sequence>.txt for each sequence, as written by
`jtn track`, or a bag with the tracks of a node. --bag is the recording that belongs to the ground
truth; without --tracks, it is tracked now. Recorded tracks are assigned to frames by timestamp.
Frames without tracks count as missed.

  jtn evaluate --ground-truth val.json --model jtn_people --report detections.html

runs the model on every single image of a COCO .json or CrowdHuman .odgt file, and computes
average precision (COCO's, by pycocotools), and precision and recall above a confidence threshold,
per source of the images.

  jtn evaluate --ground-truth scenes --embeddings --model jtn_people

measures how well the embeddings of a model distinguish objects, in MOTChallenge sequences or in
the videos of a COCO file with track_id. It compares cosine distances of the same object at least
one second apart with distances to other objects (area under the ROC curve, equal error rate and
its distance, rank-1).

  jtn evaluate --ground-truth sequences --trackers
  jtn evaluate --synthetic --trackers

compares the trackers of this project with those of the package `trackers`, if it is installed (pip
install trackers==2.6.1), on the detections of the sequences (det/det.txt) or on synthetic ones.
Scores are means over the sequences.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from contextlib import closing
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from jtn_ros.cli.evaluate_embeddings import evaluate_embeddings
from jtn_ros.cli.evaluate_stills import evaluate_stills
from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.score_table import differences
from jtn_ros.cli.score_table import format_rows
from jtn_ros.cli.score_table import rows_of
from jtn_ros.cli.score_table import unmatched_lines
from jtn_ros.cli.tracking_arguments import add_tracking_arguments
from jtn_ros.cli.tracking_arguments import read_settings
from jtn_ros.datasets.benchmarks import BENCHMARKS
from jtn_ros.datasets.mot_challenge import find_sequences
from jtn_ros.datasets.readers import is_annotation_file
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.evaluation.association_benchmark import Runner
from jtn_ros.evaluation.association_benchmark import compare
from jtn_ros.evaluation.association_benchmark import own_trackers
from jtn_ros.evaluation.association_benchmark import peer_trackers
from jtn_ros.evaluation.association_benchmark import read_stream
from jtn_ros.evaluation.metrics import Report
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.metrics import mean
from jtn_ros.evaluation.report.data import Evaluation
from jtn_ros.evaluation.report.report import write_report
from jtn_ros.evaluation.runs import Run
from jtn_ros.evaluation.runs import Truth
from jtn_ros.evaluation.runs import collect_run
from jtn_ros.evaluation.runs import compared
from jtn_ros.evaluation.runs import read_run
from jtn_ros.evaluation.runs import read_truth
from jtn_ros.files import written_atomically
from jtn_ros.media import FrameSource
from jtn_ros.media import open_frames
from jtn_ros.media.bag_paths import is_bag
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.media.read_ahead import read_ahead
from jtn_ros.offline import track_frames
from jtn_ros.synthetic.association_streams import DetectionStream
from jtn_ros.synthetic.association_streams import make_stream
from jtn_ros.synthetic.association_streams import standard_streams


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    truth = parser.add_mutually_exclusive_group(required=True)
    truth.add_argument(
        '--ground-truth',
        type=Path,
        metavar='PATH',
        help='a MOTChallenge sequence, a folder of them, a bag, or annotated '
        'images (COCO .json, CrowdHuman .odgt)',
    )
    truth.add_argument('--synthetic', action='store_true', help='use synthetic detection streams')
    tracks = parser.add_mutually_exclusive_group()
    tracks.add_argument(
        '--tracks',
        type=Path,
        metavar='PATH',
        help='folder of <sequence>.txt, one such file, or a bag',
    )
    tracks.add_argument('--trackers', action='store_true', help='compare trackers')
    tracks.add_argument(
        '--embeddings', action='store_true', help='verify the embeddings of the model'
    )
    parser.add_argument('--bag', type=Path, help='the recording: a bag, video or folder')
    parser.add_argument('--topic', help='image topic, if the bag has several')
    parser.add_argument(
        '--tracks-topic', metavar='TOPIC', help='topic of the tracks, if the bag has several'
    )
    parser.add_argument(
        '--against',
        type=Path,
        metavar='PATH',
        help='another run to compare with, in the form of --tracks',
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        default=0.01,
        metavar='SECONDS',
        help='largest difference between the timestamps of a frame and its tracks (default: 0.01)',
    )
    parser.add_argument(
        '--threshold',
        type=float,
        metavar='SCORE',
        help='confidence threshold for precision and recall on annotated images, 0 to 1 '
        "(default: the model's)",
    )
    parser.add_argument(
        '--benchmark',
        choices=tuple(BENCHMARKS),
        help='benchmark whose rules apply (default: recognized by names and columns)',
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='also write the scores as JSON')
    parser.add_argument(
        '--report',
        type=Path,
        metavar='FILE.html',
        help='write an HTML report, and its data as FILE.json',
    )
    add_tracking_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print a table of scores, and write them as JSON if asked."""
    if args.report and args.report.suffix != '.html':
        raise UsageError(f'--report {args.report}: a report is an .html file')
    data = None if args.report is None else args.report.with_suffix('.json')
    inputs = (args.ground_truth, args.tracks, args.against, args.bag, args.model, args.params_file)
    protect_inputs((args.json, args.report, data), inputs)
    if args.embeddings:
        values = evaluate_embeddings(args)
    elif _has_stills(args):
        values = evaluate_stills(args)
    else:
        _check_usage(args)
        values = _compare_trackers(args) if args.trackers else _compare_runs(args)
    if args.json is not None:
        with written_atomically(args.json) as temporary:
            temporary.write_text(json.dumps(values, indent=2) + '\n', encoding='utf-8')
    return 0


def _has_stills(args: argparse.Namespace) -> bool:
    return args.ground_truth is not None and is_annotation_file(args.ground_truth)


def _check_usage(args: argparse.Namespace) -> None:
    if args.threshold is not None:
        raise UsageError(
            '--threshold is for annotated images; give a COCO .json or CrowdHuman .odgt file as '
            '--ground-truth, or leave it out'
        )
    if args.synthetic and not args.trackers:
        raise UsageError('--synthetic needs --trackers')
    if not (args.tracks or args.trackers or args.bag):
        raise UsageError(
            'give --tracks, --trackers or --bag, or annotated images (.json, .odgt) as '
            '--ground-truth'
        )
    if args.trackers and (args.bag or args.against or args.report):
        raise UsageError('--bag, --against and --report do not go with --trackers')
    if not args.tolerance >= 0:
        raise UsageError(f'--tolerance {args.tolerance} is negative')


def _compare_runs(args: argparse.Namespace) -> dict[str, Any]:
    """Print the scores of a run, and of the other one, and return them."""
    truths = _read_truths(args)
    by_name = {truth.name: truth for truth in truths}
    parameters: dict[str, Any] = {}
    if args.tracks is None:
        runs, parameters = _track_bag(args, truths[0])
    else:
        runs = _read_runs(args.tracks, truths, args)
    report = _evaluate(truths, runs)
    print(format_rows('sequence', rows_of(report)))
    values = report.as_dict() | {'unmatched': _unmatched(runs)}
    other = other_runs = None
    if args.against is not None:
        other_runs = _read_runs(args.against, truths, args)
        other = _evaluate(truths, other_runs)
        print('', format_rows('against', rows_of(other)), sep='\n')
        print('', format_rows('change', differences(report, other), signed=True), sep='\n')
        values['against'] = other.as_dict() | {'unmatched': _unmatched(other_runs)}
    for name, number in report.left_out.items():
        print(f'not scored, because no track has the class: {name}, {number} objects')
    for found in (runs, other_runs or {}):
        for name, one in found.items():
            for line in unmatched_lines(name, one):
                print(line)
    if args.report is not None:
        evaluation = Evaluation(truths=by_name, runs=runs, report=report)
        other_evaluation = None
        if other is not None and other_runs is not None:
            other_evaluation = Evaluation(truths=by_name, runs=other_runs, report=other)
        with ExitStack() as stack:
            paths = write_report(
                args.report,
                evaluation,
                title=', '.join(by_name),
                sources=_open_images(args, stack),
                against=other_evaluation,
                against_title=str(args.against),
                parameters=parameters,
            )
        print(*paths, sep='\n')
    return values


def _read_truths(args: argparse.Namespace) -> list[Truth]:
    if is_bag(args.ground_truth):
        truths = [read_truth(args.ground_truth, args.tracks_topic)]
    else:
        folders = find_sequences(args.ground_truth)
        benchmark = BENCHMARKS.get(args.benchmark)
        truths = [read_truth(folder, benchmark=benchmark) for folder in folders]
    if args.bag is None or is_bag(args.ground_truth):
        return truths
    if len(truths) > 1:
        raise UsageError(f'--bag belongs to one sequence; --ground-truth holds {len(truths)}')
    with open_frames(args.bag, topic=args.topic) as source:
        stamps = source.stamps()
    line = [stamps.get(index, -1) for index in range(max(stamps) + 1)]
    return [truths[0].with_stamps(np.array(line, np.int64))]


def _open_images(args: argparse.Namespace, stack: ExitStack) -> dict[str, FrameSource]:
    """Open the images of the sequences that have some."""
    if args.bag is not None:
        name = args.ground_truth.resolve().name
        return {name: stack.enter_context(open_frames(args.bag, topic=args.topic))}
    sources: dict[str, FrameSource] = {}
    folders = [] if is_bag(args.ground_truth) else find_sequences(args.ground_truth)
    for folder in folders:
        # A sequence without images has scores all the same, only no pictures.
        with suppress(JtnError, OSError):
            sources[folder.resolve().name] = stack.enter_context(open_frames(folder))
    return sources


def _read_runs(path: Path, truths: list[Truth], args: argparse.Namespace) -> dict[str, Run]:
    return {
        truth.name: read_run(path, truth, args.tolerance, args.tracks_topic) for truth in truths
    }


def _track_bag(args: argparse.Namespace, truth: Truth) -> tuple[dict[str, Run], dict[str, Any]]:
    """Track every image of the recording; return the run and the parameters."""
    settings = read_settings(args)
    with open_frames(args.bag, topic=args.topic) as source, closing(read_ahead(source)) as frames:
        engine = settings.load()
        info = engine.info
        tracking = settings.track_with(engine)
        tracked = track_frames(frames, tracking, settings.backward_tolerance)
        shown = show_progress(tracked, source.name, source.length)
        run = collect_run(shown, info.name, info.class_names, truth.frames)
    used = {'model': info.name, 'engine': engine.description}
    return {truth.name: run}, settings.as_dict(info.confident_score) | used


def _evaluate(truths: list[Truth], runs: dict[str, Run]) -> Report:
    return evaluate({truth.name: compared(truth, runs[truth.name]) for truth in truths})


def _unmatched(runs: dict[str, Run]) -> dict[str, Any]:
    return {
        name: {
            'frames_without_tracks': run.frames_without.tolist(),
            'messages_without_frame_ns': run.unmatched_ns.tolist(),
        }
        for name, run in runs.items()
    }


def _compare_trackers(args: argparse.Namespace) -> dict[str, Any]:
    reports = compare(_streams(args), _available_trackers())
    print(format_rows('tracker', {name: mean(report) for name, report in reports.items()}))
    return {name: report.as_dict() for name, report in reports.items()}


def _streams(args: argparse.Namespace) -> list[DetectionStream]:
    if args.synthetic:
        return [make_stream(config) for config in standard_streams(seed=1)]
    benchmark = BENCHMARKS.get(args.benchmark)
    return [read_stream(folder, benchmark) for folder in find_sequences(args.ground_truth)]


def _available_trackers() -> dict[str, Runner]:
    """Return ours and, where the package is installed, those of `trackers`."""
    try:
        return own_trackers() | peer_trackers()
    except JtnError as error:
        print(error, file=sys.stderr)
        return own_trackers()
