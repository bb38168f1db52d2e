"""Image pairs with targets, drawn from synthetic scenes as training asks for them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.utils.data import Dataset

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.synthetic import Scene
from jtn_ros.datasets.synthetic import SceneConfig
from jtn_ros.datasets.targets import TargetLayout
from jtn_ros.datasets.targets import make_prior
from jtn_ros.datasets.targets import make_targets
from jtn_ros.geometry import Letterbox
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
        scene = Scene(
            SceneConfig(
                width=self.layout.input_width,
                height=self.layout.input_height,
                seed=int(rng.integers(2**31)),
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
            for before, now in zip(frames, frames[1:], strict=False):
                pairs.append(self._pair(before, now, rng))
        joined = {name: np.stack([pair[name] for pair in pairs]) for name in pairs[0]}
        joined['identity'] = joined['identity'] + index * IDENTITIES_PER_SCENE
        return joined

    def _pair(
        self,
        before: tuple[NDArray[np.uint8], Annotations],
        now: tuple[NDArray[np.uint8], Annotations],
        rng: np.random.Generator,
    ) -> Arrays:
        """Return one image pair with its prior heat map and targets."""
        data = self.recipe.data
        if rng.random() < data.first_frame:
            before = now
        image, annotations = now
        previous_image, previous = before
        letterbox = Letterbox(1, 0, 0)
        prior, ids, centers = make_prior(
            previous, letterbox, self.layout, self.recipe.prior_noise, rng
        )
        if rng.random() < data.no_prior:
            prior = np.zeros_like(prior)
        visible = annotations.select(annotations.visibilities >= data.min_visibility)
        tiny = box_sizes(visible.boxes)[:, 1] < data.min_height
        visible.ignored[tiny] = True
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


def join_scenes(scenes: Sequence[Arrays]) -> dict[str, Tensor]:
    """Join scenes to one batch of tensors (pairs of all scenes, ...)."""
    return {
        name: torch.from_numpy(np.concatenate([scene[name] for scene in scenes]))
        for name in scenes[0]
    }
