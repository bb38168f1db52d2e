"""`jtn evaluate --embeddings`: how well the embeddings of a model distinguish objects."""

import argparse
from typing import Any

from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.score_table import SEPARATION_COLUMNS
from jtn_ros.cli.score_table import format_rows
from jtn_ros.cli.tracking_arguments import read_settings
from jtn_ros.datasets.readers import read_clips
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.evaluation.sightings import find_sightings
from jtn_ros.evaluation.verification import verify


def evaluate_embeddings(args: argparse.Namespace) -> dict[str, Any]:
    """Print the scores, and return them.

    Raises:
        UsageError: if an argument is about tracks or detections.
        OSError, JtnError: if images or model cannot be used.
    """
    for name in ('--synthetic', '--bag', '--topic', '--against', '--report', '--threshold'):
        if getattr(args, name.lstrip('-')) not in (None, False):
            raise UsageError(f'{name} cannot be combined with --embeddings; remove it')
    settings = read_settings(args)
    engine = settings.load()
    info = engine.info
    if not info.embedding_dim:
        raise JtnError(f'{info.name} has no embeddings; specify a model that has')
    clips = [
        clip for clip in read_clips(args.ground_truth, info.class_names) if len(clip.images) > 1
    ]
    if not clips:
        raise JtnError(
            f'{args.ground_truth}: there are only single images; specify MOTChallenge sequences '
            'or a COCO file of videos with track_id'
        )
    tracking = settings.track_with(engine)
    seen = (find_sightings(clip, tracking) for clip in clips)
    result = verify(list(show_progress(seen, args.ground_truth.name, len(clips))))
    print(format_rows('others in', result.rows(), SEPARATION_COLUMNS))
    print(
        f'against {result.same_pairs} pairs of the same object at least '
        f'{result.minimum_gap_s:g} s apart: {result.same_objects} of {result.objects} objects in '
        f'{result.sequences} sequences'
    )
    if result.rank1 is not None:
        print(
            f'Rank-1 {result.rank1:.2f}: the nearest object in another frame is the same object, '
            f'in {result.rank1_cases} cases'
        )
    return result.as_dict() | {'model': info.name, 'engine': engine.description}
