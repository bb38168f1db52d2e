"""Measure how well the lock follows a target in a simulated hall with many people.

    tools/run --dev python benchmarks/measure_following.py [--seconds 3600] [--seeds 0 1 2 3 4 5]

An hour of simulation has more than a thousand occlusions and crossings of the target, and takes a
minute or two. `jtn_ros.evaluation.following` describes the results.
"""

import argparse
from dataclasses import fields

from jtn_ros.evaluation.following import FollowingReport
from jtn_ros.evaluation.following import follow
from jtn_ros.evaluation.following import verification_error
from jtn_ros.synthetic.following_scene import FollowingScene
from jtn_ros.synthetic.following_scene import make_following_stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seconds', type=float, default=3600.0)
    parser.add_argument('--seeds', type=int, nargs='+', default=list(range(6)))
    args = parser.parse_args()
    for seed in args.seeds:
        stream = make_following_stream(FollowingScene(seconds=args.seconds, seed=seed))
        print(f'seed {seed}')
        error, at = verification_error(stream)
        print(f'  equal error rate of the embeddings: {100 * error:.1f} % at {at:.3f}')
        report = follow(stream)
        for entry in fields(FollowingReport):
            print(f'  {entry.name}: {getattr(report, entry.name):.4g}', flush=True)


if __name__ == '__main__':
    main()
