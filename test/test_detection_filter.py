"""Filters of detections: polygons, masks, classes, scores and sizes."""

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.detection_filter import DetectionFilterSettings
from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError

from tables import detections_of

CLASSES = ('person', 'car')
HEIGHT, WIDTH = 100, 200


def detections(*boxes: tuple[float, float, float, float], **columns: ArrayLike) -> Detections:
    array = np.array(boxes, np.float32).reshape(-1, 4)
    number = len(array)
    return detections_of(
        array, **{'scores': 0.5, 'embeddings': np.arange(4 * number).reshape(number, 4), **columns}
    )


def kept(given: Detections, camera: str = '', **settings: Any) -> NDArray[np.intp]:
    """Return the rows that are left, by their embeddings."""
    wanted = DetectionFilter(
        DetectionFilterSettings(**settings), CLASSES, camera, ('front', 'rear')
    )
    left = wanted.apply(given, HEIGHT, WIDTH)
    assert left.embeddings is not None
    return (left.embeddings[:, 0] / 4).astype(np.intp)


# Bottoms at (20, 60), (120, 60) and (195, 120), which is below the image.
THREE = detections((10, 20, 30, 60), (110, 20, 130, 60), (180, 40, 210, 120))


def test_everything_is_tracked_by_default() -> None:
    wanted = DetectionFilter(DetectionFilterSettings(), CLASSES)
    assert wanted.apply(THREE, HEIGHT, WIDTH) is THREE
    assert wanted.mask(HEIGHT, WIDTH) is None


def test_regions_are_judged_by_the_bottom_or_the_center() -> None:
    ground = '0,50 150,50 150,99 0,99'
    assert kept(THREE, regions=(ground,)).tolist() == [0, 1]
    assert kept(THREE, regions=(ground,), region_point='center').tolist() == []
    assert kept(THREE, regions=(ground, '160,90 199,90 199,99 160,99')).tolist() == [0, 1, 2]
    assert kept(
        THREE, regions=(ground,), ignored_regions=('100,0 199,0 199,99 100,99',)
    ).tolist() == [0]
    assert kept(THREE, ignored_regions=('0,0 150,0 150,99 0,99',)).tolist() == [2]


def test_polygons_of_a_camera_are_for_that_camera() -> None:
    regions = ('front: 0,0 50,0 50,99 0,99', 'rear: 100,0 150,0 150,99 100,99')
    assert kept(THREE, 'front', regions=regions).tolist() == [0]
    assert kept(THREE, 'rear', regions=regions).tolist() == [1]
    assert kept(THREE, regions=regions).tolist() == [0, 1, 2], 'no camera has a name'
    for camera, limited in (('front', True), ('rear', False)):
        settings = DetectionFilterSettings(regions=regions[:1])
        wanted = DetectionFilter(settings, CLASSES, camera, ('front', 'rear'))
        assert wanted.has_areas == limited
    with pytest.raises(JtnError, match=r"of the camera 'fronT' \(did you mean front\?\)"):
        kept(THREE, 'front', regions=('fronT: 0,0 50,0 50,99 0,99',))


def test_a_mask_is_scaled_to_the_image_and_belongs_to_the_camera(tmp_path: Path) -> None:
    mask = np.full((10, 20, 3), 255, np.uint8)
    mask[:, :10] = 0
    cv2.imwrite(str(tmp_path / 'front.png'), mask)
    path = str(tmp_path / '{camera}.png')
    assert kept(THREE, 'front', mask_image=path).tolist() == [1, 2]
    with pytest.raises(JtnError, match=r"mask_image is '.*rear.png': .*No such file"):
        kept(THREE, 'rear', mask_image=path)
    (tmp_path / 'rear.png').write_text('no image')
    with pytest.raises(JtnError, match=r'rear.png cannot be decoded'):
        kept(THREE, 'rear', mask_image=path)


def test_classes_scores_and_sizes() -> None:
    given = detections(
        (0, 0, 10, 10), (0, 0, 20, 20), (0, 0, 40, 40), (0, 0, 40, 40),
        scores=[0.3, 0.6, 0.4, 0.9], class_ids=[0, 1, 0, 7],
    )  # fmt: skip
    assert kept(given, classes=('car',)).tolist() == [1]
    assert kept(given, classes=('car', 'person')).tolist() == [0, 1, 2]
    assert kept(given, class_scores=('person=0.4', 'car=0.5')).tolist() == [1, 3]
    assert kept(given, minimum_size=20).tolist() == [1, 2, 3]
    assert kept(given, minimum_size=15, maximum_size=30).tolist() == [1]
    assert kept(detections(), classes=('car',), regions=('0,0 9,0 9,9',)).tolist() == []


@pytest.mark.parametrize(
    ('settings', 'reason'),
    [
        ({'regions': ('0,0 10,0',)}, "regions contains '0,0 10,0'; write a polygon of three"),
        ({'regions': ('0,0 10,0 20,0',)}, 'write a polygon'),  # a line
        ({'regions': ('0,0 10 20,0',)}, 'write a polygon'),
        ({'regions': ('0,0,1 1,0,1 1,1,1',)}, 'write a polygon'),
        ({'ignored_regions': ('a,b c,d e,f',)}, "ignored_regions contains 'a,b c,d e,f'"),
        ({'regions': ('nan,0 1,0 1,1',)}, 'write a polygon'),
        ({'regions': ('1e9,0 1,0 1,1',)}, 'write a polygon'),
        ({'regions': ('front:',)}, 'write a polygon'),
        ({'class_scores': ('person',)}, "class_scores contains 'person'; write the name of a"),
        ({'class_scores': ('person=2',)}, 'a score from 0 to 1'),
        ({'class_scores': ('person=nan',)}, 'a score from 0 to 1'),
        ({'minimum_size': 9.0, 'maximum_size': 8.0}, 'maximum_size is 8, and minimum_size 9'),
        (
            {'classes': ('cat',)},
            r"classes contains 'cat'.*; the classes of the model: person, car",
        ),
        ({'class_scores': ('persn=0.4',)}, 'did you mean person'),
    ],
)
def test_impossible_values_are_reported_with_a_remedy(
    settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(JtnError, match=reason):
        DetectionFilter(DetectionFilterSettings(**settings), CLASSES)


def test_regions_that_exclude_the_whole_image_produce_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logger = logging.getLogger('jtn_ros.detection_filter')
    logger.addHandler(caplog.handler)  # others may have cut it off from the root
    try:
        assert kept(THREE, regions=('500,500 600,500 600,600',)).tolist() == []
    finally:
        logger.removeHandler(caplog.handler)
    assert 'exclude every pixel of images of 200x100 pixels' in caplog.text
