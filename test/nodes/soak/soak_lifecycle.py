"""A thousand lifecycles of a node with all features do not leak resources."""

import gc
import os
from collections.abc import Callable
from pathlib import Path

import psutil
from sensor_msgs.msg import CameraInfo

from nodes.harness import Harness
from nodes.scene import message
from nodes.soak.soak_rig import Holdings
from nodes.soak.soak_rig import growth

CYCLES = int(os.environ.get('SOAK_LIFECYCLES', '1000'))
SETTLED = CYCLES // 5  # by then, every pool and cache has its size
LEAK_MB = 8.0


def test_many_lifecycles_hold_no_more_than_a_fifth_of_them(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness: Harness = make(
        model=str(block_model),
        positions='depth',
        fixed_frame='map',
        transform_timeout=0.0,
        depth_timeout=0.0,
    )
    infos = harness.user.create_publisher(CameraInfo, 'camera_info', 10)
    process, held = psutil.Process(), []
    for cycle in range(CYCLES):
        assert harness.transit('configure', 'activate')
        harness.wait(lambda: harness.images.get_subscription_count() == 1, 'the subscription')
        harness.wait(lambda: infos.get_subscription_count() == 1, 'the calibration')
        infos.publish(CameraInfo())
        assert len(harness.track(message(cycle % 20)).objects) == 2
        assert harness.transit('deactivate', 'cleanup')
        harness.wait(lambda: harness.images.get_subscription_count() == 0, 'its end')
        harness.outputs.clear()
        if cycle >= SETTLED and cycle % 20 == 19:
            gc.collect()
            held.append(Holdings.of(process))
    print(f'\n{CYCLES} lifecycles: {growth(held)}')
    first, last = held[0], held[-1]
    assert last.threads == first.threads
    assert last.descriptors <= first.descriptors
    assert last.resident_mb - first.resident_mb < LEAK_MB
