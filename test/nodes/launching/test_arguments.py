"""The arguments of the launch files: choices of the node, and rejection before it starts."""

from pathlib import Path

import pytest

from jtn_ros.launching.arguments import TRACKER
from jtn_ros.launching.arguments import camera_parameters
from jtn_ros.launching.arguments import check_arguments
from jtn_ros.launching.arguments import names
from jtn_ros.nodes.outputs.conventions import OUTPUTS
from jtn_ros.nodes.tracker.settings import TrackerNodeSettings
from jtn_ros.settings import settings_of

pytestmark = pytest.mark.ros

NO_CAMERA = {'width': '', 'height': '', 'rate': '', 'frame_id': '', 'calibration': ''}


def test_the_choices_are_those_of_the_node() -> None:
    of_node = {entry.name: entry.choices for entry in settings_of(TrackerNodeSettings)}
    for name in ('input', 'positions', 'backend'):
        assert TRACKER[name].choices == (*of_node[name], '')
    for output in OUTPUTS:
        assert output in TRACKER['outputs'].description


def test_a_default_is_a_choice() -> None:
    for argument in TRACKER.values():
        assert not argument.choices or argument.default in argument.choices


def test_a_parameter_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    check_arguments({'params_file': ''})
    check_arguments({'params_file': f'{__file__}, {__file__}'})
    with pytest.raises(
        RuntimeError, match=f'params_file:={tmp_path} is not a file; check the path'
    ):
        check_arguments({'params_file': str(tmp_path)})


def test_camera_arguments_are_converted_to_parameter_types() -> None:
    given = NO_CAMERA | {'width': '640', 'rate': '7.5', 'frame_id': 'lens'}
    assert camera_parameters(given) == {'width': 640, 'rate': 7.5, 'frame_id': 'lens'}


@pytest.mark.parametrize(
    ('name', 'value', 'refusal'),
    [
        ('width', 'wide', 'width:=wide is not a number'),
        ('height', '1.5', r'height:=1\.5 is not a whole number'),
        ('rate', 'fast', 'rate:=fast is not a number'),
    ],
)
def test_values_that_are_not_numbers_are_reported(name: str, value: str, refusal: str) -> None:
    with pytest.raises(RuntimeError, match=refusal):
        camera_parameters(NO_CAMERA | {name: value})


def test_names_are_separated_by_commas() -> None:
    assert names({'cameras': ' front, rear,'}, 'cameras') == ['front', 'rear']
    with pytest.raises(RuntimeError, match='cameras:="front rear" has spaces; separate'):
        names({'cameras': 'front rear'}, 'cameras')
