"""One synthetic scene: a place, a camera, people walking, rendered at any time."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.synthetic.background import paint_plate
from jtn_ros.datasets.synthetic.camera import sample_camera
from jtn_ros.datasets.synthetic.config import SceneConfig
from jtn_ros.datasets.synthetic.crowd import Crowd
from jtn_ros.datasets.synthetic.crowd import CrowdView
from jtn_ros.datasets.synthetic.figure import Light
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

Image = NDArray[np.uint8]

_INDOOR_SHARE = 0.3
_FARTHEST_INDOORS_M, _FARTHEST_OUTDOORS_M = 14.0, 120.0


class Scene:
    """A scene drawn from a seed: same configuration, same bytes.

    Example:
        scene = Scene(SceneConfig(seed=7))
        image, annotations = scene.render(time_ns=40_000_000)

    """

    def __init__(self, config: SceneConfig) -> None:
        """Draw the scene."""
        self.config = config
        # One stream for each purpose: more people do not change the place.
        camera_rng, place_rng, people_rng, prop_rng, light_rng, sensor_rng = (
            np.random.default_rng(config.seed).spawn(6)
        )  # fmt: skip
        indoor = bool(place_rng.random() < _INDOOR_SHARE)
        farthest = _FARTHEST_INDOORS_M if indoor else _FARTHEST_OUTDOORS_M
        self._camera = sample_camera(config, indoor, camera_rng)
        region = GroundRegion.sample_region(self._camera, farthest, place_rng)
        self._plate = paint_plate(self._camera, region.far, indoor, place_rng)
        self._sun = Sun.sample(indoor, light_rng)
        self._light = Light(
            direction=self._sun.image_direction,
            brightness=light_rng.uniform(0.7, 1.0),
            contrast=light_rng.uniform(0.3, 1.0),
        )
        self._props = self._place_props(region, indoor, prop_rng)

        backdrop = self._plate.image.reshape(-1, 3)
        least, greatest = config.people
        count = int(people_rng.integers(least, greatest, endpoint=True))
        self._crowd = Crowd(count, region, config.duration_s, backdrop, people_rng)
        self._sensor = None
        self._shutter_s = 0.0
        if config.sensor:
            self._sensor = Sensor(
                config.width, config.height, float(backdrop[::7].mean()), sensor_rng
            )
            self._shutter_s = self._sensor.shutter_s

    def render(self, time_ns: int) -> tuple[Image, Annotations]:
        """Return the image and the ground truth at a time.

        Args:
            time_ns: time since the start of the scene in nanoseconds.

        Returns:
            uint8 BGR (H, W, 3), and the people whose silhouettes reach into the image.

        Raises:
            ValueError: the time lies outside the scene's duration.

        """
        time_s, view = self._look(time_ns)
        camera, plate = self._camera, self._plate
        image = plate.view(camera, time_s)
        self._sun.cast_bodies(image, camera, time_s, view.centers, view.radii)

        figures = self._crowd.draw(view, camera, self._light)
        layers: list[tuple[float, int, Patch]] = [
            (float(distance), int(person) + 1, figure)
            for distance, person, figure in zip(view.ranges, view.people, figures, strict=True)
        ]
        turn = plate.turn(camera, time_s)
        for prop in self._props:
            layers.append((prop.range_m, 0, prop.view(turn) if camera.moves else prop.patch))
        owners = np.zeros(image.shape[:2], np.uint8)  # whose every pixel is; 0 is nobody
        for _, owner, patch in sorted(layers, key=lambda layer: -layer[0]):
            window, covered = lay_over(image, patch)
            owners[window][covered] = owner
        if self._sensor is not None:
            image = self._sensor.expose(
                image, plate.drift(camera, time_s, self._shutter_s), time_ns
            )

        whole = np.array([np.count_nonzero(figure.alpha > 127) for figure in figures], np.float32)
        seen = np.bincount(owners.ravel(), minlength=256)[view.people + 1]
        return image, Annotations(
            ids=view.people.astype(np.int64) + 1,
            boxes=view.boxes.astype(np.float32),
            class_ids=np.zeros(len(whole), np.int32),
            visibilities=(seen / np.maximum(whole, 1)).astype(np.float32),
            ignored=np.zeros(len(whole), np.bool_),
        )

    def figures(self, time_ns: int) -> dict[int, Patch]:
        """Return the whole figure of everybody in view by identity, as if nothing hid it.

        Raises:
            ValueError: the time lies outside the scene's duration.

        """
        _, view = self._look(time_ns)
        figures = self._crowd.draw(view, self._camera, self._light)
        return {
            int(person) + 1: figure for person, figure in zip(view.people, figures, strict=True)
        }

    def _look(self, time_ns: int) -> tuple[float, CrowdView]:
        time_s = time_ns / 1e9
        if not 0 <= time_s <= self.config.duration_s:
            raise ValueError(
                f'time_ns is {time_ns}; the scene lasts {self.config.duration_s} s, '
                'raise duration_s to see more'
            )
        return time_s, self._crowd.seen_by(self._camera, time_s, self._shutter_s)

    def _place_props(
        self, region: GroundRegion, indoor: bool, rng: np.random.Generator
    ) -> list[Prop]:
        """Return the objects among the people; those behind them become part of the plate."""
        camera, plate = self._camera, self._plate
        margin = (plate.margin_x, plate.margin_y)
        distant: list[Prop] = []
        if not indoor:
            count = int(rng.integers(0, 9))
            depths = region.far * rng.uniform(1.0, 1.3, count)
            spots = region.ground(depths, rng.uniform(-0.8, 0.8, count))
            distant = sample_props(camera, spots, DISTANT, rng)
        least, greatest = self.config.occluders
        count = int(rng.integers(least, greatest, endpoint=True))
        kinds = INDOORS if indoor else OUTDOORS
        props = sample_props(camera, region.sample(rng, count, 1.1), kinds, rng)
        self._sun.cast_props(plate.image, camera, margin, [*distant, *props])
        for prop in sorted(distant, key=lambda prop: -prop.range_m):
            lay_over(plate.image, prop.patch, margin)
        return props
