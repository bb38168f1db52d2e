from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from itertools import permutations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_sizes
from jtn_ros.synthetic import Scene
from jtn_ros.synthetic import SceneConfig
from jtn_ros.synthetic.body import INDEX
from jtn_ros.synthetic.body import Bodies
from jtn_ros.synthetic.body import pose
from jtn_ros.synthetic.crowd import Crowd
from jtn_ros.synthetic.patch import Patch
from jtn_ros.synthetic.scene_config import CameraMotion

SECOND = 1_000_000_000
SMALL = SceneConfig(width=256, height=144, duration_s=4.0)


def solid(figure: Patch) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the silhouette of a figure as the pixels (row, column) that it covers."""
    rows, columns = np.nonzero(figure.alpha > 127)
    return rows + figure.top, columns + figure.left


@pytest.mark.parametrize('motion', ['static', 'pan', 'shake'])
def test_same_seed_gives_the_same_bytes_in_any_order(motion: CameraMotion) -> None:
    config = replace(SMALL, seed=5, camera_motion=motion)
    times = [0, SECOND // 25, SECOND, 3 * SECOND]
    scene = Scene(config)
    forward = [scene.render(time) for time in times]
    other = Scene(config)
    for time, (image, annotations) in zip(times[::-1], forward[::-1], strict=True):
        image_again, annotations_again = other.render(time)
        assert np.array_equal(image, image_again)
        for name in ('ids', 'boxes', 'class_ids', 'visibilities', 'ignored'):
            assert np.array_equal(getattr(annotations, name), getattr(annotations_again, name))


def test_seeds_give_different_scenes() -> None:
    images = [Scene(replace(SMALL, seed=seed)).render(0)[0] for seed in range(4)]
    for first, second in pairwise(images):
        assert np.abs(first.astype(int) - second).mean() > 5


def test_annotations_follow_the_contract() -> None:
    for seed in range(8):
        image, annotations = Scene(replace(SMALL, seed=seed)).render(SECOND)
        assert image.shape == (144, 256, 3)
        assert image.dtype == np.uint8
        count = len(annotations)
        assert count
        assert annotations.ids.dtype == np.int64
        assert annotations.boxes.dtype == np.float32
        assert annotations.boxes.shape == (count, 4)
        assert (annotations.ids > 0).all()
        assert len(set(annotations.ids.tolist())) == count
        assert (annotations.class_ids == 0).all()
        assert not annotations.ignored.any()
        assert ((annotations.visibilities >= 0) & (annotations.visibilities <= 1)).all()
        assert (box_sizes(annotations.boxes) > 1).all()
        # Everyone's box reaches into the image.
        assert (annotations.boxes[:, :2] < (256, 144)).all()
        assert (annotations.boxes[:, 2:] > 0).all()


def lonely_scenes() -> Iterator[tuple[SceneConfig, NDArray[np.uint8], Annotations]]:
    """Yield scenes of one person without occluders, and the person's annotations."""
    for seed in range(18):
        config = replace(
            SMALL, seed=seed, people=(1, 1), occluders=(0, 0), sensor=False, camera_motion='static'
        )
        scene = Scene(config)
        image, annotations = scene.render(SECOND)
        if len(annotations):
            yield config, image, annotations


def test_boxes_are_tight_around_drawn_figures() -> None:
    for seed in range(6):
        scene = Scene(replace(SMALL, seed=seed, sensor=False))
        _, annotations = scene.render(SECOND)
        figures = scene.figures(SECOND)
        assert sorted(figures) == annotations.ids.tolist()
        for person, box in zip(annotations.ids.tolist(), annotations.boxes, strict=True):
            rows, columns = solid(figures[person])
            tight = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            # Whole pixels against exact outlines, and round edges that cover half a pixel.
            assert box == pytest.approx(tight, abs=1.5)


def test_annotations_of_figures_agree_with_the_image() -> None:
    checked = 0
    for config, image, annotations in lonely_scenes():
        if annotations.visibilities[0] < 0.2:
            continue
        empty, _ = Scene(replace(config, people=(0, 0))).render(SECOND)
        rows, columns = solid(Scene(config).figures(SECOND)[int(annotations.ids[0])])
        inside = (rows >= 0) & (rows < 144) & (columns >= 0) & (columns < 256)
        figure = np.zeros((144, 256), bool)
        figure[rows[inside], columns[inside]] = True
        difference = np.abs(image.astype(int) - empty).max(axis=2)
        assert (difference[figure] > 2).mean() > 0.75
        # Elsewhere at most a shadow, and the soft rim.
        beyond = ~cv2.dilate(figure.view(np.uint8), np.ones((5, 5))).astype(bool)
        assert (image.astype(int) - empty).max(axis=2)[beyond].max() <= 0
        checked += 1
    assert checked >= 8


