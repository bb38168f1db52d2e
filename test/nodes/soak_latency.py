"""How long an image takes to its tracks, how much of it is the node, and what overload does."""

import os
from time import sleep

import numpy as np
import pytest
from rclpy.parameter import Parameter

from jtn_ros.nodes.tracker_node import TrackerNode
from jtn_ros.pipeline import STAGES

from .graph import Graph
from .soak_rig import Camera
from .soak_rig import Sample
from .soak_rig import tracker_process

SIZES = {'720p': (1280, 720), '1080p': (1920, 1080)}
SECONDS = float(os.environ.get('LATENCY_SECONDS', '15'))


def milliseconds(samples: list[Sample], *names: str) -> np.ndarray:
    return np.array([sum(sample.stages[name] for name in names) for sample in samples]) * 1e3


def report(what: str, camera: Camera, samples: list[Sample], status: dict[str, str]) -> None:
    latency = np.array([sample.latency for sample in samples]) * 1e3
    work = milliseconds(samples, *STAGES)
    inside = float(status['latency 50% [ms]'])
    print(
        f'\n{what}: {len(samples)} images; publish to tracks '
        f'min {latency.min():.1f}, median {np.median(latency):.1f}, '
        f'95 % {np.percentile(latency, 95):.1f} ms; '
        f'arrival to published {inside:.1f}; network and tracking {np.median(work):.1f}; '
        f'the node itself {inside - np.median(work):.1f} (conversion '
        f'{np.median(milliseconds(samples, "conversion")):.2f}, hand-over '
        f'{np.median(milliseconds(samples, "queue")):.2f})'
    )


@pytest.mark.parametrize('size', SIZES)
def test_two_processes(graph, size):
    camera = Camera(graph, *SIZES[size])
    with tracker_process() as process:
        camera.connect()
        samples = camera.measure(5, SECONDS)
        report(f'two processes, {size}', camera, samples, camera.wait_for_status('processed'))
        assert process.is_running()
    assert len(samples) > SECONDS


@pytest.mark.parametrize('size', SIZES)
def test_one_process(graph, size):
    camera = Camera(graph, *SIZES[size])
    tracker = graph.add(TrackerNode(parameter_overrides=[Parameter('lazy', value=True)]))
    assert tracker.start()
    camera.connect()
    samples = camera.measure(5, SECONDS)
    report(f'one process, {size}', camera, samples, camera.wait_for_status('processed'))
    assert len(samples) > SECONDS


def test_overload_keeps_the_latency_bounded_and_counts_what_is_dropped(graph: Graph):
    camera = Camera(graph, 640, 360)
    with tracker_process():
        camera.connect()
        calm = camera.measure(3, 10)
        engine = float(np.median(milliseconds(calm, *STAGES))) / 1e3
        # What the slot sees: twice as many images as can be tracked.
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
