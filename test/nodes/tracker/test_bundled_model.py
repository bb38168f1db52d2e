"""A rendered clip through DDS and the bundled model, compared with the truth."""

from dataclasses import dataclass
from dataclasses import field
from itertools import islice

import numpy as np
import pytest
import rclpy
from numpy.typing import NDArray
from std_msgs.msg import Header

from jtn_msgs.msg import TrackedObject
from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.datasets.annotations import Annotations
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_iou
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.synthetic import Scene
from jtn_ros.synthetic import SceneConfig

from nodes.graph import Graph
from nodes.harness import Harness

pytestmark = pytest.mark.ros

FRAMES = 30
PERIOD_NS = 40_000_000
START_NS = 1_000_000_000
# The first frames give the filters time to learn the speeds.
WARM_UP = 12
SPEED_BASE = 10
SLOWEST_PX_S = 15
COMPARED_WITH_PIPELINE = 8
SIZE = (512, 288)
# Seeds from 2**31 on are never trained on.
SCENE = SceneConfig(
    width=SIZE[0],
    height=SIZE[1],
    seed=2**31 + 74,
    people=(3, 4),
    occluders=(0, 0),
    vehicles=(0, 0),
    camera_motion='static',
    duration_s=FRAMES * PERIOD_NS / 1e9,
)


@dataclass
class Agreement:
    """How the tracks of people in full view agree with the truth, over a clip."""

    errors_px: list[float] = field(default_factory=list)
    overlaps: list[float] = field(default_factory=list)
    ids: dict[int, set[int]] = field(default_factory=dict)
    # By person: found and true velocities.
    velocities: dict[int, list[tuple[NDArray[np.float32], NDArray[np.float32]]]] = field(
        default_factory=dict
    )
    missed: int = 0

    @property
    def velocity_errors(self) -> dict[int, float]:
        """Return the relative error of each walking person's velocity, over the clip."""
        means = {person: np.mean(pairs, axis=0) for person, pairs in self.velocities.items()}
        return {
            person: float(np.linalg.norm(found - true) / np.linalg.norm(true))
            for person, (found, true) in means.items()
            if np.linalg.norm(true) > SLOWEST_PX_S
        }


@pytest.fixture(scope='module')
def clip() -> list[tuple[NDArray[np.uint8], Annotations]]:
    scene = Scene(SCENE)
    return [scene.render(number * PERIOD_NS) for number in range(FRAMES)]


@pytest.fixture(scope='module')
def outputs(clip: list[tuple[NDArray[np.uint8], Annotations]]) -> list[TrackedObjectArray]:
    """Return the messages that the node publishes for each frame."""
    rclpy.init()
    graph = Graph()
    harness = Harness(graph, backend='onnxruntime', model='jtn_people')
    harness.start()
    for number, (image, _) in enumerate(clip):
        stamp = ns_to_stamp(START_NS + number * PERIOD_NS)
        harness.track(array_to_image(image, Header(stamp=stamp)))
    graph.close()
    rclpy.try_shutdown()
    return harness.outputs


def box_of(tracked: TrackedObject) -> list[float]:
    center, box = tracked.bbox.center.position, tracked.bbox
    return [
        center.x - box.size_x / 2,
        center.y - box.size_y / 2,
        center.x + box.size_x / 2,
        center.y + box.size_y / 2,
    ]


def in_full_view(truth: Annotations) -> Annotations:
    inside = (truth.boxes[:, :2] >= 0).all(axis=1) & (truth.boxes[:, 2:] < SIZE).all(axis=1)
    return truth.select(inside & (truth.visibilities > 0.95))


def compare(
    clip: list[tuple[NDArray[np.uint8], Annotations]], outputs: list[TrackedObjectArray]
) -> Agreement:
    result = Agreement()
    centers: list[dict[int, NDArray[np.float32]]] = []
    for number, ((_, everybody), output) in enumerate(zip(clip, outputs, strict=True)):
        middles = box_centers(everybody.boxes)
        centers.append(dict(zip(everybody.ids.tolist(), middles, strict=True)))
        if number < WARM_UP:
            continue
        truth = in_full_view(everybody)
        seen = [o for o in output.objects if o.state == o.CONFIRMED and not o.predicted]
        boxes = np.array([box_of(o) for o in seen]).reshape(-1, 4)
        overlaps = box_iou(truth.boxes.astype(float), boxes)
        for row, person in enumerate(truth.ids.tolist()):
            best = int(overlaps[row].argmax()) if seen else -1
            if not seen or overlaps[row, best] < 0.5:
                result.missed += 1
                continue
            result.ids.setdefault(person, set()).add(seen[best].id)
            result.overlaps.append(overlaps[row, best])
            result.errors_px.append(np.abs(truth.boxes[row] - boxes[best]).mean())
            before = centers[number - SPEED_BASE].get(person)
            if before is not None:
                speed = (centers[number][person] - before) / (SPEED_BASE * PERIOD_NS / 1e9)
                result.velocities.setdefault(person, []).append((seen[best].velocity, speed))
    return result


def test_tracks_through_dds_are_those_of_the_pipeline(
    clip: list[tuple[NDArray[np.uint8], Annotations]], outputs: list[TrackedObjectArray]
) -> None:
    pipeline = TrackingPipeline(backend='onnxruntime')
    frames = zip(clip, outputs, strict=True)
    for number, ((image, _), output) in enumerate(islice(frames, COMPARED_WITH_PIPELINE)):
        tracks = pipeline.process(image, START_NS + number * PERIOD_NS).tracks
        assert [o.id for o in output.objects] == tracks.ids.tolist()
        boxes = np.array([box_of(o) for o in output.objects]).reshape(-1, 4)
        np.testing.assert_allclose(boxes, tracks.boxes, atol=1e-3)
        velocities = np.array([o.velocity for o in output.objects]).reshape(-1, 2)
        np.testing.assert_allclose(velocities, tracks.velocities, atol=1e-3)


def test_tracks_through_dds_agree_with_the_truth(
    clip: list[tuple[NDArray[np.uint8], Annotations]], outputs: list[TrackedObjectArray]
) -> None:
    result = compare(clip, outputs)
    assert len(result.overlaps) > 20, 'too few people were found to judge by'
    assert result.missed <= len(result.overlaps) // 10
    assert all(len(ids) == 1 for ids in result.ids.values()), result.ids
    assert np.median(result.errors_px) <= 5
    assert np.median(result.overlaps) >= 0.7
    assert result.velocity_errors
    # Limbs swing and boxes with them: a single person's velocity may be further off.
    assert np.median(list(result.velocity_errors.values())) <= 0.15, result.velocity_errors
