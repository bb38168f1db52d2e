from pathlib import Path

import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.datasets.sequences import read_sequences

from training.cut_sequence import cut_sequence


def test_a_half_is_a_sequence_with_its_own_frames_and_truth(tmp_path: Path) -> None:
    assert (
        main(
            [
                'synthesize',
                str(tmp_path),
                '--seconds',
                '1',
                '--fps',
                '6',
                '--size',
                '128x96',
                '--people',
                '4-8',
            ]
        )
        == 0
    )
    whole = tmp_path / 'synthetic-000000'
    cut_sequence(whole, 4, 6, tmp_path / 'halves' / 'second')
    (clip,) = read_sequences(tmp_path / 'halves', ['person'])
    truth = read_annotations(whole / 'gt' / 'gt.txt')
    assert (clip.name, clip.frame_rate, len(clip.images)) == ('second', 6, 3)
    for number, image in enumerate(clip.images, 4):
        assert image.path.read_bytes() == (whole / 'img1' / f'{number:06d}.jpg').read_bytes()
        assert np.array_equal(image.annotations.ids, truth[number].ids)
        assert np.array_equal(image.annotations.boxes, truth[number].boxes)
    with pytest.raises(ValueError, match='has 1 to 6'):
        cut_sequence(whole, 4, 7, tmp_path / 'more')
    with pytest.raises(ValueError, match='exists already'):
        cut_sequence(whole, 1, 2, tmp_path / 'halves' / 'second')
