"""Check a dataset for errors.

    jtn dataset check MOT17/train
    jtn dataset check crowdhuman/annotation_train.odgt
    jtn dataset check coco/annotations/instances_train2017.json

Prints every problem with its file and line: rows that are not numbers, boxes without area or
outside the image, identities that occur twice in a frame, missing, extra or broken images, wrong
numbers of frames. The exit code is 0 if there are no problems and 1 otherwise.
"""

import argparse
from pathlib import Path

from jtn_ros.cli.counted import counted
from jtn_ros.cli.progress import show_progress
from jtn_ros.datasets.check import check_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument('action', choices=('check',), help='what to do')
    parser.add_argument(
        'dataset', type=Path, help='folder of MOTChallenge sequences, .odgt or COCO .json file'
    )


def run(args: argparse.Namespace) -> int:
    """Print what is wrong."""
    findings = check_dataset(
        args.dataset, lambda images: show_progress(images, 'images', len(images))
    )
    for problem in findings.problems:
        print(problem)
    number = len(findings.problems)
    summary = counted(number, 'problem') if number else 'no problem'
    parts = [
        counted(findings.clips, 'sequence') if findings.clips else '',
        counted(findings.images, 'image'),
        f'{findings.boxes} {"box" if findings.boxes == 1 else "boxes"}',
    ]
    print(f'{summary}: {", ".join(filter(None, parts))}')
    return int(number > 0)
