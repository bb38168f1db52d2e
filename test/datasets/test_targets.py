"""Training targets, compared with the published implementation."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.targets import PriorNoise
from jtn_ros.datasets.targets import TargetLayout
from jtn_ros.datasets.targets import make_prior
from jtn_ros.datasets.targets import make_targets
from jtn_ros.geometry import Letterbox

from tables import annotations_of

GOLDENS = Path(__file__).parent / 'goldens'
CASES = json.loads((GOLDENS / 'targets.json').read_text())
STORED = [name for name in CASES if (GOLDENS / f'targets_{name}.npz').exists()]


def golden_annotations(records: list[dict[str, Any]], ignore_category: bool = True) -> Annotations:
    """Return golden annotations (x, y, width, height) in the project's form."""
    boxes = np.array([record['bbox'] for record in records], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    ignored = [
        bool(record['iscrowd']) or (ignore_category and record['category_id'] == -1)
        for record in records
    ]
    ids = np.array([record['track_id'] for record in records], np.int64)
    return annotations_of(boxes, ids=ids, ignored=ignored)


def published_letterbox(case: dict[str, Any]) -> Letterbox:
    """Return the published letterbox: the width alone decides the scale."""
    (height, width), (input_height, input_width) = case['orig_hw'], case['input_hw']
    scale = input_width / max(height, width)
    return Letterbox(
        scale, input_width / 2 - scale * width / 2, input_height / 2 - scale * height / 2
    )


@pytest.mark.parametrize('name', STORED)
def test_targets_equal_the_published_ones(name: str) -> None:
    case = CASES[name]
    layout = TargetLayout(input_height=case['input_hw'][0], input_width=case['input_hw'][1])
    letterbox = published_letterbox(case)
    # The published data loader draws ignore regions of the previous frame like objects.
    previous = golden_annotations(
        [record for record in case['previous_annotations'] if not record['iscrowd']],
        ignore_category=False,
    )
    noise = PriorNoise(
        jitter=case['hm_disturb'],
        lost=case['lost_disturb'],
        false_positive=case['fp_disturb'],
    )
    rng = np.random.RandomState(case['numpy_seed'])
    if case['frame_distance'] == 0:
        rng.standard_normal(3), rng.random()
    prior, ids, centers = make_prior(previous, letterbox, layout, noise, rng)
    targets = make_targets(
        golden_annotations(case['annotations']), ids, centers, letterbox, layout
    )
    with np.load(GOLDENS / f'targets_{name}.npz') as golden:
        np.testing.assert_allclose(prior, golden['pre_hm'], atol=1e-5)
        np.testing.assert_allclose(targets['hm'], golden['hm'], atol=1e-5)
        for key in set(targets) - {'hm'}:
            number = len(golden[key])
            np.testing.assert_allclose(targets[key][:number], golden[key], atol=1e-4, err_msg=key)
            assert not targets[key][number:].any()


def test_objects_beyond_max_objects_are_omitted() -> None:
    boxes = np.array([[8, 8, 24, 40], [40, 8, 56, 40]], np.float32)
    annotations = Annotations(
        ids=np.array([1, 2]),
        boxes=boxes,
        class_ids=np.array([0, 1], np.int32),
        visibilities=np.ones(2, np.float32),
        ignored=np.zeros(2, bool),
    )
    layout = TargetLayout(input_height=64, input_width=96, num_classes=2, max_objects=1)
    no_ids, no_centers = np.zeros(0, np.int64), np.zeros((0, 2), np.float32)
    targets = make_targets(annotations, no_ids, no_centers, Letterbox(1, 0, 0), layout)
    assert targets['mask'].tolist() == [1]
    assert targets['ind'].tolist() == [6 * 24 + 4]
    assert targets['hm'][0, 6, 4] == 1
    assert targets['hm'][1].max() == 0
    assert targets['tid_mask'].sum() == 0
