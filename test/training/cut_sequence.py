"""Cut frames FIRST to LAST out of a MOTChallenge sequence, as a sequence of its own.

    python test/training/cut_sequence.py PETS09-S2L1 1 150 pets_half/train/first
    python test/training/cut_sequence.py PETS09-S2L1 151 300 pets_half/test/second

The halves of the benchmark on real footage are made with it. Rows of gt.txt stay as they are but
for their frame, flags included.
"""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from jtn_ros.datasets.mot_challenge import read_sequence_info
from jtn_ros.datasets.mot_challenge import write_sequence_info


def cut_sequence(sequence: Path, first: int, last: int, output: Path) -> None:
    """Copy frames `first` to `last`, which become 1, 2, ...

    Raises:
        OSError: if a file is missing or cannot be written.
        ValueError: if the sequence has no such frames, or the output is there already.
    """
    info = read_sequence_info(sequence)
    if not 1 <= first <= last <= info.length:
        raise ValueError(f'frames {first} to {last}: {sequence} has 1 to {info.length}')
    if output.exists():
        raise ValueError(f'{output} exists already; remove it or choose another folder')
    images = output / 'img1'
    images.mkdir(parents=True)
    for frame in range(first, last + 1):
        source = sequence / info.image_dir / f'{frame:06d}{info.image_extension}'
        shutil.copyfile(source, images / f'{frame - first + 1:06d}{info.image_extension}')
    rows = [row.split(',', 1) for row in (sequence / 'gt' / 'gt.txt').read_text().splitlines()]
    kept = [
        f'{int(frame) - first + 1},{rest}\n' for frame, rest in rows if first <= int(frame) <= last
    ]
    (output / 'gt').mkdir()
    (output / 'gt' / 'gt.txt').write_text(''.join(kept))
    cut = replace(info, name=output.name, length=last - first + 1, image_dir='img1')
    write_sequence_info(output, cut)


def main() -> None:
    """Cut a sequence according to the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('sequence', type=Path)
    parser.add_argument('first', type=int)
    parser.add_argument('last', type=int)
    parser.add_argument('output', type=Path)
    args = parser.parse_args()
    cut_sequence(args.sequence, args.first, args.last, args.output)


if __name__ == '__main__':
    main()
