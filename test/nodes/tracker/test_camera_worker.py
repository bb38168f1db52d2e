from collections.abc import Iterator
from pathlib import Path
from threading import Event
from time import monotonic_ns
from time import sleep

import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.tracker.camera_worker import CameraWorker
from jtn_ros.nodes.tracker.frame_tracking import ImageTracking
from jtn_ros.nodes.tracker.short_queue import LONGEST_WAIT_S
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking.session import Session

from waiting import wait_for


def image(number: int) -> Image:
    header = Header(stamp=ns_to_stamp(number * 40_000_000), frame_id='camera')
    return array_to_image(np.zeros((96, 160, 3), np.uint8), header)


Worked = tuple[CameraWorker, list[CameraFrame], list[Exception], Event]


@pytest.fixture
def worked(block_model: Path) -> Iterator[Worked]:
    """Return a started worker whose consumer waits for `go`, and its outputs."""
    results: list[CameraFrame] = []
    errors: list[Exception] = []
    go = Event()

    def consume(frame: CameraFrame) -> None:
        results.append(frame)
        assert go.wait(20)

    worker = CameraWorker(
        ImageTracking(TrackingPipeline(block_model, 'onnxruntime')),
        Session(100_000_000),
        on_result=consume,
        on_outdated=lambda: None,
        on_error=errors.append,
    )
    worker.start()
    yield worker, results, errors, go
    go.set()
    worker.stop()


def test_slow_consumer_gets_the_newest_image_and_the_rest_is_counted(worked: Worked) -> None:
    worker, results, errors, go = worked
    worker.offer(image(0))
    wait_for(lambda: len(results) == 1)
    for number in range(1, 10):
        worker.offer(image(number))
    sleep(1.2 * LONGEST_WAIT_S)
    go.set()
    wait_for(lambda: len(results) == 2)
    worker.stop()
    assert [frame.stamp_ns for frame in results] == [0, 9 * 40_000_000]
    assert (worker.processed, worker.dropped) == (2, 8)
    assert results[1].latencies['queue'] > 0
    assert errors == []


def test_stopping_finishes_the_image_that_waits(worked: Worked) -> None:
    worker, results, _, go = worked
    worker.offer(image(0))
    wait_for(lambda: len(results) == 1)
    worker.offer(image(1))
    go.set()
    worker.stop()
    worker.offer(image(2))
    assert [frame.stamp_ns for frame in results] == [0, 40_000_000]


def test_failing_consumer_is_reported_and_the_next_image_is_tracked(block_model: Path) -> None:
    errors: list[Exception] = []
    frames: list[CameraFrame] = []

    def consume(frame: CameraFrame) -> None:
        frames.append(frame)
        if len(frames) == 1:
            raise RuntimeError('the link is down')

    worker = CameraWorker(
        ImageTracking(TrackingPipeline(block_model, 'onnxruntime')),
        Session(0),
        on_result=consume,
        on_outdated=lambda: None,
        on_error=errors.append,
    )
    worker.start()
    worker.offer(image(0))
    wait_for(lambda: len(errors) == 1)
    worker.offer(image(1))
    worker.stop()
    assert [str(error) for error in errors] == ['the link is down']
    assert len(frames) == 2


@pytest.mark.parametrize('standing', [False, True])
def test_results_get_out_of_date_where_images_fail_unless_time_stands_still(
    block_model: Path, monkeypatch: pytest.MonkeyPatch, standing: bool
) -> None:
    monkeypatch.setattr('jtn_ros.nodes.tracker.camera_worker.SILENCE_S', 0.1)
    frames: list[CameraFrame] = []
    outdated: list[int] = []
    errors: list[Exception] = []
    worker = CameraWorker(
        ImageTracking(TrackingPipeline(block_model, 'onnxruntime')),
        Session(100_000_000),
        now_ns=(lambda: 0) if standing else monotonic_ns,
        on_result=frames.append,
        on_outdated=lambda: outdated.append(worker.processed),
        on_error=errors.append,
    )
    worker.start()
    worker.offer(image(0))
    wait_for(lambda: frames)
    broken = image(1)
    broken.encoding = 'none'
    started = monotonic_ns()
    while monotonic_ns() - started < 500_000_000:
        errors.clear()
        worker.offer(broken)
        wait_for(lambda: errors)
    assert bool(outdated) is not standing
    assert set(outdated) <= {1}
    if standing:
        worker.enable(False)
        wait_for(lambda: outdated)
    worker.stop()
