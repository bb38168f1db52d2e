"""The latency from image to tracks, the share of the node, and the effect of overload."""

import os
from pathlib import Path
from time import sleep
from time import thread_time

import numpy as np
import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from vision_msgs.msg import Detection2DArray
from visualization_msgs.msg import MarkerArray

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.nodes.outputs.track_publishers import TrackPublishers
from jtn_ros.nodes.tracker.camera_worker import CameraWorker
from jtn_ros.nodes.tracker.tracker_node import TrackerNode
from jtn_ros.pipeline import STAGES
from jtn_ros.pipeline import TrackingPipeline

from nodes.graph import Graph
from nodes.soak.soak_rig import Camera
from nodes.soak.soak_rig import Sample
from nodes.soak.soak_rig import moving_blocks
from nodes.soak.soak_rig import tracker_process

SIZES = {'720p': (1280, 720), '1080p': (1920, 1080)}
RATE = 30
SECONDS = float(os.environ.get('LATENCY_SECONDS', '15'))


def milliseconds(samples: list[Sample], *names: str) -> np.ndarray:
    return np.array([sum(sample.stages[name] for name in names) for sample in samples]) * 1e3


def report(what: str, samples: list[Sample], status: dict[str, str]) -> None:
    assert samples, 'the middleware lost every image'
    latency = np.array([sample.latency for sample in samples]) * 1e3
    # The diagnostics are of the last five seconds.
    work = milliseconds(samples[-20:], *STAGES)
    inside = float(status['latency 50% [ms]'] or 'nan')
    print(
        f'\n{what}: {len(samples)} images; publish to tracks '
        f'min {latency.min():.1f}, median {np.median(latency):.1f}, '
        f'95 % {np.percentile(latency, 95):.1f} ms; '
        f'arrival to published {inside:.1f}; network and tracking {np.median(work):.1f}; '
        f'the node itself {inside - np.median(work):.1f} (conversion '
        f'{np.median(milliseconds(samples, "conversion")):.2f}, hand-over '
        f'{np.median(milliseconds(samples, "queue")):.2f})'
    )


# The block model takes almost no time, so that what remains is the way of the images.
@pytest.mark.parametrize('model', ['', 'blocks'])
@pytest.mark.parametrize('size', SIZES)
def test_two_processes(graph: Graph, block_model: Path, size: str, model: str) -> None:
    camera = Camera(graph, *SIZES[size])
    with tracker_process(model=block_model if model else '') as process:
        camera.connect()
        samples = camera.measure(5, SECONDS)
        report(f'two processes, {size} {model}', samples, camera.wait_for_status('processed'))
        assert process.is_running()


@pytest.mark.parametrize('model', ['', 'blocks'])
@pytest.mark.parametrize('size', SIZES)
def test_one_process(graph: Graph, block_model: Path, size: str, model: str) -> None:
    camera = Camera(graph, *SIZES[size])
    path = Parameter('model', value=str(block_model) if model else '')
    tracker = graph.add(TrackerNode(parameter_overrides=[path]))
    assert tracker.start()
    camera.connect()
    samples = camera.measure(5, SECONDS)
    report(f'one process, {size} {model}', samples, camera.wait_for_status('processed'))


