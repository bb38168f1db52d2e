from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from rcl_interfaces.msg import SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from jtn_ros.nodes.common.parameters import NodeParameters
from jtn_ros.nodes.tracker.parameter_docs import markdown_table
from jtn_ros.nodes.tracker.parameter_docs import parameter_file
from jtn_ros.nodes.tracker.parameter_docs import parameter_reference
from jtn_ros.nodes.tracker.settings import TrackerNodeSettings
from jtn_ros.settings import Settings
from jtn_ros.settings import setting
from jtn_ros.settings import settings_of

from places import ROOT


@dataclass(frozen=True, kw_only=True)
class SubjectSettings(Settings):
    backend: Literal['auto', 'onnx'] = setting('auto', 'Runner.')
    score: float = setting(0.4, 'Share.', low=0.0, high=1.0, live=True)
    count: int = setting(3, 'Number.', low=1, high=9)
    topics: tuple[str, ...] = setting(('a',), 'Names.')
    limits: tuple[float, float] = setting((0.0, 0.0), 'Limits.', rising=True)


@pytest.fixture
def node(ros: None) -> Iterator[Node]:
    node = Node('subject')
    yield node
    node.destroy_node()


@pytest.fixture
def parameters(node: Node) -> NodeParameters[SubjectSettings]:
    return NodeParameters(node, SubjectSettings)


def set_to(node: Node, **values: object) -> SetParametersResult:
    return node.set_parameters_atomically([Parameter(n, value=v) for n, v in values.items()])


def test_defaults_and_changes_are_read(
    node: Node, parameters: NodeParameters[SubjectSettings]
) -> None:
    assert parameters.values() == SubjectSettings()
    assert set_to(node, backend='onnx', score=1.0, count=9).successful
    assert parameters.values().backend == 'onnx'
    assert parameters.values().score == 1.0


def test_descriptors_tell_ranges(node: Node, parameters: NodeParameters[SubjectSettings]) -> None:
    score = node.describe_parameter('score')
    assert score.description == 'Share.'
    assert (score.floating_point_range[0].from_value, score.floating_point_range[0].to_value) == (
        0,
        1,
    )
    assert node.describe_parameter('count').integer_range[0].to_value == 9
    assert node.describe_parameter('backend').additional_constraints == 'one of auto, onnx'


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'backend': 'cuda'}, "backend is 'cuda'; choose one of auto, onnx"),
        ({'score': 1.5}, 'score out of range'),
        ({'score': float('nan')}, 'score out of range'),
        ({'count': 0}, 'count out of range'),
        ({'count': 2.5}, 'Wrong parameter type'),
        ({'score': 0.9, 'backend': 'cuda'}, 'choose one of'),
        ({'limits': [1.0]}, 'limits is [1.0]; specify 2 values'),
        ({'limits': [2.0, 1.0]}, 'the lower one first'),
    ],
)
def test_wrong_values_are_refused_with_a_reason(
    node: Node, parameters: NodeParameters[SubjectSettings], change: dict[str, object], reason: str
) -> None:
    result = set_to(node, **change)
    assert not result.successful
    assert reason in result.reason
    assert parameters.values().score == 0.4


def test_frozen_parameters_name_the_remedy_and_live_ones_still_change(
    node: Node, parameters: NodeParameters[SubjectSettings]
) -> None:
    parameters.frozen = True
    result = set_to(node, count=4)
    assert not result.successful
    assert result.reason.startswith('count takes effect when the node is configured')
    assert set_to(node, score=0.7).successful
    parameters.frozen = False
    assert set_to(node, count=4).successful
    assert (parameters.values().count, parameters.values().score) == (4, 0.7)


@pytest.mark.parametrize(
    ('override', 'error'),
    [
        (Parameter('backend', value='cuda'), InvalidParameterValueException),
        (Parameter('score', value=7.0), InvalidParameterValueException),
        (Parameter('score', value='high'), InvalidParameterTypeException),
    ],
)
def test_wrong_overrides_are_refused_at_the_start(
    ros: None, override: Parameter, error: type[Exception]
) -> None:
    node = Node('subject', parameter_overrides=[override])
    with pytest.raises(error, match=override.name):
        NodeParameters(node, SubjectSettings)
    node.destroy_node()


def test_table_has_a_row_for_every_parameter() -> None:
    lines = markdown_table(SubjectSettings).splitlines()
    assert lines[2] == '| `backend` | string | `auto` | auto, onnx |  | Runner. |'
    assert lines[3] == '| `score` | double | `0.4` | 0 to 1 | yes | Share. |'
    assert lines[6] == '| `limits` | double_array | `[0.0, 0.0]` |  |  | Limits. |'
    assert len(lines) == 2 + 5


def test_defaults_of_the_tracker_are_within_their_own_ranges(node: Node) -> None:
    assert NodeParameters(node, TrackerNodeSettings).values() == TrackerNodeSettings()
    entries = settings_of(TrackerNodeSettings)
    assert all(entry.constraints.description.endswith('.') for entry in entries)


def test_generated_files_are_up_to_date() -> None:
    root = ROOT
    assert (root / 'docs' / 'parameters.md').read_text('utf-8') == parameter_reference(), (
        'make docs'
    )
    assert (root / 'config' / 'tracker.yaml').read_text('utf-8') == parameter_file(), 'make docs'


Given = Callable[..., tuple[Node, NodeParameters[SubjectSettings], str]]


@pytest.fixture
def given(ros: None, capfd: pytest.CaptureFixture[str]) -> Iterator[Given]:
    """Create a node with given parameter overrides; return it and its log messages."""
    nodes: list[Node] = []

    def make(**values: object) -> tuple[Node, NodeParameters[SubjectSettings], str]:
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        nodes.append(Node('subject', parameter_overrides=overrides))
        parameters = NodeParameters(nodes[-1], SubjectSettings)
        return nodes[-1], parameters, capfd.readouterr().err

    yield make
    for node in nodes:
        node.destroy_node()


def test_a_whole_number_is_a_double_where_one_is_expected(given: Given) -> None:
    node, parameters, log = given(score=1, count=2)
    assert repr(parameters.values().score) == '1.0'
    assert parameters.values().count == 2
    assert set_to(node, score=0).successful
    assert repr(parameters.values().score) == '0.0'
    assert not set_to(node, score=True).successful
    assert log == ''
    with pytest.raises(InvalidParameterTypeException):
        given(count=2.0)


def test_given_parameters_that_are_not_declared_are_pointed_out(given: Given) -> None:
    _, _, log = given(
        scor=0.9,
        colour='red',
        use_sim_time=False,
        **{'qos_overrides./image.subscription.depth': 3, 'diagnostic_updater.period': 2.0},
    )
    found = [line.split(']: ')[1] for line in log.splitlines()]
    assert found == [
        'there is no parameter scor (did you mean score?); it is ignored',
        'there is no parameter colour; it is ignored',
    ]
