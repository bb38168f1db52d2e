"""Image pairs with targets, rendered from synthetic scenes on demand."""

from itertools import pairwise

import numpy as np
from torch.utils.data import Dataset

from jtn_ros.synthetic import Scene
from jtn_ros.synthetic import SceneConfig
from jtn_ros.training.pairs import Arrays
from jtn_ros.training.pairs import PairMaker
from jtn_ros.training.recipe import Recipe
from jtn_ros.training.recipe import SyntheticData

FRAMES_PER_BURST = 3
PAIRS_PER_SCENE = 4
IDENTITIES_PER_SCENE = 10_000
SCENE_SECONDS = 8.0


class SyntheticPairs(Dataset[Arrays]):
    """Scene number i as four image pairs; the number determines their content.

    A resumed run therefore uses the same samples as an uninterrupted one, with any number of
    worker processes.
    """

    def __init__(self, recipe: Recipe, data: SyntheticData) -> None:
        """Store the recipe and the source; scenes are rendered later."""
        self.recipe = recipe
        self.data = data
        self._maker = PairMaker(recipe, data)

    def __getitem__(self, index: int) -> Arrays:
        """Render scene `index`: two bursts of three frames, with two pairs from each."""
        data, network = self.data, self.recipe.network
        rng = np.random.default_rng([data.seed, index])
        people = round(float(np.exp(rng.uniform(*np.log(data.people)))))
        scene = Scene(
            SceneConfig(
                width=network.input_width,
                height=network.input_height,
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
                pairs.append(self._maker.make(before, now, rng))
        joined = {name: np.stack([pair[name] for pair in pairs]) for name in pairs[0]}
        joined['identity'] = joined['identity'] + index * IDENTITIES_PER_SCENE
        return joined
