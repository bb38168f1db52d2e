"""Compare tracks with the ground truth of MOTChallenge sequences.

  jtn evaluate --ground-truth sequences --tracks results --json scores.json

--ground-truth is one sequence (gt/gt.txt inside) or a folder of sequences, in the MOT15 or the
MOT17 format; --tracks holds <sequence>.txt for each, as `jtn track` writes it.

  jtn evaluate --ground-truth sequences --trackers
  jtn evaluate --synthetic --trackers

compares trackers instead, ours and those of the package `trackers` (pip install
trackers==2.6.1; without it only ours), on the detections of the sequences (det/det.txt) or on
synthetic ones; every tracker gets the mean over the sequences.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jtn_ros.files import written_atomically

if TYPE_CHECKING:
    from jtn_ros.evaluation.association import Runner
    from jtn_ros.evaluation.association_streams import DetectionStream
    from jtn_ros.evaluation.metrics import Scores

SUMMARY = 'compare tracks with ground truth: HOTA, MOTA, IDF1'

_COLUMNS = {
    'HOTA': 'hota',
    'DetA': 'det_a',
    'AssA': 'ass_a',
    'MOTA': 'mota',
    'IDF1': 'idf1',
    'IDSW': 'id_switches',
    'Frag': 'fragmentations',
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    truth = parser.add_mutually_exclusive_group(required=True)
    truth.add_argument('--ground-truth', type=Path, metavar='DIR',
                       help='a MOTChallenge sequence or a folder of them')  # fmt: skip
    truth.add_argument('--synthetic', action='store_true', help='synthetic detection streams')
    tracks = parser.add_mutually_exclusive_group(required=True)
    tracks.add_argument('--tracks', type=Path, metavar='DIR',
                        help='folder of <sequence>.txt, or one such file')  # fmt: skip
    tracks.add_argument('--trackers', action='store_true', help='compare trackers')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the scores here too')


def run(args: argparse.Namespace) -> int:
    """Print a table of scores, and write them as JSON if asked."""
    from jtn_ros.evaluation.association import compare
    from jtn_ros.evaluation.metrics import evaluate_folder
    from jtn_ros.evaluation.metrics import mean

    if args.trackers:
        reports = compare(_streams(args), _available_trackers())
        print(format_rows('tracker', {name: mean(report) for name, report in reports.items()}))
        values: object = {name: report.as_dict() for name, report in reports.items()}
    elif args.synthetic:
        raise ValueError('--tracks belongs to --ground-truth; give --trackers with --synthetic')
    else:
        report = evaluate_folder(args.ground_truth, args.tracks)
        rows = dict(report.sequences)
        if len(rows) > 1:
            rows['all'] = report.combined
        print(format_rows('sequence', rows))
        values = report.as_dict()
    if args.json is not None:
        with written_atomically(args.json) as temporary:
            temporary.write_text(json.dumps(values, indent=2) + '\n', encoding='utf-8')
    return 0


def _streams(args: argparse.Namespace) -> list['DetectionStream']:
    from jtn_ros.evaluation.association import read_stream
    from jtn_ros.evaluation.association_streams import make_stream
    from jtn_ros.evaluation.association_streams import standard_streams
    from jtn_ros.evaluation.metrics import find_sequences

    if args.synthetic:
        return [make_stream(config) for config in standard_streams(seed=1)]
    return [read_stream(folder) for folder in find_sequences(args.ground_truth)]


def _available_trackers() -> dict[str, 'Runner']:
    """Return ours and, where the package is installed, those of `trackers`."""
    from jtn_ros.evaluation.association import own_trackers
    from jtn_ros.evaluation.association import peer_trackers

    try:
        return own_trackers() | peer_trackers()
    except ImportError as error:
        print(error, file=sys.stderr)
        return own_trackers()


def format_rows(title: str, rows: Mapping[str, 'Scores']) -> str:
    """Return scores as text, one line each."""
    width = max(len(title), *map(len, rows))
    header = f'{title:<{width}}' + ''.join(f'{name:>8}' for name in _COLUMNS)
    return '\n'.join([header, *(f'{name:<{width}}{_cells(rows[name])}' for name in rows)])


def _cells(scores: 'Scores') -> str:
    values = [getattr(scores, name) for name in _COLUMNS.values()]
    return ''.join(f'{v:>8}' if isinstance(v, int) else f'{v:>8.2f}' for v in values)
