"""Recipes: what they hold, and how they refuse what they do not know."""

from pathlib import Path

import pytest

from jtn_ros.training.recipe import read_recipe

RECIPES = Path(__file__).resolve().parents[2] / 'config' / 'training'
MINIMAL = 'network: {backbone: light}\n'


def write(folder, text):
    """Write a recipe and return its path."""
    path = folder / 'recipe.yaml'
    path.write_text(text)
    return path


@pytest.mark.parametrize('path', sorted(RECIPES.glob('*.yaml')), ids=lambda path: path.stem)
def test_every_recipe_of_the_package_is_valid(path):
    recipe = read_recipe(path)
    assert recipe.network.training_data != 'unknown'
    assert recipe.network.licence != 'unknown'


def test_numbers_and_nested_settings_are_read(tmp_path):
    recipe = read_recipe(
        write(tmp_path, MINIMAL + 'learning_rate: 1e-3\ndata: {frame_gap: [0.1, 0.2]}\n')
    )
    assert recipe.learning_rate == 0.001
    assert recipe.data.frame_gap == (0.1, 0.2)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (MINIMAL + 'step: 3\n', "unknown setting 'step'; did you mean 'steps'"),
        (MINIMAL + 'zzz: 3\n', "unknown setting 'zzz'; known: augmentation, .*warm_up"),
        ('network: {backbon: light}\n', "network: unknown setting 'backbon'; .*'backbone'"),
        (MINIMAL + 'data: {frame_gab: [1, 2]}\n', "data: unknown .*'frame_gab'; .*'frame_gap'"),
        (MINIMAL + 'data: {train: a, max_gab: 1}\n', "data: unknown .*'max_gab'; .*'max_gap'"),
        (MINIMAL + 'steps: many\n', "steps is 'many'; expected int"),
        (MINIMAL + 'steps: true\n', 'steps is True; expected int'),
        (MINIMAL + 'steps: 0\n', 'steps is 0; give 1 or more'),
        (MINIMAL + 'learning_rate: fast\n', "learning_rate is 'fast'; expected a number"),
        (MINIMAL + 'learning_rate: .nan\n', 'learning_rate is nan; expected float'),
        (MINIMAL + 'optimizer: adam\n', "optimizer is 'adam'; known: adamw, sgd"),
        (MINIMAL + 'data: {frame_gap: [0.1]}\n', r'frame_gap is \[0.1\]; expected a list of 2'),
        (MINIMAL + 'drops: [0.5]\n', "drops belong to the schedule 'step'"),
        (MINIMAL + 'schedule: step\ndrops: [25]\n', 'drops is .*shares of the run'),
        (MINIMAL + 'data: {train: x}\n', "identity_loss is 'contrast', but a batch of annot"),
        (MINIMAL + 'identity_loss: ce\n', "identity_loss is 'ce', but synthetic scenes"),
        ('steps: 3\n', "missing 1 required keyword-only argument: 'network'"),
        ('- 1\n', 'expected a mapping'),
        ('a: [\n', 'not YAML'),
        ('network: {input_width: 500}\n', 'input_width is 500; .*multiple of 32'),
        ('network: {heads: {hm: one}}\n', "heads: hm is 'one'; expected int"),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_recipe(write(tmp_path, text))
