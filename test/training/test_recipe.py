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
    assert recipe.steps > 0
    assert recipe.network.heads['hm'] == len(recipe.network.class_names)


def test_numbers_and_nested_settings_are_read(tmp_path):
    recipe = read_recipe(
        write(tmp_path, MINIMAL + 'learning_rate: 1e-3\ndata: {frame_gap: [0.1, 0.2]}\n')
    )
    assert recipe.learning_rate == 0.001
    assert recipe.data.frame_gap == (0.1, 0.2)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (MINIMAL + 'step: 3\n', "unknown setting 'step'; known: .*steps"),
        ('network: {backbon: light}\n', "network: unknown setting 'backbon'"),
        (MINIMAL + 'steps: many\n', "steps is 'many'; expected int"),
        (MINIMAL + 'steps: true\n', 'steps is True; expected int'),
        (MINIMAL + 'learning_rate: fast\n', "learning_rate is 'fast'; expected a number"),
        ('steps: 3\n', "missing 1 required keyword-only argument: 'network'"),
        ('- 1\n', 'expected a mapping'),
        ('network: {input_width: 500}\n', 'input_width is 500; .*multiple of 32'),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_recipe(write(tmp_path, text))
