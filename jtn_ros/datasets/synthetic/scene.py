"""One synthetic scene: a place, a camera, people walking, rendered at any time."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.synthetic.background import paint_plate
from jtn_ros.datasets.synthetic.body import SPHERES
from jtn_ros.datasets.synthetic.body import Bodies
from jtn_ros.datasets.synthetic.body import pose
from jtn_ros.datasets.synthetic.camera import sample_camera
from jtn_ros.datasets.synthetic.config import SceneConfig
from jtn_ros.datasets.synthetic.figure import draw_figure
from jtn_ros.datasets.synthetic.figure import silhouette_boxes
from jtn_ros.datasets.synthetic.outfit import sample_outfit
from jtn_ros.datasets.synthetic.patch import Patch
from jtn_ros.datasets.synthetic.patch import lay_over
from jtn_ros.datasets.synthetic.props import DISTANT
from jtn_ros.datasets.synthetic.props import INDOORS
from jtn_ros.datasets.synthetic.props import OUTDOORS
from jtn_ros.datasets.synthetic.props import Prop
from jtn_ros.datasets.synthetic.props import sample_props
from jtn_ros.datasets.synthetic.sensor import Sensor
from jtn_ros.datasets.synthetic.shadow import Sun
from jtn_ros.datasets.synthetic.walker import GroundRegion
from jtn_ros.datasets.synthetic.walker import sample_walks

Array = NDArray[np.float64]
Image = NDArray[np.uint8]


class Scene:
    """A scene drawn from a seed: same configuration, same bytes.

    Example:
        scene = Scene(SceneConfig(seed=7))
        image, annotations = scene.render(time_ns=40_000_000)

    """

    def __init__(self, config: SceneConfig) -> None:
        """Draw the scene."""
        self.config = config
        streams = np.random.default_rng(config.seed).spawn(8)
        camera_rng, place_rng, people_rng, walk_rng, prop_rng, light_rng, sensor_rng, _ = streams
        indoor = bool(place_rng.random() < 0.3)
        self._camera = camera = sample_camera(config, indoor, camera_rng)
        region = GroundRegion.sample_region(camera, 14.0 if indoor else 120.0, walk_rng)
        self._plate = paint_plate(camera, region.far, indoor, place_rng)
        self._sun = Sun.sample(indoor, light_rng)
        self._props = self._place_props(region, indoor, prop_rng)

        count = int(people_rng.integers(config.people[0], config.people[1] + 1))
        self._bodies = Bodies.sample(count, people_rng)
        backdrop = self._plate.image.reshape(-1, 3)
        colors = backdrop[people_rng.integers(len(backdrop), size=count)].astype(np.float32)
        self._outfits = [sample_outfit(people_rng, color) for color in colors]
        self._drawn = np.array([outfit.drawn for outfit in self._outfits], np.bool_)
        self._drawn = self._drawn.reshape(count, len(SPHERES))
        self._walks = sample_walks(region, count, config.duration_s, walk_rng)
        self._phases = walk_rng.uniform(0, 2 * math.pi, count)

        self._brightness = light_rng.uniform(0.75, 1.1)
        self._contrast = light_rng.uniform(0.3, 1.0)
        self._sensor = None
        if config.sensor:
            brightness = float(backdrop[::7].mean())
            self._sensor = Sensor(config.width, config.height, brightness, sensor_rng)

    def render(self, time_ns: int) -> tuple[Image, Annotations]:
        """Return the image and the ground truth at a time.

        Args:
            time_ns: time since the start of the scene in nanoseconds.

        Returns:
            uint8 BGR (H, W, 3), and the people whose silhouettes reach into the image.

        Raises:
            ValueError: the time lies outside the scene's duration.

        """
        time_s = time_ns / 1e9
        if not 0 <= time_s <= self.config.duration_s:
            raise ValueError(
                f'time_ns is {time_ns}; the scene lasts {self.config.duration_s} s, '
                'raise duration_s to see more'
            )
        camera = self._camera
        homography = self._plate.homography(camera, time_s)
        image = self._plate.view(camera, time_s)
        centers, radii = self._pose(time_s)
        pixels, depths = camera.project(centers, time_s)
        radii_px = radii / depths * camera.focal
        boxes = silhouette_boxes(pixels, radii_px, self._drawn)
        # On an upright body what is horizontally nearer is in front, whatever the pitch; but from
        # above heads cover shoulders.
        distances = np.hypot(centers[..., 0], centers[..., 1])
        distances -= 0.3 * math.sin(max(camera.pitch, 0)) * centers[..., 2]
        width, height = self.config.width, self.config.height
        visible = (boxes[:, 2] > 0) & (boxes[:, 3] > 0)
        visible &= (boxes[:, 0] < width) & (boxes[:, 1] < height)
        people = np.flatnonzero(visible & (depths.min(axis=1) > 0.3))

        self._sun.cast_bodies(image, camera, time_s, centers[people], radii[people])
        layers: list[tuple[float, int, Patch]] = []
        inverse_margin = homography @ np.array(
            [[1, 0, self._plate.margin_x], [0, 1, self._plate.margin_y], [0, 0, 1.0]]
        )
        for prop in self._props:
            patch = prop.view(inverse_margin) if camera.moves else prop.patch
            layers.append((prop.depth, 0, patch))
        for person in people:
            patch = draw_figure(
                pixels[person], radii_px[person], distances[person], self._outfits[person],
                boxes[person], self._sun.image_direction, self._contrast,
            )  # fmt: skip
            patch.color[:] = cv2.convertScaleAbs(patch.color, alpha=self._brightness)
            layers.append((float(depths[person].mean()), int(person) + 1, patch))
        layers.sort(key=lambda layer: -layer[0])
        owners = np.zeros((height, width), np.uint8)
        for _, owner, patch in layers:
            window, covered = lay_over(image, patch)
            owners[window][covered] = owner
        if self._sensor is not None:
            image = self._sensor.expose(image, time_ns)
        seen = np.bincount(owners.ravel(), minlength=256)
        whole = {owner: int(np.count_nonzero(patch.alpha > 127)) for _, owner, patch in layers}
        shares = [seen[owner] / max(whole[owner], 1) for owner in (people + 1).tolist()]
        return image, Annotations(
            ids=people.astype(np.int64) + 1,
            boxes=boxes[people].astype(np.float32),
            class_ids=np.zeros(len(people), np.int32),
            visibilities=np.array(shares, np.float32),
            ignored=np.zeros(len(people), np.bool_),
        )

    def _place_props(
        self, region: GroundRegion, indoor: bool, rng: np.random.Generator
    ) -> list[Prop]:
        """Return the objects among the people; those behind them become part of the plate."""
        camera, plate = self._camera, self._plate
        distant: list[Prop] = []
        if not indoor:
            count = int(rng.integers(0, 9))
            depths = region.far * rng.uniform(1.0, 1.3, count)
            spots = region.ground(depths, rng.uniform(-0.8, 0.8, count))
            distant = sample_props(camera, spots, DISTANT, rng)
        standing = int(rng.integers(self.config.occluders[0], self.config.occluders[1] + 1))
        props = sample_props(
            camera, region.sample(rng, standing, 1.1), INDOORS if indoor else OUTDOORS, rng
        )
        everything = distant + props
        if everything:
            self._sun.cast_props(
                plate.image, camera, (plate.margin_x, plate.margin_y),
                np.array([prop.foot for prop in everything]),
                np.array([prop.width for prop in everything]),
                np.array([prop.height for prop in everything]),
            )  # fmt: skip
        for prop in sorted(distant, key=lambda prop: -prop.depth):
            lay_over(plate.image, prop.patch, (plate.margin_x, plate.margin_y))
        return props

    def _pose(self, time_s: float) -> tuple[Array, Array]:
        """Return the body spheres of all people: (N, S, 3) centres, (N, S) radii in metres."""
        positions, headings, travelled, speeds = self._walks.at(time_s)
        stride_m = 1.45 * self._bodies.stature / 1.75 * self._bodies.stride / 0.45
        phases = self._phases + 2 * math.pi * travelled / stride_m
        effort = np.clip(speeds / 1.0, 0, 1.15)
        return pose(self._bodies, positions, headings, phases, effort)
