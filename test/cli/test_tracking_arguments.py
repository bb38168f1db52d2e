"""The command line and the node have the same names, defaults and meanings of settings."""

from dataclasses import fields

import pytest

from jtn_ros.cli.tracking_arguments import OfflineSettings
from jtn_ros.evaluation.tuning import NODE_PARAMETERS
from jtn_ros.nodes.tracker.settings import TrackerNodeSettings
from jtn_ros.settings import settings_of
from jtn_ros.tracking import TRACKERS
from jtn_ros.tracking import TrackerSettings

NODE = {entry.name: entry for entry in settings_of(TrackerNodeSettings)}


def test_settings_are_those_of_the_node() -> None:
    own = {entry.name: entry for entry in settings_of(OfflineSettings)}
    del own['others']
    # Tracks of a recording must not depend on the speed of the machine.
    assert (own.pop('model').default, NODE['model'].default) == ('', 'auto')
    assert own == {name: NODE[name] for name in own}


def test_every_tracker_can_be_chosen() -> None:
    assert NODE['tracker'].choices == tuple(TRACKERS)


def test_the_thresholds_that_are_tuned_are_those_of_the_node() -> None:
    thresholds = {'score_threshold', *(field.name for field in fields(TrackerSettings))}
    # How many tracks there may be is a wish.
    assert set(NODE_PARAMETERS) == (thresholds & set(NODE)) - {'max_tracks'}


def test_the_birth_score_has_the_same_meaning_as_in_the_node() -> None:
    for values, trusted, expected in [
        ({}, 0.4, (0.4, 0.4)),
        ({'birth_score': 0.0}, 0.4, (0.4, 0.4)),
        ({'birth_score': 0.3}, 0.4, (0.3, 0.3)),
        ({'birth_score': 0.3, 'confident_score': 0.2}, 0.4, (0.2, 0.3)),
        ({}, None, (TrackerSettings().confident_score, TrackerSettings().birth_score)),
        ({'birth_score': 0.3}, None, (0.3, 0.3)),
    ]:
        settings = OfflineSettings().with_values(values)
        found = settings.tracker_settings(trusted)
        assert (found.confident_score, found.birth_score) == expected
        node = TrackerNodeSettings(birth_score=values.get('birth_score', 0.0))
        score = values.get('birth_score') or trusted
        certain = TrackerSettings().certain_score if score is None else score + 0.05
        assert found.certain_score == pytest.approx(certain)
        if 'confident_score' not in values:
            assert node.thresholds(trusted) == found
    asked = OfflineSettings().with_values({'certain_score': 0.7})
    assert asked.tracker_settings(0.4).certain_score == 0.7
    with pytest.raises(ValueError, match='coast_time is -1'):
        OfflineSettings().with_values({'coast_time': -1.0})
    with pytest.raises(ValueError, match=r'size_noise is 20; it must be 0\.001'):
        OfflineSettings().with_values({'size_noise': 20.0}).tracker_settings(None)
