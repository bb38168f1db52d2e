"""Drawings change only the intended parts of the image."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import ArrayLike

from jtn_ros.media.drawing import Trails
from jtn_ros.media.drawing import color_of
from jtn_ros.media.drawing import draw_tracks
from jtn_ros.media.drawing import drawable
from jtn_ros.media.drawing import text_color_on
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.media.video_writer import browser_suffix
from jtn_ros.tracking.track import Tracks

from tables import tracks_of

WIDTH, HEIGHT = 320, 240
GREY = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)


def make_tracks(
    *boxes: tuple[float, ...],
    ids: list[int] | None = None,
    velocities: ArrayLike = (0, 0),
    seen: ArrayLike = True,
    class_ids: ArrayLike = 0,
) -> Tracks:
    """Return confirmed tracks with these boxes."""
    return tracks_of(
        boxes, ids=ids, scores=0.87, class_ids=class_ids, velocities=velocities, seen=seen
    )


def changed(image: np.ndarray) -> np.ndarray:
    """Return bool (H, W): where the drawing differs from the gray image."""
    return (image != GREY).any(axis=2)


def test_no_tracks_change_nothing() -> None:
    image = draw_tracks(GREY, make_tracks())
    np.testing.assert_array_equal(image, GREY)
    assert image is not GREY


def test_a_box_is_drawn_on_its_edges_in_the_color_of_its_id() -> None:
    image = draw_tracks(GREY, make_tracks((100, 80, 160, 200), ids=[5]))
    assert (image[80:201, 100] == color_of(5)).all()
    assert (image[80:201, 160] == color_of(5)).all()
    assert (image[200, 100:161] == color_of(5)).all()
    around = changed(image)
    assert not around[90:190, 110:150].any()
    around[50:203, 97:200] = False  # the box, and the label above it
    assert not around.any()
    assert changed(image)[60:78, 100:130].mean() > 0.5  # the label


def test_the_source_image_is_not_touched() -> None:
    image = GREY.copy()
    image.flags.writeable = False
    draw_tracks(image, make_tracks((10, 10, 50, 90)))
    assert not changed(image).any()


def test_a_predicted_box_is_dashed() -> None:
    solid = changed(draw_tracks(GREY, make_tracks((100, 80, 160, 200))))
    dashed = changed(draw_tracks(GREY, make_tracks((100, 80, 160, 200), seen=[False])))
    assert solid[90:200, 160].all()
    assert 0.35 < dashed[90:200, 160].mean() < 0.75
    assert not (dashed & ~solid).any()


def test_the_arrow_points_along_the_velocity() -> None:
    drawn = changed(draw_tracks(GREY, make_tracks((100, 80, 160, 200), velocities=[(160, 0)])))
    assert drawn[140, 130:209].all()  # half a second from the center
    assert not drawn[136:145, 215:].any()
    assert not drawn[136:145, 104:126].any()


def test_the_trail_follows_the_feet_and_is_forgotten() -> None:
    trails = Trails(seconds=1)
    for step in range(5):
        tracks = make_tracks((20 + 40 * step, 80, 60 + 40 * step, 200))
        trails.update(tracks, step * 400_000_000)
    np.testing.assert_array_equal(trails.points(1), [[120, 200], [160, 200], [200, 200]])
    drawn = changed(draw_tracks(GREY, tracks, trails=trails))
    assert drawn[200, 120:200].all()
    assert not drawn[200, :118].any()
    trails.update(make_tracks(), 2_000_000_000)
    assert len(trails.points(1)) == 0


def test_predicted_tracks_and_a_clock_that_jumps_back_leave_no_trail() -> None:
    trails = Trails()
    trails.update(make_tracks((0, 0, 10, 10)), 5_000_000_000)
    trails.update(make_tracks((50, 0, 60, 10), seen=[False]), 5_100_000_000)
    np.testing.assert_array_equal(trails.points(1), [[5, 10]])
    trails.update(make_tracks((80, 0, 90, 10)), 1_000_000_000)
    np.testing.assert_array_equal(trails.points(1), [[85, 10]])


def test_classes_are_written_when_there_are_several() -> None:
    tracks = make_tracks((100, 80, 160, 200))
    one = changed(draw_tracks(GREY, tracks, class_names=['person']))
    two = changed(draw_tracks(GREY, tracks, class_names=['person', 'car']))
    np.testing.assert_array_equal(one, changed(draw_tracks(GREY, tracks)))
    assert two[60:78].sum() > 1.5 * one[60:78].sum()


def test_lines_grow_with_the_image() -> None:
    large = np.full((HEIGHT * 6, WIDTH * 6, 3), 90, np.uint8)
    image = draw_tracks(large, make_tracks((600, 480, 960, 1200)))
    assert (image[900, 500:700] != 90).any(axis=1).sum() in range(4, 9)


@pytest.mark.parametrize(
    'box',
    [(-1e9, -1e9, 1e9, 1e9), (np.nan, 0, 10, np.inf), (-50, -50, -10, -10), (500, 300, 600, 400)],
)
def test_boxes_out_of_sight_are_harmless(box: tuple[float, float, float, float]) -> None:
    image = draw_tracks(GREY, make_tracks(box, velocities=[(np.inf, -1e30)]))
    assert image.shape == GREY.shape


def test_labels_stay_in_the_image() -> None:
    for box in [(0, 0, 40, 40), (300, 2, 340, 60), (-30, 200, 20, 260)]:
        drawn = changed(draw_tracks(GREY, make_tracks(box, ids=[123456])))
        assert drawn.sum() > 400


def test_neighboring_ids_have_distinguishable_colors() -> None:
    colors = np.array([color_of(i) for i in range(1, 41)], float)
    distance = np.linalg.norm(colors[:, None] - colors[None], axis=2)
    near = [distance[i, j] for i in range(40) for j in range(i) if i - j <= 4]
    assert min(near) > 60
    assert len({color_of(i) for i in range(1, 41)}) == 40


def luminance(bgr: tuple[int, int, int]) -> float:
    """Return the relative luminance of a color, as WCAG defines it."""
    encoded = np.array(bgr[::-1]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def test_every_color_stands_out_from_a_dark_background() -> None:
    background = luminance((32, 32, 32)) + 0.05
    contrasts = [(luminance(color_of(i)) + 0.05) / background for i in range(1, 501)]
    assert min(contrasts) > 3
    for i in range(1, 501):
        fill, text = luminance(color_of(i)), luminance(text_color_on(color_of(i)))
        assert (max(fill, text) + 0.05) / (min(fill, text) + 0.05) > 3


def test_tracks_out_of_the_image_or_long_unseen_are_not_drawn() -> None:
    tracks = make_tracks(
        (10, 10, 50, 90),
        (-60, 10, -5, 90),
        (10, 250, 50, 290),
        (330, 10, 360, 90),
        (10, -90, 50, -1),
        (310, 230, 400, 400),
        (60, 10, 90, 90),
        (90, 10, 120, 90),
    )
    tracks = tracks.replace(unseen_ns=np.array([0] * 6 + [10**9, 10**9 + 1]))
    assert drawable(tracks, WIDTH, HEIGHT).ids.tolist() == [1, 6, 7]
    hidden = tracks.select(~np.isin(tracks.ids, [1, 6, 7]))
    assert not changed(draw_tracks(GREY, hidden)).any()


def test_labels_of_near_objects_cover_those_of_far_ones() -> None:
    far, near = (100, 80, 160, 150), (101, 81, 161, 230)
    for boxes, ids in (((far, near), [1, 2]), ((near, far), [2, 1])):
        image = draw_tracks(GREY, make_tracks(*boxes, ids=ids))
        label = image[66:80, 103:125].reshape(-1, 3).tolist()
        assert label.count(list(color_of(2))) > 100
        assert label.count(list(color_of(1))) == 0


@pytest.mark.parametrize('suffix', ['.mp4', '.webm'])
@pytest.mark.parametrize(('width', 'height'), [(64, 48), (65, 47)])
def test_a_video_holds_every_frame_at_its_rate(
    tmp_path: Path, width: int, height: int, suffix: str
) -> None:
    path = tmp_path / 'out' / f'tracks{suffix}'
    with VideoWriter(path, 12.5) as video:
        for value in (20, 120, 220):
            video.write(np.full((height, width, 3), value, np.uint8))
        assert not path.exists()
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == 12.5
    for value in (20, 120, 220):
        good, image = capture.read()
        assert good
        assert image.shape == (height + height % 2, width + width % 2, 3)
        assert abs(image.astype(int) - value).max() <= 6
    assert not capture.read()[0]


def test_an_image_of_another_size_is_fitted_into_the_video(tmp_path: Path) -> None:
    path = tmp_path / 'tracks.mp4'
    with VideoWriter(path, 25) as video:
        video.write(np.full((48, 64, 3), 50, np.uint8))
        video.write(np.full((96, 64, 3), 200, np.uint8))  # twice as high: bars at the sides
    capture = cv2.VideoCapture(str(path))
    capture.read()
    good, image = capture.read()
    assert good
    assert image.shape == (48, 64, 3)
    assert abs(image[4:-4, 20:44].astype(int) - 200).max() <= 12
    assert image[:, :12].max() <= 30
    assert image[:, -12:].max() <= 30


def test_an_unfinished_video_is_removed(tmp_path: Path) -> None:
    with pytest.raises(KeyError), VideoWriter(tmp_path / 'tracks.mp4', 25) as video:  # noqa: PT012
        video.write(np.zeros((48, 64, 3), np.uint8))
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_only_mp4_and_webm_are_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'only \.mp4 and \.webm videos can be written'):
        VideoWriter(tmp_path / 'tracks.avi', 25)
    with pytest.raises(ValueError, match='frame rate 0 is not positive'):
        VideoWriter(tmp_path / 'tracks.mp4', 0)


def test_browsers_know_the_codec_of_a_browser_video(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f'tracks{browser_suffix()}'
    with VideoWriter(path, 25) as video:
        video.write(np.full((48, 64, 3), 90, np.uint8))
    code = int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FOURCC))
    codec = code.to_bytes(4, 'little').decode()
    assert (path.suffix, codec) in {('.mp4', 'h264'), ('.mp4', 'avc1'), ('.webm', 'VP80')}
    assert capfd.readouterr().err == ''


def test_tracks_that_were_not_seen_for_long_are_left_out() -> None:
    tracks = make_tracks((100, 80, 160, 200), seen=[False])
    assert changed(draw_tracks(GREY, replace(tracks, unseen_ns=np.array([900_000_000])))).any()
    assert not changed(
        draw_tracks(GREY, replace(tracks, unseen_ns=np.array([1_100_000_000])))
    ).any()
