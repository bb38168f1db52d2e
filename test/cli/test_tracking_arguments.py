"""The command line and the node have the same names, defaults and meaning for the same things."""

from dataclasses import fields

import pytest

from jtn_ros.cli.tracking_arguments import _DEFAULTS
from jtn_ros.cli.tracking_arguments import tracker_config
from jtn_ros.evaluation.tuning import NODE_PARAMETERS
from jtn_ros.nodes.tracker.tracker_parameters import TRACKER_PARAMETERS
from jtn_ros.tracking import TrackerConfig

NODE = {spec.name: spec for spec in TRACKER_PARAMETERS}


@pytest.mark.parametrize('name', _DEFAULTS)
def test_defaults_are_those_of_the_node(name):
    assert NODE[name].default == _DEFAULTS[name]


def test_the_thresholds_that_are_tuned_are_those_of_the_node():
    thresholds = {'score_threshold', *(field.name for field in fields(TrackerConfig))}
    assert set(NODE_PARAMETERS) == thresholds & set(NODE)


def test_the_birth_score_means_what_it_means_to_the_node():
    for parameters, trusted, expected in [
        ({}, 0.4, (0.4, 0.4)),
        ({'birth_score': 0.0}, 0.4, (0.4, 0.4)),
        ({'birth_score': 0.3}, 0.4, (0.3, 0.3)),
        ({'birth_score': 0.3, 'confident_score': 0.2}, 0.4, (0.2, 0.3)),
        ({}, None, (TrackerConfig().confident_score, TrackerConfig().birth_score)),
        ({'birth_score': 0.3}, None, (0.3, 0.3)),
    ]:
        config = tracker_config(parameters, trusted)
        assert (config.confident_score, config.birth_score) == expected
    with pytest.raises(ValueError, match='coast_time is -1'):
        tracker_config({'coast_time': -1.0}, None)
