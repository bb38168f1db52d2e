"""Recipes: their contents, and rejection of unknown keys."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.settings import Settings
from jtn_ros.training.recipe import AnnotatedData
from jtn_ros.training.recipe import Recipe
from jtn_ros.training.recipe import SyntheticData
from jtn_ros.training.recipe import read_recipe

from places import ROOT

RECIPES = ROOT / 'config' / 'training'
MINIMAL = 'network: {backbone: light}\n'


def write(folder: Path, text: str) -> Path:
    """Write a recipe and return its path."""
    path = folder / 'recipe.yaml'
    path.write_text(text)
    return path


@pytest.mark.parametrize('path', sorted(RECIPES.glob('*.yaml')), ids=lambda path: path.stem)
def test_every_recipe_of_the_package_is_valid(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.network.training_data != 'unknown'
    assert recipe.network.licence != 'unknown'


def test_recipes_of_earlier_versions_are_read(tmp_path: Path) -> None:
    network = 'backbone: light, input_height: 96, input_width: 160'
    old, new = (
        read_recipe(write(tmp_path, f'network: {{{network}, {name}: 0.27}}'))
        for name in ('score_threshold', 'confident_score')
    )
    assert old == new
    assert new.network.confident_score == 0.27


def test_numbers_and_nested_settings_are_read(tmp_path: Path) -> None:
    recipe = read_recipe(
        write(tmp_path, MINIMAL + 'learning_rate: 1e-3\ndata: {frame_gap: [0.1, 0.2]}\n')
    )
    assert recipe.learning_rate == 0.001
    (data,) = recipe.data
    assert isinstance(data, SyntheticData)
    assert data.frame_gap == (0.1, 0.2)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (MINIMAL + 'step: 3\n', r"unknown setting 'step' \(did you mean steps"),
        (MINIMAL + 'zzz: 3\n', "unknown setting 'zzz'; known: augmentation, .*warm_up"),
        ('network: {backbon: light}\n', "network: unknown setting 'backbon' .*backbone"),
        (MINIMAL + 'data: {frame_gab: [1, 2]}\n', "data: unknown .*'frame_gab' .*frame_gap"),
        (MINIMAL + 'data: {train: a, max_gab: 1}\n', "data: unknown .*'max_gab' .*max_gap"),
        (MINIMAL + 'steps: many\n', "steps is 'many'; expected int"),
        (MINIMAL + 'steps: true\n', 'steps is True; expected int'),
        (MINIMAL + 'steps: 0\n', 'steps is 0; it must be 1 or more'),
        (MINIMAL + 'learning_rate: fast\n', "learning_rate is 'fast'; expected a number"),
        (MINIMAL + 'learning_rate: .nan\n', 'learning_rate is nan; expected a finite'),
        (MINIMAL + 'optimizer: adam\n', "optimizer is 'adam'; known: adamw, sgd"),
        (MINIMAL + 'data: {frame_gap: [0.1]}\n', r'frame_gap is \[0.1\]; expected a list of 2'),
        (MINIMAL + 'drops: [0.5]\n', "drops belong to the schedule 'step'"),
        (MINIMAL + 'schedule: step\ndrops: [25]\n', 'drops is .*shares of the run'),
        (MINIMAL + 'data: {train: x}\n', "identity_loss is 'contrast', but a batch of annot"),
        (MINIMAL + 'identity_loss: ce\n', "identity_loss is 'ce', but synthetic scenes"),
        (MINIMAL + 'augmentation: {scale: [0, 1]}\n', 'augmentation: scale is .*zoom above 0'),
        (MINIMAL + 'augmentation: {flip: 2}\n', 'augmentation: flip is 2; it must be 0 to 1'),
        (MINIMAL + 'prior_noise: {lost: -1}\n', 'prior_noise: lost is -1; it must be 0 to 1'),
        (MINIMAL + 'data: {no_prior: 3}\n', 'data: no_prior is 3; it must be 0 to 1'),
        (MINIMAL + 'data: {train: x, views: 0}\n', 'data: views is 0; it must be 1 or more'),
        (MINIMAL + 'batch_size: 0\n', 'batch_size is 0; it must be 1 or more'),
        (MINIMAL + 'data: []\n', 'data is empty'),
        (MINIMAL + 'data: [{share: 2}]\n', 'data: share is 2; it must be 1e-06 to 1'),
        (MINIMAL + 'data: [{}, {train: x, mosaic: 2}]\n', 'data: mosaic is 2; it must be 0 to 1'),
        (MINIMAL + 'epochs: 2\n', 'epochs is 2; they count passes over one annotated'),
        (MINIMAL + 'box_loss: l2\n', "box_loss is 'l2'; known: l1, giou"),
        ('steps: 3\n', "missing 1 required keyword-only argument: 'network'"),
        ('- 1\n', 'expected a mapping'),
        ('a: [\n', 'not YAML'),
        ('network: {input_width: 500}\n', 'input_width is 500; .*multiple of 32'),
        ('network: {heads: {hm: one}}\n', "heads: hm is 'one'; expected int"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_recipe(write(tmp_path, text))


def keys_of(*kinds: type[Settings]) -> st.SearchStrategy[str]:
    """Return the settings of dataclasses, and one that none has."""
    return st.sampled_from([field.name for kind in kinds for field in fields(kind)] + ['other'])


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(['', '1e-3', 'ce']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=5,
)
_SETTINGS = st.dictionaries(keys_of(Recipe), _VALUES, max_size=4)
_DATA = st.dictionaries(keys_of(SyntheticData, AnnotatedData), _VALUES, max_size=3)


@given(
    st.binary(max_size=40)
    | st.tuples(_SETTINGS, _DATA).map(
        lambda parts: yaml.safe_dump({'network': {}, **parts[0], 'data': parts[1]}).encode()
    )
)
@settings(max_examples=200, deadline=None)
def test_any_file_is_a_recipe_or_is_rejected_with_its_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / 'fuzzed.yaml'
    path.write_bytes(content)
    try:
        recipe = read_recipe(path)
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = 'fuzzed.yaml' if recipe.steps > 0 else 'a recipe without steps'
    assert 'fuzzed.yaml' in refusal