@pytest.mark.parametrize('size', SIZES)
def test_share_of_the_node_in_cpu_time(
    graph: Graph, block_model: Path, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    """Measured on the worker's thread, so that other programs do not count."""
    camera = Camera(graph, *SIZES[size])
    model = Parameter('model', value=str(block_model))
    tracker = graph.add(TrackerNode(parameter_overrides=[model]))
    for kind, topic in ((Detection2DArray, 'detections'), (MarkerArray, 'markers')):
        camera.node.create_subscription(kind, f'/jtn_tracker/{topic}', lambda _: None, 10)
    whole = timed(monkeypatch, CameraWorker, 'process')
    network = timed(monkeypatch, TrackingPipeline, 'process')
    assert tracker.start()
    camera.connect()
    samples = camera.measure(10, SECONDS)
    own = (np.array(whole) - np.array(network)) * 1e3
    print(
        f'\nCPU time of the node itself, {size}, {len(samples)} images: min {own.min():.2f}, '
        f'median {np.median(own):.2f}, 95 % {np.percentile(own, 95):.2f} ms (conversion, session, '
        'tracks, detections and markers, publishing; without network and tracking)'
    )
    assert np.median(own) < 8  # what was measured, and some room


def test_share_of_a_node_that_reads_the_camera(
    graph: Graph, block_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """1080p, eight tracks, and one subscriber, which is of the tracks."""
    video = tmp_path / 'blocks.mp4'
    images = moving_blocks(*SIZES['1080p'])
    with VideoWriter(video, RATE) as writer:
        for number in range(round(RATE * SECONDS)):
            writer.write(images[number % len(images)])
    overrides = {'model': str(block_model), 'source': str(video)}
    tracker = graph.add(
        TrackerNode(parameter_overrides=[Parameter(n, value=v) for n, v in overrides.items()])
    )
    counts: list[int] = []
    graph.add(Node('listener')).create_subscription(
        TrackedObjectArray, '/jtn_tracker/tracks', lambda m: counts.append(len(m.objects)), 10
    )
    whole = timed(monkeypatch, CameraWorker, 'process')
    network = timed(monkeypatch, TrackingPipeline, 'process')
    publishing = timed(monkeypatch, TrackPublishers, 'publish')
    assert tracker.start()
    graph.wait(lambda: len(counts) > RATE, what='tracks', timeout=60)
    for times in (whole, network, publishing):
        times.clear()
    sleep(SECONDS)
    shortest = min(map(len, (whole, network, publishing)))
    own = (np.array(whole[:shortest]) - np.array(network[:shortest])) * 1e3
    print(
        f'\nCPU time of a node that reads the camera, {shortest} images, '
        f'{np.median(counts):.0f} tracks: min {own.min():.2f}, median {np.median(own):.2f}, 95 % '
        f'{np.percentile(own, 95):.2f} ms; to publish {np.median(publishing) * 1e3:.2f} ms of it'
    )
    assert np.median(own) < 3  # what was measured, and some room


def timed(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[float]:
    """Return the list of the CPU times that a method will have taken on its thread."""
    times: list[float] = []
    method = getattr(owner, name)

    def run(*arguments: object) -> object:
        start = thread_time()
        try:
            return method(*arguments)
        finally:
            times.append(thread_time() - start)

    monkeypatch.setattr(owner, name, run)
    return times


def test_overload_keeps_the_latency_bounded_and_counts_dropped_images(graph: Graph) -> None:
    camera = Camera(graph, 640, 360)
    with tracker_process():
        camera.connect()
        calm = camera.measure(3, 10)
        engine = float(np.median(milliseconds(calm, *STAGES))) / 1e3
        # What the queue sees: twice as many images as can be tracked.
        before = camera.wait_for_status('processed')
        sent = camera.sent
        samples = camera.measure(2 / engine, 30)
        sleep(2)
        after = camera.wait_for_status('processed')
    tracked, dropped = (int(after[key]) - int(before[key]) for key in ('processed', 'dropped'))
    latency = np.array([sample.latency for sample in samples])
    quarter = len(latency) // 4
    work = np.median(milliseconds(samples, *STAGES)) / 1e3
    print(
        f'\noverload: engine {engine * 1e3:.0f} ms calm, {work * 1e3:.0f} ms loaded; '
        f'{camera.sent - sent} sent at {2 / engine:.0f} Hz, {tracked} tracked, {dropped} dropped; '
        f'latency median {np.median(latency) * 1e3:.0f}, 95 % '
        f'{np.percentile(latency, 95) * 1e3:.0f} ms; first quarter '
        f'{np.median(latency[:quarter]) * 1e3:.0f}, last {np.median(latency[-quarter:]) * 1e3:.0f}'
    )
    assert tracked + dropped <= camera.sent - sent
    assert dropped > 0.15 * (camera.sent - sent)
    # An image waits for the one in progress at most, and is then tracked.
    assert np.median(latency) < 3 * work
    assert np.median(latency[-quarter:]) < 2 * np.median(latency[:quarter])