def test_visibility_of_an_unoccluded_person_is_the_share_inside_the_image() -> None:
    inside = cut = 0
    for config, _, _ in lonely_scenes():
        scene = Scene(config)
        for second in range(5):
            _, annotations = scene.render(second * SECOND)
            for (x1, y1, x2, y2), share in zip(
                annotations.boxes, annotations.visibilities, strict=True
            ):
                if x1 >= 0 and y1 >= 0 and x2 <= 256 and y2 <= 144:
                    assert share == pytest.approx(1)
                    inside += 1
                elif min(x2, 256) - max(x1, 0) < 0.6 * (x2 - x1) or y2 > 144 + 0.2 * (y2 - y1):
                    assert share < 0.95
                    cut += 1
    assert inside >= 20
    assert cut >= 5


def test_people_occlude_one_another() -> None:
    hidden = 0
    for seed in range(6):
        config = replace(SMALL, seed=seed, people=(12, 12), occluders=(0, 0), sensor=False)
        scene = Scene(config)
        _, annotations = scene.render(SECOND)
        figures = scene.figures(SECOND)
        covers = np.zeros((144, 256), int)
        insides = {}
        for person, figure in figures.items():
            rows, columns = solid(figure)
            inside = (rows >= 0) & (rows < 144) & (columns >= 0) & (columns < 256)
            insides[person] = rows[inside], columns[inside]
            covers[insides[person]] += 1
        total_seen = 0
        for person, share in zip(annotations.ids.tolist(), annotations.visibilities, strict=True):
            size = len(solid(figures[person])[0])
            alone = np.count_nonzero(covers[insides[person]] == 1)
            # The minimum is the share that no other person covers; the maximum, that in the image.
            assert alone / size - 1e-4 <= share <= len(insides[person][0]) / size + 1e-4
            hidden += share < 0.7 * len(insides[person][0]) / size
            total_seen += share * size
        # Every covered pixel shows exactly one person.
        assert total_seen == pytest.approx(np.count_nonzero(covers), abs=0.5)
    assert hidden >= 3


def test_nearer_people_hide_farther_ones() -> None:
    compared = 0
    for seed in range(8):
        scene = Scene(replace(SMALL, seed=seed, people=(14, 14), occluders=(0, 0)))
        _, annotations = scene.render(0)
        inside = (annotations.boxes[:, :2] > 0).all(axis=1)
        inside &= (annotations.boxes[:, 2:] < (256, 144)).all(axis=1)
        some = annotations.select(inside)
        figures = scene.figures(0)
        pixels = [set(zip(*solid(figures[person]), strict=True)) for person in some.ids.tolist()]
        feet = some.boxes[:, 3]
        for farther, nearer in permutations(range(len(some)), 2):
            shared = len(pixels[farther] & pixels[nearer])
            if shared > 10 and feet[nearer] > feet[farther] + 8:
                compared += 1
                seen = some.visibilities[farther] * len(pixels[farther])
                assert seen <= len(pixels[farther]) - shared + 0.5
    assert compared >= 4


