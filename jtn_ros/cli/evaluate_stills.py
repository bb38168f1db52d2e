"""`jtn evaluate` on annotated images: run the model on each and score its detections."""

import argparse
from contextlib import closing
from typing import Any

from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.score_table import DETECTION_COLUMNS
from jtn_ros.cli.score_table import format_rows
from jtn_ros.cli.tracking_arguments import read_settings
from jtn_ros.errors import UsageError
from jtn_ros.evaluation.average_precision import evaluate_detections
from jtn_ros.evaluation.stills import detect
from jtn_ros.evaluation.stills import read_stills
from jtn_ros.media.read_ahead import read_ahead


def evaluate_stills(args: argparse.Namespace) -> dict[str, Any]:
    """Print the scores by source, write the report if asked, and return the scores.

    Raises:
        UsageError: if an argument is about tracks.
        OSError, JtnError: if images or model cannot be used.
    """
    _check_usage(args)
    settings = read_settings(args)
    engine = settings.load()
    info = engine.info
    stills = read_stills(args.ground_truth, info.class_names)
    with closing(read_ahead(still.image.read() for still in stills)) as pixels:
        found = show_progress(detect(engine, pixels), args.ground_truth.name, len(stills))
        detections = list(found)
    threshold = args.threshold
    if threshold is None:
        threshold = settings.tracker_settings(info.confident_score).birth_score
    report = evaluate_detections(
        [still.image.annotations for still in stills],
        detections,
        [still.source for still in stills],
        threshold=threshold,
    )
    print(format_rows('source', report.rows(), DETECTION_COLUMNS))
    print(f'Prec, Rec and F1 of scores above {threshold:.2f} at an overlap of 0.5')
    used = {'model': info.name, 'engine': engine.description, 'threshold': threshold}
    if args.report is not None:
        from jtn_ros.evaluation.report.detections import write_detection_report

        paths = write_detection_report(
            args.report, report, title=args.ground_truth.name, model=info.name, parameters=used
        )
        print(*paths, sep='\n')
    return report.as_dict() | used


def _check_usage(args: argparse.Namespace) -> None:
    """Reject arguments that are about tracks."""
    given = {
        name: getattr(args, name.lstrip('-').replace('-', '_'))
        for name in ('--tracks', '--trackers', '--bag', '--topic', '--tracks-topic', '--against')
    }
    given[f'--tracker {args.tracker}'] = args.tracker not in (None, 'default')
    for name, value in given.items():
        if value:
            raise UsageError(
                f'{name} cannot be combined with the images of {args.ground_truth}, which are not '
                'tracked; remove it, or specify sequences or a bag as --ground-truth'
            )
    if args.threshold is not None and not 0 <= args.threshold <= 1:
        raise UsageError(f'--threshold {args.threshold} is not between 0 and 1')
