"""Videos of cameras: the stamps determine the duration of each image."""

from pathlib import Path

import cv2
import numpy as np

from jtn_ros.media.stamped_video import StampedVideo
from jtn_ros.media.video import VideoFrames

STAMPS = [10**18 + ms * 10**6 for ms in (0, 33, 70, 100, 1100, 19000)]


def flat(value: int, width: int = 64) -> np.ndarray:
    return np.full((48, width, 3), value, np.uint8)


def test_pictures_are_shown_at_their_times(tmp_path: Path) -> None:
    path = tmp_path / 'camera.webm'
    with StampedVideo(path) as video:
        for number, stamp in enumerate(STAMPS):
            video.write(flat(40 * number + 20), stamp)
            assert not path.exists()
    frames = list(VideoFrames(path))
    np.testing.assert_allclose(
        [frame.stamp_ns for frame in frames], np.array(STAMPS) - STAMPS[0], atol=10**6
    )
    np.testing.assert_allclose(
        [frame.image.mean() for frame in frames], [40 * i + 20 for i in range(6)], atol=6
    )
    assert [one.name for one in tmp_path.iterdir()] == ['camera.webm']
    assert cv2.VideoCapture(str(path)).read()[0]


def test_stamps_that_repeat_lose_no_picture(tmp_path: Path) -> None:
    with StampedVideo(tmp_path / 'camera.webm') as video:
        for stamp in (5, 5, 3, 40_000_000):
            video.write(flat(100), stamp)
    assert len(list(VideoFrames(tmp_path / 'camera.webm'))) == 4


def test_images_of_other_sizes_are_fitted(tmp_path: Path) -> None:
    with StampedVideo(tmp_path / 'camera.webm') as video:
        video.write(flat(100, 63), 0)
        video.write(flat(100, 128), 10**8)  # twice as wide: bars above and below
    first, second = VideoFrames(tmp_path / 'camera.webm')
    assert first.image.shape == second.image.shape == (48, 64, 3)
    assert abs(first.image.astype(int) - 100).max() <= 12
    assert abs(second.image[16:32].astype(int) - 100).max() <= 12
    assert second.image[:8].max() <= 30
    assert second.image[-8:].max() <= 30


def test_discarded_and_empty_videos_leave_no_file(tmp_path: Path) -> None:
    with StampedVideo(tmp_path / 'none.webm'):
        pass
    video = StampedVideo(tmp_path / 'broken.webm')
    video.write(flat(100), 0)
    video.discard()
    assert list(tmp_path.iterdir()) == []
