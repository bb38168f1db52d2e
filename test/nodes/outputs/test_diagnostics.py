"""Information from the node about itself: /diagnostics, the classes, the stages."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from std_srvs.srv import SetBool
from vision_msgs.msg import LabelInfo

from jtn_ros.media.drawing import color_of
from jtn_ros.media.drawing import text_color_on
from jtn_ros.nodes.tracker.statistics import CameraStatistics

from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.scene import message

pytestmark = pytest.mark.ros


class Watch:
    """Keeps the newest diagnostics of a node."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness
        self._status: dict[str, DiagnosticStatus] = {}
        harness.user.create_subscription(DiagnosticArray, '/diagnostics', self._take, DEEP)

    def _take(self, array: DiagnosticArray) -> None:
        self._status = {status.name: status for status in array.status}

    def expect(self, name: str, level: bytes, text: str, **values: str) -> dict[str, str]:
        """Wait for a status with a text and values in it, and return all its values."""
        found: dict[str, str] = {}

        def shown() -> bool:
            status = self._status.get(f'jtn_tracker: {name}')
            if status is None or status.level != level or text not in status.message:
                return False
            found.update({entry.key: entry.value for entry in status.values})
            return values.items() <= found.items()

        self._harness.wait(shown, f'{name}: {text}')
        return found


def test_diagnostics_follow_the_node_through_its_life(harness: Harness) -> None:
    watch = Watch(harness)
    ok, warn, stale = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.STALE
    watch.expect('engine', stale, 'not configured')
    assert harness.transit('configure')
    watch.expect('engine', ok, 'blocks on ONNX Runtime CPU f32', model='blocks')
    watch.expect('camera', stale, 'inactive', processed='0')
    assert harness.transit('activate')
    harness.wait(lambda: harness.images.get_subscription_count() == 1, 'the subscription')
    for number in range(8):
        harness.track(message(number))
    values = watch.expect('camera', ok, 'tracking at ', processed='8', errors='0', dropped='0')
    assert values['topic'] == '/image'
    assert 0 < float(values['latency 50% [ms]']) <= float(values['latency 95% [ms]'])
    assert float(values['latency 95% [ms]']) <= float(values['latency 99% [ms]']) < 5000
    # Each image waited for the tracks of the one before.
    assert float(values['processed rate [Hz]']) == pytest.approx(
        float(values['input rate [Hz]']), rel=0.5
    )
    harness.images.publish(message(8, encoding='yuv911'))
    watch.expect('camera', warn, "image encoding 'yuv911' is not supported", errors='1')
    assert harness.command(SetBool, 'enable', data=False).success
    assert harness.transit('deactivate')
    watch.expect('camera', stale, 'inactive')
    assert harness.transit('cleanup')
    watch.expect('engine', stale, 'not configured')


def test_the_chosen_model_is_stated_with_its_reason(
    make: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setattr('jtn_ros.inference.model_choice._TRIAL_S', 0.1)
    monkeypatch.setattr('jtn_ros.inference.model_choice.has_nvidia_gpu', lambda: False)
    harness = make()
    watch = Watch(harness)
    assert harness.transit('configure')
    values = watch.expect('engine', DiagnosticStatus.OK, 'jtn_people')
    assert values['model choice'].startswith('f32 took ')
    harness.wait_for_log(f'{values["model"]} is chosen: {values["model choice"]}')


def test_diagnostics_name_the_failed_configuration_and_the_silent_topic(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model='/no/such/model.onnx', lazy=False)
    watch = Watch(harness)
    assert not harness.transit('configure')
    watch.expect('engine', DiagnosticStatus.ERROR, "no model '/no/such/model.onnx'")
    assert harness.set_parameter('model', str(block_model)).successful
    assert harness.transit('configure', 'activate')
    watch.expect('engine', DiagnosticStatus.OK, 'blocks')
    watch.expect('camera', DiagnosticStatus.WARN, 'although /user publishes there')


def test_classes_are_published_for_later_subscribers(active: Harness) -> None:
    received: list[LabelInfo] = []
    late = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    active.user.create_subscription(LabelInfo, '/jtn_tracker/label_info', received.append, late)
    active.wait(lambda: len(received) == 1, 'the classes')
    assert [(c.class_id, c.class_name) for c in received[0].class_map] == [(0, 'block')]
    assert received[0].threshold == pytest.approx(0.4)


def test_annotations_for_foxglove_show_boxes_and_ids(active: Harness) -> None:
    foxglove = pytest.importorskip('foxglove_msgs.msg', reason='foxglove_msgs is not installed')
    annotations = active.listen(foxglove.ImageAnnotations, 'annotations')
    for number in range(2):
        output = active.track(message(number))
    active.wait(lambda: len(annotations) == 2, 'two messages of annotations')
    assert [t.text for t in annotations[-1].texts] == [f'{o.id}' for o in output.objects]
    for outline, tracked in zip(annotations[-1].points, output.objects, strict=True):
        assert outline.type == foxglove.PointsAnnotation.LINE_LOOP
        assert outline.timestamp == message(1).header.stamp
        corners = np.array([(p.x, p.y) for p in outline.points])
        center, size = tracked.bbox.center.position, (tracked.bbox.size_x, tracked.bbox.size_y)
        np.testing.assert_allclose(corners.mean(axis=0), (center.x, center.y), atol=1e-3)
        np.testing.assert_allclose(np.ptp(corners, axis=0), size, atol=1e-3)
    for label, tracked in zip(annotations[-1].texts, output.objects, strict=True):
        fill, text = label.background_color, label.text_color
        blue, green, red = color_of(tracked.id)
        assert [fill.r, fill.g, fill.b] == pytest.approx([red / 255, green / 255, blue / 255])
        assert fill.a == text.a == 1
        assert text.r == text.g == text.b == text_color_on(color_of(tracked.id))[0] / 255


def test_the_node_does_without_messages_of_foxglove() -> None:
    code = (
        'import sys\nsys.modules["foxglove_msgs"] = None\n'
        'from jtn_ros.media.messages.tracker_topics import ANNOTATIONS\n'
        'from jtn_ros.nodes.common import conversions\n'
        'from jtn_ros.nodes.tracker import tracker_node\n'
        'assert not conversions.is_installed(ANNOTATIONS.type_name)'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_statistics_count_rates_latencies_and_errors() -> None:
    statistics = CameraStatistics()
    empty = statistics.snapshot()
    assert (empty.input_rate, empty.output_rate, empty.errors) == (0, 0, 0)
    assert np.isnan(empty.latencies).all()
    assert empty.error_age == np.inf
    for latency in np.linspace(0, 0.1, 101):
        statistics.arrived()
        statistics.tracked(latency)
    statistics.failed(ValueError('torn'))
    statistics.failed(RuntimeError())
    full = statistics.snapshot()
    assert full.latencies == pytest.approx((0.05, 0.095, 0.099))
    assert full.input_rate > 100
    assert (full.errors, full.last_error) == (2, 'RuntimeError')
    assert 0 <= full.error_age < 5