def test_identities_move_smoothly() -> None:
    for seed in range(5):
        scene = Scene(replace(SMALL, seed=seed, camera_motion='static'))
        _, before = scene.render(SECOND)
        _, now = scene.render(SECOND + SECOND // 25)
        common, first, second = np.intersect1d(before.ids, now.ids, return_indices=True)
        assert len(common) >= len(before) - 2
        moved = np.abs(box_centers(now.boxes[second]) - box_centers(before.boxes[first]))
        heights = box_sizes(now.boxes[second])[:, 1]
        assert (moved.max(axis=1) < 0.12 * heights + 1).all()


def test_walkers_cover_ground_and_standers_do_not() -> None:
    scene = Scene(replace(SMALL, seed=1, people=(30, 30), camera_motion='static'))
    _, before = scene.render(SECOND)
    _, now = scene.render(2 * SECOND)
    _, first, second = np.intersect1d(before.ids, now.ids, return_indices=True)
    moved = box_centers(now.boxes[second]) - box_centers(before.boxes[first])
    relative = np.linalg.norm(moved, axis=1) / box_sizes(now.boxes[second])[:, 1]
    # A person of 1.7 m walking 0.3 to 3.2 m/s moves 0.1 to 2 heights a second, or towards us.
    assert (relative > 0.1).any()
    assert relative.max() < 2.5


def test_nearer_people_stand_lower_and_are_larger() -> None:
    sizes, feet = [], []
    for seed in range(12):
        config = replace(
            SMALL, seed=seed, people=(14, 14), occluders=(0, 0), camera_motion='static'
        )
        _, annotations = Scene(config).render(0)
        heights = box_sizes(annotations.boxes)[:, 1]
        sizes.append(np.log(heights / heights.mean()))
        feet.append(annotations.boxes[:, 3] - annotations.boxes[:, 3].mean())
    correlation = np.corrcoef(np.concatenate(sizes), np.concatenate(feet))[0, 1]
    assert correlation > 0.6


def test_people_are_as_small_and_as_large_as_cameras_show_them() -> None:
    heights = []
    for seed in range(40):
        _, annotations = Scene(replace(SMALL, seed=seed, occluders=(0, 0))).render(0)
        heights += (box_sizes(annotations.boxes)[:, 1] / 144).tolist()
    shares = np.histogram(heights, [0, 0.12, 0.3, 0.7, 10])[0] / len(heights)
    # Distant, middle, near, and filling the image: none of them is rare.
    assert (shares > 0.08).all()


def test_only_people_who_stay_can_sit() -> None:
    sitters = 0
    for seed in range(12):
        scene = Scene(replace(SMALL, seed=seed, people=(40, 40)))
        (crowd,) = scene.actors
        assert isinstance(crowd, Crowd)
        sits = crowd.bodies.sitting > 0
        assert (crowd.walks.speeds[:, sits] < 0.15).all()
        sitters += int(sits.sum())
    assert sitters >= 1


def test_all_people_have_different_bodies() -> None:
    bodies = Bodies.sample(200, np.random.default_rng(1))
    standing = (np.zeros((200, 2)), np.zeros(200), np.zeros(200), np.zeros(200))
    centers, radii = pose(bodies, *standing)
    chest, crown = INDEX['chest'], INDEX['hair_top']
    # Thickness varies by a fifth, beyond what the stature explains; crowns are statures high.
    relative = radii[:, chest] / bodies.stature
    assert 0.15 < relative.std() / relative.mean() < 0.4
    tops = centers[:, crown, 2] + radii[:, crown]
    stands = bodies.sitting == 0
    assert tops[stands] == pytest.approx(bodies.stature[stands], rel=0.08)
    hands = centers[:, [INDEX['hand_l'], INDEX['hand_r']], 0]  # meters forward of the body
    both = (hands > 0.3).all(axis=1).mean()
    assert both > 0.05


def test_vehicles_are_a_second_class_with_tight_boxes() -> None:
    vehicles = 0
    for seed in range(8):
        config = replace(SMALL, seed=seed, people=(2, 2), vehicles=(3, 3))
        scene = Scene(config)
        _, annotations = scene.render(SECOND)
        figures = scene.figures(SECOND)
        assert (annotations.class_ids == (annotations.ids > 2)).all()
        for number in np.flatnonzero(annotations.class_ids == 1):
            rows, columns = solid(figures[int(annotations.ids[number])])
            tight = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            # Fast cars are blurred by up to half the length of the greatest smear.
            assert annotations.boxes[number] == pytest.approx(tight, abs=5.5)
            vehicles += 1
    assert vehicles >= 5


@pytest.mark.parametrize(('motion', 'least'), [('pan', 5.0), ('shake', 0.7)])
def test_moving_cameras_move_the_background_as_a_whole(motion: CameraMotion, least: float) -> None:
    shifts, errors = [], []
    for seed in range(5):
        config = replace(
            SMALL, seed=seed, people=(0, 0), occluders=(0, 0), camera_motion=motion, sensor=False
        )
        scene = Scene(config)
        first, second = (
            cv2.cvtColor(scene.render(time)[0], cv2.COLOR_BGR2GRAY) for time in (0, SECOND * 2)
        )
        points = cv2.goodFeaturesToTrack(first, 60, 0.01, 5)
        found, status, _ = cv2.calcOpticalFlowPyrLK(first, second, points, None, maxLevel=4)
        ok = status.ravel() == 1
        transform, inliers = cv2.findHomography(points[ok], found[ok], cv2.RANSAC, 1.5)
        moved = np.linalg.norm((found - points)[ok][inliers.ravel() == 1], axis=-1)
        shifts.append(np.median(moved))
        errors.append(inliers.mean())
        assert transform is not None
    assert np.max(shifts) > least
    assert np.median(errors) > 0.5


def test_a_static_camera_sees_a_still_background() -> None:
    config = replace(SMALL, people=(0, 0), camera_motion='static', sensor=False)
    scene = Scene(config)
    assert np.array_equal(scene.render(0)[0], scene.render(SECOND)[0])


def test_the_sensor_adds_noise_that_changes_over_time() -> None:
    config = replace(SMALL, people=(0, 0), camera_motion='static')
    changed = 0
    for seed in range(5):
        scene = Scene(replace(config, seed=seed))
        changed += not np.array_equal(scene.render(0)[0], scene.render(SECOND)[0])
    assert changed >= 4


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    width=st.integers(64, 400),
    height=st.integers(64, 400),
    motion=st.sampled_from(['static', 'pan', 'shake', 'random']),
)
def test_any_seed_and_size_gives_a_scene(
    seed: int, width: int, height: int, motion: CameraMotion
) -> None:
    config = SceneConfig(
        width=width, height=height, seed=seed, camera_motion=motion, people=(0, 8), duration_s=2.0
    )
    image, annotations = Scene(config).render(2 * SECOND)
    assert image.shape == (height, width, 3)
    assert np.isfinite(annotations.boxes).all()


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('width', 10),
        ('height', 5000),
        ('seed', -1),
        ('duration_s', 0.0),
        ('people', (5, 2)),
        ('people', (0, 101)),
        ('vehicles', (0, 21)),
        ('occluders', (-1, 2)),
        ('camera_motion', 'zoom'),
    ],
)
def test_bad_settings_are_named(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        SceneConfig(**{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize('time_ns', [-1, 4 * SECOND + 1])
def test_times_outside_the_scene_are_errors(time_ns: int) -> None:
    with pytest.raises(ValueError, match=r'duration_s'):
        Scene(SMALL).render(time_ns)
