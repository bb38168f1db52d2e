"""Two frames of one camera as a training sample: augmented images, prior heat map, targets."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.augmentation import Frame
from jtn_ros.datasets.augmentation import change_color
from jtn_ros.datasets.augmentation import mirror
from jtn_ros.datasets.augmentation import warp
from jtn_ros.datasets.targets import TargetLayout
from jtn_ros.datasets.targets import make_prior
from jtn_ros.datasets.targets import make_targets
from jtn_ros.gaussian import draw_gaussian
from jtn_ros.gaussian import gaussian_radius
from jtn_ros.geometry import Letterbox
from jtn_ros.geometry import box_sizes
from jtn_ros.training.recipe import AnnotatedData
from jtn_ros.training.recipe import PairData
from jtn_ros.training.recipe import Recipe

Arrays = dict[str, NDArray[np.number]]

# Minimum share of an object in a crop for it to be a target.
LEAST_CUT = 0.2


class PairMaker:
    """Creates samples as specified by a recipe, with a random generator."""

    def __init__(self, recipe: Recipe, data: PairData) -> None:
        """Use the sizes of the recipe, and the other settings of one of its sources."""
        self.recipe = recipe
        self.data = data
        self.layout = TargetLayout(
            input_height=recipe.network.input_height,
            input_width=recipe.network.input_width,
            num_classes=len(recipe.network.class_names),
            max_objects=recipe.max_objects,
        )

    def make(
        self, before: Frame, now: Frame, rng: np.random.Generator, *, moved: bool = False
    ) -> Arrays:
        """Return one sample.

        Args:
            before: the previous frame.
            now: the current frame.
            rng: random number generator.
            moved: simulate camera motion between the two, which trains displacements with a
                still image (`before` is then `now`).

        Returns:
            `image` and `previous_image` uint8 (H, W, 3), `prior_heatmap` float32 (1, H, W),
            `identity` int64 (S,), and the arrays of `make_targets`.
        """
        data, augmentation = self.data, self.recipe.augmentation
        if rng.random() < data.first_frame:
            before = now
        if rng.random() < augmentation.flip:
            before, now = mirror(before), mirror(now)
        size = self.layout.input_width, self.layout.input_height
        height, width = now[0].shape[:2]
        letterbox = augmentation.draw_letterbox(width, height, *size, rng)
        letterbox_before = letterbox
        if moved:
            letterbox_before = augmentation.move_letterbox(letterbox, width, height, rng)
        factors = augmentation.draw_color(rng)
        camera = augmentation.draw_camera(rng)
        image, previous_image = (
            camera.photograph(change_color(warp(frame[0], box, *size), *factors), rng)
            for frame, box in ((now, letterbox), (before, letterbox_before))
        )

        prior, ids, centers = make_prior(
            before[1], letterbox_before, self.layout, self.recipe.prior_noise, rng
        )
        add_ghosts(prior[0], rng.poisson(data.ghosts), rng)
        if rng.random() < data.no_prior:
            prior = np.zeros_like(prior)
        visible = now[1].select(now[1].visibilities >= data.min_visibility)
        small = box_sizes(visible.boxes)[:, 1] * letterbox.scale < data.min_height
        unclear = visible.visibilities < data.clear_visibility
        visible = replace(visible, ignored=visible.ignored | small | unclear)
        if isinstance(data, AnnotatedData) and data.cut_boxes:
            visible = cut_at_border(visible, letterbox, *size)
        targets = make_targets(visible, ids, centers, letterbox, self.layout)
        identity = np.zeros(self.layout.max_objects, np.int64)
        number = min(len(visible), len(identity))
        identity[:number] = visible.ids[:number]
        return {
            **targets,
            'image': image,
            'previous_image': previous_image,
            'prior_heatmap': prior,
            'identity': identity,
        }


def cut_at_border(
    annotations: Annotations, letterbox: Letterbox, width: int, height: int
) -> Annotations:
    """Return the objects, in source pixels, with boxes that end at the border of the input.

    Objects of which less than `LEAST_CUT` remains are ignored.
    """
    corners = letterbox.to_network(annotations.boxes.reshape(-1, 2, 2))
    inside = np.clip(corners, 0, [width, height])
    area, left = (np.prod(box[:, 1] - box[:, 0], 1) for box in (corners, inside))
    return replace(
        annotations,
        boxes=letterbox.to_source(inside).reshape(-1, 4).astype(np.float32),
        ignored=annotations.ignored | (left < LEAST_CUT * area),
    )


def add_ghosts(heatmap: NDArray[np.float32], count: int, rng: np.random.Generator) -> None:
    """Draw tracks without an object into a prior heat map (H, W), as from false positives.

    Without them, the network learns to trust the prior heat map, and false tracks persist.
    """
    height, width = heatmap.shape
    tall = height * np.exp(rng.uniform(np.log(0.04), np.log(0.9), count))
    radii = np.maximum(0, gaussian_radius(tall, 0.4 * tall).astype(np.int64))
    spots = (rng.uniform(0, 1, (count, 2)) * (width, height)).astype(np.int64)
    for (x, y), radius in zip(spots.tolist(), radii.tolist(), strict=True):
        draw_gaussian(heatmap, x, y, radius)
