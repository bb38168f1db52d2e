"""Compare tracks or detections with ground truth, and one run with another.

  jtn evaluate --ground-truth sequences --tracks results --json scores.json
  jtn evaluate --ground-truth drive --bag drive.mcap                  track every frame now
  jtn evaluate --ground-truth drive --bag drive.mcap --tracks online  tracks recorded from a node
  jtn evaluate --ground-truth drive --tracks new --against old --report report.html
  jtn evaluate --ground-truth 'truth/*' --bag recordings --jobs 8 --cache runs

--ground-truth is a MOTChallenge sequence (with gt/gt.txt), a folder of sequences, or a bag whose
tracks are used as ground truth, or several of these. --tracks is a folder with <sequence>.txt for
each sequence, as written by `jtn track`, or a bag with the tracks of a node. --bag is the
recording that belongs to the ground truth, or for several sequences the folder with a recording
of the same name for each; without --tracks, it is tracked now. Recorded tracks are assigned to
frames by timestamp. Frames without tracks count as missed.

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
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jtn_ros.cli.evaluate_embeddings import evaluate_embeddings
from jtn_ros.cli.evaluate_runs import evaluate_runs
from jtn_ros.cli.evaluate_stills import evaluate_stills
from jtn_ros.cli.job_arguments import add_job_arguments
from jtn_ros.cli.job_arguments import refuse_jobs
from jtn_ros.cli.score_table import COLUMNS
from jtn_ros.cli.score_table import format_rows
from jtn_ros.cli.tracking_arguments import add_tracking_arguments
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
from jtn_ros.evaluation.metrics import mean
from jtn_ros.files import written_atomically
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.media.overwriting import require_files
from jtn_ros.synthetic.association_streams import DetectionStream
from jtn_ros.synthetic.association_streams import make_stream
from jtn_ros.synthetic.association_streams import standard_streams


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    truth = parser.add_mutually_exclusive_group(required=True)
    truth.add_argument(
        '--ground-truth',
        type=Path,
        nargs='+',
        metavar='PATH',
        help='MOTChallenge sequences, folders of them, bags, quoted patterns, or annotated '
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
    parser.add_argument(
        '--bag',
        type=Path,
        metavar='PATH',
        help='the recording: a bag, video or folder; or a folder with one for each sequence',
    )
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
    parser.add_argument(
        '--cache', type=Path, metavar='DIR', help='store the tracks of --bag here, and reuse them'
    )
    add_job_arguments(parser)
    add_tracking_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Print a table of scores, and write them as JSON if asked."""
    if args.report and args.report.suffix != '.html':
        raise UsageError(f'--report {args.report}: a report is an .html file')
    data = None if args.report is None else args.report.with_suffix('.json')
    truths = args.ground_truth or []
    inputs = (*truths, args.tracks, args.against, args.bag, args.model, args.params_file)
    protect_inputs((args.json, args.report, data), inputs)
    require_files((args.json, args.report, data))
    if args.report is not None:
        import_module('jtn_ros.evaluation.report.page')  # what is missing is named before the work
    failure: JtnError | None = None
    if args.embeddings or args.trackers or any(map(is_annotation_file, truths)):
        values = _evaluate_one(args)
    else:
        _check_usage(args)
        values, failure = evaluate_runs(args)
    if args.json is not None:
        with written_atomically(args.json) as temporary:
            temporary.write_text(json.dumps(values, indent=2) + '\n', encoding='utf-8')
    if failure is not None:
        raise failure
    return 0


def _evaluate_one(args: argparse.Namespace) -> dict[str, Any]:
    """Evaluate what takes one dataset, in this process."""
    refuse_jobs(args, 'annotated images, --embeddings and --trackers')
    if args.cache is not None:
        raise UsageError('--cache is for --bag; remove it')
    if args.ground_truth is not None:
        if len(args.ground_truth) > 1:
            raise UsageError(
                f'--ground-truth: {len(args.ground_truth)} were given, but annotated images, '
                '--embeddings and --trackers accept only one'
            )
        (args.ground_truth,) = args.ground_truth
    if args.embeddings:
        return evaluate_embeddings(args)
    if args.ground_truth is not None and is_annotation_file(args.ground_truth):
        return evaluate_stills(args)
    _check_usage(args)
    return _compare_trackers(args)


def _check_usage(args: argparse.Namespace) -> None:
    if args.threshold is not None:
        raise UsageError(
            '--threshold is for annotated images; specify a COCO .json or CrowdHuman .odgt file '
            'as --ground-truth, or remove it'
        )
    if args.synthetic and not args.trackers:
        raise UsageError('--synthetic needs --trackers')
    if not (args.tracks or args.trackers or args.bag):
        raise UsageError(
            'specify --tracks, --trackers or --bag, or annotated images (.json, .odgt) as '
            '--ground-truth'
        )
    if args.trackers and (args.bag or args.against or args.report):
        raise UsageError('--bag, --against and --report cannot be combined with --trackers')
    if args.cache is not None and (args.bag is None or args.tracks is not None):
        raise UsageError('--cache is for --bag without --tracks; remove it')
    if not args.tolerance >= 0:
        raise UsageError(f'--tolerance {args.tolerance} is negative')


def _compare_trackers(args: argparse.Namespace) -> dict[str, Any]:
    trials = compare(_streams(args), _available_trackers())
    rows = {
        name: SimpleNamespace(**vars(mean(trial.report)), milliseconds=trial.milliseconds)
        for name, trial in trials.items()
    }
    print(format_rows('tracker', rows, COLUMNS | {'ms': 'milliseconds'}))
    return {
        name: trial.report.as_dict() | {'milliseconds': trial.milliseconds}
        for name, trial in trials.items()
    }


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
