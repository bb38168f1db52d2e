"""Compare the tracks of 30 fps with those of the same stream without every third frame.

    tools/run --dev python benchmarks/compare_dropped_frames.py [SEED ...]

Prints the share of identities that correspond one to one, for each kind of synthetic stream, with
embeddings and displacements and with boxes only. (Other frame rates also lose every third frame.)
"""

import sys
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jtn_ros.evaluation.association_benchmark import agreement
from jtn_ros.evaluation.association_benchmark import run_tracker
from jtn_ros.synthetic.association_streams import DetectionStream
from jtn_ros.synthetic.association_streams import make_stream
from jtn_ros.synthetic.association_streams import standard_streams
from jtn_ros.tracking import Tracker


def share(full: DetectionStream, thin: DetectionStream, kept: NDArray[np.intp]) -> float:
    """Return the agreement of two streams, the second with only some frames of the first."""
    tracks = run_tracker(Tracker(), full)
    return agreement([tracks[n] for n in kept], run_tracker(Tracker(), thin))


def plain(stream: DetectionStream) -> DetectionStream:
    """Return a stream with boxes and scores only, as from a plain detector."""
    detections = [replace(d, displacements=None, embeddings=None) for d in stream.detections]
    return replace(stream, detections=detections)


def main(seeds: list[int]) -> None:
    """Print one line per kind of stream."""
    rows = []
    for seed in seeds:
        for kind in standard_streams(seed):
            full = make_stream(kind)
            kept = np.arange(len(full.detections)) % 3 != 2
            thin = make_stream(kind, kept)
            frames = np.flatnonzero(kept)
            boxes_alone = share(plain(full), plain(thin), frames)
            rows.append((share(full, thin, frames), boxes_alone))
            print(f'seed {seed} {kind.name:16} {rows[-1][0]:.2f}  {boxes_alone:.2f}', flush=True)
    print('mean {:.3f}  boxes alone {:.3f}'.format(*np.mean(rows, axis=0)))


if __name__ == '__main__':
    main([int(seed) for seed in sys.argv[1:]] or [1])
