"""Videos of cameras: the stamps decide how long a picture is shown."""

import cv2
import numpy as np
import pytest

from jtn_ros.errors import JtnError
from jtn_ros.media.stamped_video import StampedVideo
from jtn_ros.media.video import VideoFrames

STAMPS = [10**18 + ms * 10**6 for ms in (0, 33, 70, 100, 1100, 19000)]


def flat(value: int, width: int = 64) -> np.ndarray:
    return np.full((48, width, 3), value, np.uint8)


def test_pictures_are_shown_at_their_times(tmp_path):
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


def test_stamps_that_repeat_lose_no_picture(tmp_path):
    with StampedVideo(tmp_path / 'camera.webm') as video:
        for stamp in (5, 5, 3, 40_000_000):
            video.write(flat(100), stamp)
    assert len(list(VideoFrames(tmp_path / 'camera.webm'))) == 4


def test_odd_sizes_are_padded_and_others_refused(tmp_path):
    with StampedVideo(tmp_path / 'camera.webm') as video:
        video.write(flat(100, 63), 0)
        with pytest.raises(JtnError, match='an image of 70x48 pixels does not fit'):
            video.write(flat(100, 70), 10**8)
    assert VideoFrames(tmp_path / 'camera.webm').width == 64


def test_nothing_is_left_of_what_is_discarded_or_has_no_picture(tmp_path):
    with StampedVideo(tmp_path / 'none.webm'):
        pass
    video = StampedVideo(tmp_path / 'broken.webm')
    video.write(flat(100), 0)
    video.discard()
    assert list(tmp_path.iterdir()) == []
