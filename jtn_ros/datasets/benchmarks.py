"""The rules of the benchmarks that use the same file format."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """The meaning of the numbers in column 8 of a ground-truth file.

    Attributes:
        name: name of the benchmark.
        has_classes: whether that column is a class; in MOT15 every row is a person.
        distractors: classes that are similar to a person but are not tracked. A result on them is
            neither a true nor a false positive.
    """

    name: str
    has_classes: bool = True
    distractors: tuple[int, ...] = (2, 7, 8, 12)  # on a vehicle, static, distractor, reflection


# TrackEval also applies the rules of MOT17 to DanceTrack and SportsMOT.
BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (
        Benchmark(name='MOT15', has_classes=False, distractors=()),
        Benchmark(name='MOT16'),
        Benchmark(name='MOT17'),
        Benchmark(name='MOT20', distractors=(2, 6, 7, 8, 12)),  # and vehicles such as carts
        Benchmark(name='DanceTrack'),
        Benchmark(name='SportsMOT'),
    )
}
_PATTERNS = {
    **{f'MOT{year}': rf'MOT(20)?{year}(?!\d)' for year in (15, 16, 17, 20)},
    'DanceTrack': r'dancetrack',
    'SportsMOT': r'sportsmot|^v_.{11}_c\d+$',  # sequences are named after videos and their clips
}


def find_benchmark(folder: Path, name: str = '') -> Benchmark | None:
    """Return the benchmark that a sequence belongs to, or None if it cannot be identified.

    Args:
        folder: the sequence; its name is checked first, then `name`, then the names of the two
            parent folders, as in ``MOT20/train/MOT20-01``.
        name: name of the sequence in ``seqinfo.ini``.
    """
    place = folder.resolve()
    for text in (place.name, name, *(parent.name for parent in place.parents[:2])):
        for benchmark, pattern in _PATTERNS.items():
            if re.search(pattern, text, re.IGNORECASE):
                return BENCHMARKS[benchmark]
    return None


def default_benchmark(columns: int) -> Benchmark:
    """Return the rules for a file without a known benchmark, by its number of columns.

    8 or 9 columns end with class and visibility, as in MOT16 and later; 7 or 10 columns describe
    persons, with world coordinates at the end, as in MOT15.
    """
    return BENCHMARKS['MOT17' if columns in (8, 9) else 'MOT15']
