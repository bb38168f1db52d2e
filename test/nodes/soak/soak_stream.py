"""Ten minutes at 30 Hz: memory, threads and descriptors remain constant."""

import os
from pathlib import Path

from nodes.graph import Graph
from nodes.soak.soak_rig import Camera
from nodes.soak.soak_rig import Holdings
from nodes.soak.soak_rig import growth
from nodes.soak.soak_rig import tracker_process

SECONDS = float(os.environ.get('SOAK_SECONDS', '600'))
RATE = 30.0
LEAK_MB = 8.0


def test_a_long_stream_holds_no_more_than_a_short_one(graph: Graph, block_model: Path) -> None:
    camera = Camera(graph, 1280, 720)
    with tracker_process(model=block_model, backend='onnxruntime') as process:
        camera.connect()
        camera.stream(RATE, max(20.0, SECONDS / 10))
        held = [Holdings.of(process)]
        start = process.cpu_times()
        sent = camera.sent
        for _ in range(9):
            camera.stream(RATE, SECONDS / 10)
            held.append(Holdings.of(process))
        used = process.cpu_times()
        status = camera.wait_for_status('processed')
    per_image = (used.user + used.system - start.user - start.system) / (camera.sent - sent)
    print(
        f'\n{camera.sent} images of 1280x720 in {SECONDS:.0f} s: {camera.received} tracked, '
        f'{status["dropped"]} dropped, {status["errors"]} errors; {growth(held)}; '
        f'{per_image * 1e3:.1f} ms of CPU per image'
    )
    assert status['errors'] == '0'
    assert camera.received > 0.2 * camera.sent
    assert held[-1].threads == held[0].threads
    assert held[-1].descriptors <= held[0].descriptors
    assert held[-1].resident_mb - held[0].resident_mb < LEAK_MB
