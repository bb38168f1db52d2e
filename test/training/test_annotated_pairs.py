"""Samples from annotated footage: the order of frames, and the identities."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.augmentation import Augmentation
from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.clips import LabeledImage
from jtn_ros.datasets.targets import PriorNoise
from jtn_ros.errors import JtnError
from jtn_ros.network.network_config import NetworkConfig
from jtn_ros.training.annotated_pairs import AnnotatedPairs
from jtn_ros.training.annotated_pairs import number_identities
from jtn_ros.training.recipe import AnnotatedData
from jtn_ros.training.recipe import Recipe

from tables import annotations_of

HEADS = {'hm': 1, 'tracking': 2, 'ltrb_amodal': 4}
NO_CHANGE = Augmentation(scale=(1, 1), shift=0, flip=0, colour=0, still_motion=0.05)


def people(ids: list[int], lefts: list[int]) -> Annotations:
    """Return people of 20x40 pixels at these columns."""
    return annotations_of([[left, 30, left + 20, 70] for left in lefts], ids=ids)


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    """Return frames 1 to 12 without 6 of a clip; person 5 moves 4 pixels a frame."""
    images = []
    for number in [*range(1, 6), *range(7, 13)]:
        path = tmp_path / f'{number}.png'
        cv2.imwrite(str(path), np.full((96, 160, 3), 10 * number, np.uint8))
        images.append(
            LabeledImage(path=path, number=number, annotations=people([5, 9], [4 * number, 100]))
        )
    return Clip(name='clip', frame_rate=10, images=tuple(images))


@pytest.fixture
def recipe() -> Recipe:
    """Return a recipe without chance but for the choice of frames."""
    return Recipe(
        network=NetworkConfig(
            backbone='light', heads=HEADS, embedding_head='', input_height=96, input_width=160
        ),
        data=(AnnotatedData(train='.', max_gap=0.2, no_prior=0, ghosts=0),),
        augmentation=NO_CHANGE,
        prior_noise=PriorNoise(jitter=0, lost=0, false_positive=0),
    )


def footage_of(recipe: Recipe) -> AnnotatedData:
    (data,) = recipe.data
    assert isinstance(data, AnnotatedData)
    return data


def frame_of(image: NDArray[np.number]) -> int:
    """Return the number of the frame that an image shows."""
    return int(image[48, 80, 0]) // 10


def test_every_image_comes_once_in_an_epoch_in_an_order_of_its_own(
    recipe: Recipe, clip: Clip
) -> None:
    pairs = AnnotatedPairs(recipe, footage_of(recipe), [clip])
    frames = [frame_of(pairs[index]['image'][0]) for index in range(22)]
    numbers = [image.number for image in clip.images]
    assert sorted(frames[:11]) == sorted(frames[11:]) == numbers
    assert frames[:11] != frames[11:]
    again = AnnotatedPairs(recipe, footage_of(recipe), [clip])[7]
    assert all(np.array_equal(value, again[name]) for name, value in pairs[7].items())


def test_previous_frames_lie_within_the_gap_on_either_side(recipe: Recipe, clip: Clip) -> None:
    pairs = AnnotatedPairs(recipe, footage_of(recipe), [clip])
    rng = np.random.default_rng(0)
    drawn = Counter(pairs.draw_near(0, 4, 0.2, rng) for _ in range(4000))  # frame 5 at 10 Hz
    numbers = {clip.images[position].number: count for position, count in drawn.items()}
    assert sorted(numbers) == [3, 4, 5, 7]
    assert min(numbers.values()) > 850
    positions = {pairs.draw_near(0, 2, 0.01, rng) for _ in range(200)}
    assert positions == {1, 2, 3}, 'a direct neighbor is never too far'


def test_displacements_point_to_the_previous_frame(recipe: Recipe, clip: Clip) -> None:
    pairs = AnnotatedPairs(recipe, footage_of(recipe), [clip])
    seen = set()
    for index in range(110):
        sample = {name: value[0] for name, value in pairs[index].items()}
        now, before = frame_of(sample['image']), frame_of(sample['previous_image'])
        if now == before:
            continue  # a moved camera
        cells = sample['ind'][:2] % 40
        expected = (4 * before + 10) / 4 - cells[0]
        np.testing.assert_allclose(sample['tracking'][0], [expected, 0.5], atol=1e-4)
        assert sample['prior_heatmap'][0, 50, 4 * before + 10] == 1
        seen.add(before - now)
    assert seen == {-2, -1, 1, 2}


def test_a_still_image_becomes_a_pair_by_moving_the_camera(recipe: Recipe, clip: Clip) -> None:
    still = replace(clip, images=clip.images[:1])
    pairs = AnnotatedPairs(recipe, footage_of(recipe), [still])
    displacements = []
    for index in range(40):
        sample = {name: value[0] for name, value in pairs[index].items()}
        assert sample['tid'][:2].tolist() == [1, 2]
        assert sample['tracking_mask'][:2].all()
        displacements.append(4 * sample['tracking'][:2])
        peaks = np.argwhere(sample['prior_heatmap'][0] == 1)
        cells = np.stack([sample['ind'][:2] % 40, sample['ind'][:2] // 40], 1)
        before = sorted((4 * (cells + sample['tracking'][:2])).astype(int)[:, ::-1].tolist())
        np.testing.assert_allclose(sorted(peaks.tolist()), before, atol=1)
    moved = np.array(displacements)
    assert 4 < moved.std() < 12
    # Both people move by nearly the same: the zoom moves what is far from the middle a bit more.
    assert abs(moved[:, 0] - moved[:, 1]).max() < 0.05 * 90 + 2


def test_identities_of_all_clips_are_numbered(clip: Clip) -> None:
    other = replace(
        clip,
        images=(
            replace(clip.images[0], annotations=people([700, 5], [1, 50])),
            replace(clip.images[1], annotations=people([], [])),
            replace(clip.images[2], annotations=people([5], [50])),
        ),
    )
    clips, count = number_identities([clip, other])
    ids = [[image.annotations.ids.tolist() for image in one.images] for one in clips]
    assert ids[0] == [[1, 2]] * 11
    assert ids[1] == [[4, 3], [], [3]]
    assert count == 4


def test_unreadable_images_and_empty_data_are_named(recipe: Recipe, clip: Clip) -> None:
    clip.images[0].path.write_bytes(b'no image')
    still = replace(clip, images=clip.images[:1])
    with pytest.raises(JtnError, match=r'1\.png cannot be read.*jtn dataset check'):
        AnnotatedPairs(recipe, footage_of(recipe), [still])[0]
    with pytest.raises(ValueError, match='no images to train on'):
        AnnotatedPairs(recipe, footage_of(recipe), [])


def test_views_show_the_same_people_changed_in_their_own_ways(recipe: Recipe, clip: Clip) -> None:
    data = replace(footage_of(recipe), views=2, view_gap=0.3)
    recipe = replace(recipe, augmentation=Augmentation(scale=(0.7, 1.0), shift=0.1))
    sample = AnnotatedPairs(recipe, data, [clip])[3]
    assert sample['identity'][:, :2].tolist() == [[1, 2], [1, 2]]
    assert sample['ind'][0].tolist() != sample['ind'][1].tolist()
    pairs = AnnotatedPairs(replace(recipe, augmentation=NO_CHANGE), data, [clip])
    gaps = set()
    for index in range(60):
        first, second = (frame_of(image) for image in pairs[index]['image'])
        gaps.add(abs(first - second))
    assert gaps == {0, 1, 2, 3}


def test_a_mosaic_joins_clips_without_showing_anyone_twice(recipe: Recipe, clip: Clip) -> None:
    data = replace(footage_of(recipe), mosaic=1.0)
    recipe = replace(recipe, augmentation=NO_CHANGE)
    others = [clip, *(replace(clip, name=str(number)) for number in range(3))]
    pairs = AnnotatedPairs(recipe, data, others)
    tiles = set()
    for index in range(20):
        sample = {name: value[0] for name, value in pairs[index].items()}
        ids = sample['identity'][sample['mask'] > 0].tolist()
        assert len(set(ids)) == len(ids)
        assert set(ids) <= set(range(1, 9))
        tiles.add(len({(identity - 1) // 2 for identity in ids}))
    assert max(tiles) > 2
    alone = AnnotatedPairs(recipe, data, [clip])[0]
    assert set(alone['identity'][alone['mask'] > 0].tolist()) <= {1, 2}


def test_boxes_that_people_cut_at_the_border_are_cut_by_crops(recipe: Recipe, clip: Clip) -> None:
    zoomed = replace(recipe, augmentation=replace(NO_CHANGE, scale=(3.0, 3.0)))
    edges = {}
    for cut in (False, True):
        data = replace(footage_of(recipe), cut_boxes=cut)
        sample = {
            name: value[0] for name, value in AnnotatedPairs(zoomed, data, [clip])[6].items()
        }
        cells = sample['ind'][:, None] % 40, sample['ind'][:, None] // 40
        boxes = np.hstack([*cells, *cells]) + sample['ltrb_amodal']
        edges[cut] = boxes[sample['mask'] > 0]
    assert edges[False].min() < 0
    assert edges[True].min() >= -1e-5
    assert (edges[True] <= np.array([40, 24, 40, 24]) + 1e-5).all()
