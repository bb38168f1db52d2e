"""Compare tracks with the ground truth of MOTChallenge sequences.

  jtn evaluate --ground-truth sequences --tracks results --json scores.json

--ground-truth is one sequence (gt/gt.txt inside) or a folder of sequences, in the MOT15 or the
MOT17 format; --tracks holds <sequence>.txt for each, as `jtn track` writes it.
"""

import argparse
import json
from pathlib import Path

from jtn_ros.evaluation.metrics import Report
from jtn_ros.evaluation.metrics import Scores
from jtn_ros.evaluation.metrics import evaluate_folder
from jtn_ros.files import written_atomically

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
    parser.add_argument('--ground-truth', type=Path, required=True, metavar='DIR',
                        help='a MOTChallenge sequence or a folder of them')  # fmt: skip
    parser.add_argument('--tracks', type=Path, required=True, metavar='DIR',
                        help='folder of <sequence>.txt, or one such file')  # fmt: skip
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the scores here too')


def run(args: argparse.Namespace) -> int:
    """Print a table of scores, and write them as JSON if asked."""
    report = evaluate_folder(args.ground_truth, args.tracks)
    print(format_table(report))
    if args.json is not None:
        with written_atomically(args.json) as temporary:
            temporary.write_text(json.dumps(report.as_dict(), indent=2) + '\n', encoding='utf-8')
    return 0


def format_table(report: Report) -> str:
    """Return the scores as text, one line a sequence and one for all together."""
    rows = dict(report.sequences)
    if len(rows) > 1:
        rows['all'] = report.combined
    width = max(len('sequence'), *map(len, rows))
    header = f'{"sequence":<{width}}' + ''.join(f'{name:>8}' for name in _COLUMNS)
    return '\n'.join([header, *(f'{name:<{width}}{_cells(rows[name])}' for name in rows)])


def _cells(scores: Scores) -> str:
    values = [getattr(scores, name) for name in _COLUMNS.values()]
    return ''.join(f'{v:>8}' if isinstance(v, int) else f'{v:>8.2f}' for v in values)
