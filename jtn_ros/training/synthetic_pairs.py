"""Image pairs with targets, drawn from synthetic scenes as training asks for them."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from jtn_ros.datasets.augmentation import Frame
from jtn_ros.datasets.augmentation import change_colour
from jtn_ros.datasets.augmentation import mirror
from jtn_ros.datasets.augmentation import warp
from jtn_ros.datasets.synthetic import Scene
from jtn_ros.datasets.synthetic import SceneConfig
from jtn_ros.datasets.targets import TargetLayout
from jtn_ros.datasets.targets import make_prior
from jtn_ros.datasets.targets import make_targets
from jtn_ros.gaussian import draw_gaussian
from jtn_ros.gaussian import gaussian_radius
from jtn_ros.geometry import box_sizes
from jtn_ros.training.recipe import Recipe

Arrays = dict[str, NDArray[np.generic]]
FRAMES_PER_BURST = 3
IDENTITIES_PER_SCENE = 10_000
SCENE_SECONDS = 8.0


class SyntheticPairs(Dataset[Arrays]):
    """Scene number i as four image pairs: the number alone decides what is in them.

    So a run that is resumed at a step sees what an unbroken one would, with any number of
    worker processes.
    """

    def __init__(self, recipe: Recipe) -> None:
        """Remember the recipe; nothing is drawn yet."""
        self.recipe = recipe
        network = recipe.network
        self.layout = TargetLayout(
            input_height=network.input_height,
            input_width=network.input_width,
            num_classes=len(network.class_names),
            max_objects=recipe.data.max_objects,
        )

    def __len__(self) -> int:
        """Return the number of scenes of the whole run."""
        return self.recipe.steps * self.recipe.scenes_per_step

    def __getitem__(self, index: int) -> Arrays:
        """Draw scene `index`: two bursts of three frames, two pairs from each."""
        data = self.recipe.data
        rng = np.random.default_rng([data.seed, index])
        people = round(float(np.exp(rng.uniform(*np.log(data.people)))))
        scene = Scene(
            SceneConfig(
                width=self.layout.input_width,
                height=self.layout.input_height,
                seed=int(rng.integers(2**31)),
                people=(people, people),
                camera_motion='random',
            )
        )
        gap = float(np.exp(rng.uniform(*np.log(data.frame_gap))))
        later = rng.uniform(*data.burst_gap)
        start = rng.uniform(0, max(0.1, SCENE_SECONDS - later - 2 * gap))
        pairs = []
        for begin in (start, start + later):
            times = [int(1e9 * (begin + gap * step)) for step in range(FRAMES_PER_BURST)]
            frames = [scene.render(time) for time in times]
            for before, now in pairwise(frames):
                pairs.append(self._pair(before, now, rng))
        joined = {name: np.stack([pair[name] for pair in pairs]) for name in pairs[0]}
        joined['identity'] = joined['identity'] + index * IDENTITIES_PER_SCENE
        return joined

    def _pair(self, before: Frame, now: Frame, rng: np.random.Generator) -> Arrays:
        """Return one augmented image pair with its prior heat map and targets."""
        data, augmentation = self.recipe.data, self.recipe.augmentation
        if rng.random() < data.first_frame:
            before = now
        if rng.random() < augmentation.flip:
            before, now = mirror(before), mirror(now)
        size = self.layout.input_width, self.layout.input_height
        letterbox = augmentation.draw_letterbox(*size, *size, rng)
        factors = augmentation.draw_colour(rng)
        image, previous_image = (
            change_colour(warp(frame, letterbox, *size), factors) for frame in (now[0], before[0])
        )

        prior, ids, centers = make_prior(
            before[1], letterbox, self.layout, self.recipe.prior_noise, rng
        )
        add_ghosts(prior[0], rng.poisson(data.ghosts), rng)
        if rng.random() < data.no_prior:
            prior = np.zeros_like(prior)
        visible = now[1].select(now[1].visibilities >= data.min_visibility)
        visible.ignored[box_sizes(visible.boxes)[:, 1] * letterbox.scale < data.min_height] = True
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


def add_ghosts(heatmap: NDArray[np.float32], count: int, rng: np.random.Generator) -> None:
    """Draw tracks of nobody into a prior heat map (H, W), as false detections leave them.

    Without them a network believes its prior, and a false track keeps itself alive.
    """
    height, width = heatmap.shape
    tall = height * np.exp(rng.uniform(*np.log((0.04, 0.9)), count))
    radii = np.maximum(0, gaussian_radius(tall, 0.4 * tall).astype(np.int64))
    spots = rng.uniform(0, (width, height), (count, 2)).astype(np.int64)
    for (x, y), radius in zip(spots.tolist(), radii.tolist(), strict=True):
        draw_gaussian(heatmap, x, y, radius)


def join_scenes(scenes: Sequence[Arrays]) -> dict[str, Tensor]:
    """Join scenes to one batch of tensors (pairs of all scenes, ...)."""
    return {
        name: torch.from_numpy(np.concatenate([scene[name] for scene in scenes]))
        for name in scenes[0]
    }
