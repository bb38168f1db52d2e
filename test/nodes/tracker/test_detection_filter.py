"""Regions, masks and other filters as live parameters of the node."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from jtn_ros.nodes.common.conversions import image_to_array

from nodes.harness import Harness
from nodes.scene import message
from nodes.scene import picture

pytestmark = pytest.mark.ros

# Around the first block of the first frames.
LEFT = '0,0 160,0 160,191 0,191'


def test_regions_change_live_and_are_drawn_in_the_debug_image(active: Harness) -> None:
    drawings = active.listen(Image, 'debug_image')
    assert len(active.track(message(0)).objects) == 2
    assert active.set_parameter('regions', [LEFT]).successful
    (tracked,) = [o for o in active.track(message(1)).objects if not o.predicted]
    assert tracked.bbox.center.position.x < 160
    active.wait(lambda: len(drawings) == 2, 'the drawings')
    before, after = (image_to_array(drawing) for drawing in drawings)
    assert after[100, 310].tolist() == (before[100, 310] // 3).tolist()
    # The other block is white, and tracked no more.
    dark = image_to_array(drawings[1])[95:130, 262:275]
    assert np.unique(dark).tolist() == [255 // 3]
    assert picture(1)[100, 265].tolist() == [255] * 3
    assert active.set_parameter('regions', ['']).successful
    assert len([o for o in active.track(message(2)).objects if not o.predicted]) == 2


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        (
            'regions',
            ['0,0 10,0'],
            "regions contains '0,0 10,0'; write a polygon of three or more",
        ),
        ('regions', ['side: 0,0 9,0 9,9'], "the camera 'side'; the cameras: camera"),
        ('mask_image', '/no/mask.png', "mask_image is '/no/mask.png'"),
        ('classes', ['person'], 'the classes of the model: block'),
        ('class_scores', ['block=high'], "class_scores contains 'block=high'"),
        ('region_point', 'top', 'choose one of bottom, center'),
    ],
)
def test_invalid_values_are_rejected_and_change_nothing(
    active: Harness, name: str, value: object, reason: str
) -> None:
    result = active.set_parameter(name, value)
    assert not result.successful
    assert reason in result.reason
    assert len(active.track(message(0)).objects) == 2


def test_an_invalid_polygon_prevents_configuration(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), classes=['blokc'])
    assert not harness.transit('configure')
    assert harness.state == 'unconfigured'
    assert "classes contains 'blokc' (did you mean block?)" in harness.log


def test_thresholds_sizes_and_numbers_are_live(active: Harness) -> None:
    def seen(number: int) -> int:
        return len([o for o in active.track(message(number)).objects if not o.predicted])

    assert seen(0) == 2
    for number, (name, value, neutral) in enumerate(
        [
            ('class_scores', ['block=1.0'], ['']),
            ('minimum_size', 40.0, 0.0),  # the blocks have 34 pixels
            ('maximum_size', 30.0, 0.0),
        ]
    ):
        assert active.set_parameter(name, value).successful
        assert seen(2 * number + 1) == 0, name
        assert active.set_parameter(name, neutral).successful
        assert seen(2 * number + 2) == 2, name
    assert active.set_parameter('max_tracks', 1).successful
    assert active.command(Trigger, 'reset').success
    assert seen(9) == 1
