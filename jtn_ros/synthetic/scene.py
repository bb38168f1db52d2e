"""A synthetic scene with a background, a camera and walking people, rendered at any time."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.synthetic.actors import Actors
from jtn_ros.synthetic.actors import ActorView
from jtn_ros.synthetic.background import paint_plate
from jtn_ros.synthetic.crowd import Crowd
from jtn_ros.synthetic.figure import Light
from jtn_ros.synthetic.patch import Patch
from jtn_ros.synthetic.patch import lay_over
from jtn_ros.synthetic.props import DISTANT
from jtn_ros.synthetic.props import INDOORS
from jtn_ros.synthetic.props import OUTDOORS
from jtn_ros.synthetic.props import Prop
from jtn_ros.synthetic.props import sample_props
from jtn_ros.synthetic.scene_camera import sample_camera
from jtn_ros.synthetic.scene_config import SceneConfig
from jtn_ros.synthetic.sensor import Sensor
from jtn_ros.synthetic.shadow import Sun
from jtn_ros.synthetic.traffic import Traffic
from jtn_ros.synthetic.walker import GroundRegion

Image = NDArray[np.uint8]

_INDOOR_SHARE = 0.3
_NEAREST_VEHICLE_M = 6.0
_FARTHEST_INDOORS_M, _FARTHEST_OUTDOORS_M = 14.0, 120.0


class Scene:
    """A scene sampled from a seed; the same configuration gives the same bytes.

    Example:
        scene = Scene(SceneConfig(seed=7))
        image, annotations = scene.render(time_ns=40_000_000)

    """

    def __init__(self, config: SceneConfig) -> None:
        """Sample the scene."""
        self.config = config
        # One generator for each purpose, so that more people do not change the background.
        camera_rng, place_rng, people_rng, prop_rng, light_rng, sensor_rng, traffic_rng = (
            np.random.default_rng(config.seed).spawn(7)
        )
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
        self.actors: list[Actors] = [Crowd(count, region, config.duration_s, backdrop, people_rng)]
        least, greatest = config.vehicles
        count = 0 if indoor else int(traffic_rng.integers(least, greatest, endpoint=True))
        if count:
            street = replace(
                region,
                near=max(region.near, _NEAREST_VEHICLE_M),
                far=max(region.far, 2 * _NEAREST_VEHICLE_M),
            )
            self.actors.append(Traffic(count, street, config.duration_s, traffic_rng))
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
            uint8 BGR (H, W, 3), and the people whose silhouettes overlap with the image.

        Raises:
            ValueError: the time lies outside the scene's duration.

        """
        time_s, seen = self._look(time_ns)
        camera, plate = self._camera, self._plate
        image = plate.view(camera, time_s)
        layers: list[tuple[float, int, Patch]] = []
        for actors, ids, view in seen:
            self._sun.cast_figures(image, camera, time_s, actors, view)
            figures = actors.draw(view, camera, self._light)
            layers += zip(view.ranges.tolist(), ids.tolist(), figures, strict=True)
        whole = {owner: np.count_nonzero(patch.alpha > 127) for _, owner, patch in layers}
        turn = plate.turn(camera, time_s)
        for prop in self._props:
            layers.append((prop.range_m, 0, prop.view(turn) if camera.moves else prop.patch))
        owners = np.zeros(image.shape[:2], np.uint8)  # identity of each pixel; 0 is background
        for _, owner, patch in sorted(layers, key=lambda layer: -layer[0]):
            window, solid = lay_over(image, patch)
            owners[window][solid] = owner
        if self._sensor is not None:
            image = self._sensor.expose(
                image, plate.drift(camera, time_s, self._shutter_s), time_ns
            )

        covered = np.bincount(owners.ravel(), minlength=256).tolist()
        ids = np.concatenate([ids for _, ids, _ in seen])
        shares = [covered[owner] / max(whole[owner], 1) for owner in ids.tolist()]
        classes = [np.full(len(ids), actors.class_id, np.int32) for actors, ids, _ in seen]
        return image, Annotations(
            ids=ids,
            boxes=np.concatenate([view.boxes for _, _, view in seen]).astype(np.float32),
            class_ids=np.concatenate(classes),
            visibilities=np.array(shares, np.float32),
            ignored=np.zeros(len(ids), np.bool_),
        )

    def figures(self, time_ns: int) -> dict[int, Patch]:
        """Return the whole figure of each person in view by identity, ignoring occlusions.

        Raises:
            ValueError: the time lies outside the scene's duration.

        """
        _, seen = self._look(time_ns)
        return {
            owner: figure
            for actors, ids, view in seen
            for owner, figure in zip(
                ids.tolist(), actors.draw(view, self._camera, self._light), strict=True
            )
        }

    def _look(
        self, time_ns: int
    ) -> tuple[float, list[tuple[Actors, NDArray[np.int64], ActorView]]]:
        """Return the time in seconds, and the actors in view with their identities."""
        time_s = time_ns / 1e9
        if not 0 <= time_s <= self.config.duration_s:
            raise ValueError(
                f'time_ns is {time_ns}; the scene lasts {self.config.duration_s} s, '
                'raise duration_s to see more'
            )
        seen = []
        first = 1
        for actors in self.actors:
            view = actors.seen_by(self._camera, time_s, self._shutter_s)
            seen.append((actors, view.numbers.astype(np.int64) + first, view))
            first += len(actors)
        return time_s, seen

    def _place_props(
        self, region: GroundRegion, indoor: bool, rng: np.random.Generator
    ) -> list[Prop]:
        """Return the objects among the people; those behind them become part of the plate."""
        camera, plate = self._camera, self._plate
        margin = (plate.margin_x, plate.margin_y)
        distant: list[Prop] = []
        if not indoor:
            count = int(rng.integers(0, 15))
            depths = region.far * rng.uniform(1.0, 1.3, count)
            spots = region.ground(depths, rng.uniform(-0.8, 0.8, count))
            distant = sample_props(camera, spots, self._unannotated(DISTANT), rng)
        least, greatest = self.config.occluders
        count = int(rng.integers(least, greatest, endpoint=True))
        kinds = self._unannotated(INDOORS if indoor else OUTDOORS)
        props = sample_props(camera, region.sample(rng, count, 1.1), kinds, rng)
        self._sun.cast_props(plate.image, camera, margin, [*distant, *props])
        for prop in sorted(distant, key=lambda prop: -prop.range_m):
            lay_over(plate.image, prop.patch, margin)
        return props

    def _unannotated(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """Return the kinds of props, without cars if cars are annotated."""
        return tuple(kind for kind in kinds if kind != 'car' or self.config.vehicles[1] == 0)
