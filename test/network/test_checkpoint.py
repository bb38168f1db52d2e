"""Checkpoints of the family and of the project: matching ones load, others are reported."""

import json
import logging
import os
import pickle
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.class_names import COCO_CLASSES
from jtn_ros.errors import JtnError
from jtn_ros.network import JointTrackNet
from jtn_ros.network import NetworkConfig
from jtn_ros.network import load_checkpoint
from jtn_ros.network import save_checkpoint
from jtn_ros.network.checkpoint import METADATA_KEY
from jtn_ros.network.checkpoint import config_from_json
from jtn_ros.network.checkpoint import read_tensors
from jtn_ros.network.published import FAIRMOT

from parity_weights import parity_weights

CENTERTRACK_HEADS = {'reg': 2, 'wh': 2, 'tracking': 2}
# Few hidden channels make the light network small: its files are for tests of the format.
SMALL = NetworkConfig(
    name='small',
    backbone='light',
    class_names=('person', 'cart'),
    heads={'hm': 2, 'ltrb_amodal': 4},
    head_channels=8,
    prior_heatmap=False,
    embedding_head='',
    input_height=64,
    input_width=96,
)


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """Return what the reader logs. (launch_testing's loggers bypass pytest's own fixture.)"""
    logger = logging.getLogger('jtn_ros.network.checkpoint')
    collected: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            collected.append(record.getMessage())

    handler = Collector()
    logger.addHandler(handler)
    yield collected
    logger.removeHandler(handler)


@pytest.fixture(scope='module')
def published_state() -> dict[str, torch.Tensor]:
    """Return a published state dict without a prefix."""
    return {name: torch.from_numpy(value) for name, value in parity_weights(101).items()}


@pytest.fixture(scope='module')
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp('small') / 'small.safetensors'
    save_checkpoint(path, JointTrackNet(SMALL))
    return path


def change_heads(
    state: Mapping[str, torch.Tensor], heads: Mapping[str, int], drop: tuple[str, ...] = ()
) -> dict[str, torch.Tensor]:
    """Return the state dict of a relative of the published network."""
    kept = {
        name: value
        for name, value in state.items()
        if not name.startswith(
            (
                *(
                    f'{head}.'
                    for head in ('hm', 'reg', 'wh', 'embedding', 'tracking', 'ltrb_amodal')
                ),
                *drop,
            )
        )
    }
    generator = torch.Generator().manual_seed(2)
    for head, channels in heads.items():
        kept[f'{head}.0.weight'] = 0.05 * torch.randn(256, 64, 3, 3, generator=generator)
        kept[f'{head}.0.bias'] = torch.zeros(256)
        kept[f'{head}.2.weight'] = 0.05 * torch.randn(channels, 256, 1, 1, generator=generator)
        kept[f'{head}.2.bias'] = torch.zeros(channels)
    return kept


@pytest.mark.parametrize('zipped', [True, False], ids=['zip', 'legacy'])
def test_a_training_checkpoint_loads_unchanged(
    published_state: dict[str, torch.Tensor], tmp_path: Path, messages: list[str], zipped: bool
) -> None:
    path = tmp_path / 'mot17.pth'
    saved = {f'module.{name}': value for name, value in published_state.items()}
    saved['module.base.fc.weight'] = torch.zeros(1000, 512, 1, 1)
    saved['module.base.fc.bias'] = torch.zeros(1000)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(3))], lr=0.1, momentum=0.9)
    content = {'epoch': 30, 'state_dict': saved, 'optimizer': optimizer.state_dict()}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    network = load_checkpoint(path)
    loaded = network.state_dict()
    assert list(loaded) == list(published_state)
    assert all(torch.equal(loaded[name], value) for name, value in published_state.items())
    assert not network.training
    assert network.config == NetworkConfig(name='mot17')
    assert 'base.fc.weight (1000, 512, 1, 1), base.fc.bias (1000,)' in messages[0]


def test_the_prior_stem_can_be_left_out(
    published_state: dict[str, torch.Tensor], tmp_path: Path, messages: list[str]
) -> None:
    path = tmp_path / 'a.pth'
    torch.save({'state_dict': published_state}, path)
    network = load_checkpoint(path, prior_heatmap=False)
    assert 'base.pre_hm_layer.0.weight (16, 1, 7, 7)' in messages[0]
    assert 'base.pre_hm_layer' not in dict(network.named_modules())
    assert not any('pre_hm' in name for name in network.state_dict())


def test_centertrack_with_80_classes(
    published_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / 'coco_tracking.pth'
    torch.save(change_heads(published_state, {'hm': 80} | CENTERTRACK_HEADS), path)
    config = load_checkpoint(path).config
    assert config.class_names == COCO_CLASSES
    assert len(set(COCO_CLASSES)) == 80
    assert (COCO_CLASSES[2], COCO_CLASSES[79]) == ('car', 'toothbrush')
    assert config.box_coding == 'center_size'
    assert config.embedding_head == ''
    assert (config.input_height, config.input_width) == (512, 512)
    assert config.confident_score == 0.3
    assert config.prior_heatmap


def test_centertrack_with_the_classes_of_kitti_and_settings_of_the_caller(
    published_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / 'kitti_half.pth'
    torch.save(change_heads(published_state, {'hm': 3} | CENTERTRACK_HEADS), path)
    config = load_checkpoint(path, input_height=192, name='kitti').config
    assert config.class_names == ('pedestrian', 'car', 'cyclist')
    assert (config.name, config.input_height, config.input_width) == ('kitti', 192, 1280)


def test_classes_of_unknown_published_models_get_generic_names(
    published_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / 'mine.pth'
    torch.save(change_heads(published_state, {'hm': 2, 'ltrb_amodal': 4}), path)
    assert load_checkpoint(path).config.class_names == ('class_0', 'class_1')
    names = ('robot', 'human')
    assert load_checkpoint(path, class_names=names).config.class_names == names
    with pytest.raises(ValueError, match='2 channels for the 1 classes person'):
        load_checkpoint(path, class_names=('person',))


@pytest.mark.parametrize(('values', 'coding'), [(4, 'center_ltrb'), (2, 'center_size')])
def test_fairmot(
    published_state: dict[str, torch.Tensor], tmp_path: Path, values: int, coding: str
) -> None:
    heads = {'hm': 1, 'wh': values, 'id': 128, 'reg': 2}
    stems = ('base.pre_img_layer.', 'base.pre_hm_layer.')
    path = tmp_path / 'fairmot_dla34.pth'
    torch.save({'state_dict': change_heads(published_state, heads, drop=stems)}, path)
    network = load_checkpoint(path)
    config = network.config
    assert config.heads == heads
    assert config.box_coding == coding
    assert not config.previous_image
    assert not config.prior_heatmap
    assert all(getattr(config, name) == value for name, value in FAIRMOT.items())
    with torch.inference_mode():
        maps = network(torch.zeros(1, 3, 64, 64))
    assert {name: value.shape[1] for name, value in maps.items()} == heads


def test_tensors_that_do_not_fit_are_named_with_their_shapes(
    published_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    path = tmp_path / 'odd.pth'
    state = dict(published_state)
    del state['ida_up.up_2.weight']
    state['base.level0.0.weight'] = torch.zeros(16, 16, 5, 5)
    state['base.level9.weight'] = torch.zeros(2, 3)
    torch.save(state, path)
    with pytest.raises(ValueError, match='do not fit') as caught:
        load_checkpoint(path)
    message = str(caught.value)
    assert str(path) in message
    assert 'missing ida_up.up_2.weight (64, 1, 8, 8)' in message
    assert 'base.level0.0.weight (16, 16, 5, 5) instead of (16, 16, 3, 3)' in message
    assert 'left over base.level9.weight (2, 3)' in message


def test_counters_that_old_checkpoints_lack_start_at_zero(
    published_state: dict[str, torch.Tensor], tmp_path: Path, messages: list[str]
) -> None:
    path = tmp_path / 'old.pth'
    state = {name: value for name, value in published_state.items() if 'num_batches' not in name}
    torch.save(state, path)
    network = load_checkpoint(path)
    assert network.get_buffer('base.base_layer.1.num_batches_tracked') == 0
    assert 'base.base_layer.1.num_batches_tracked' in messages[0]


class Payload:
    """Unpickling this creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    'write',
    [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))],
    ids=['torch', 'pickle'],
)
def test_code_in_a_file_does_not_run(
    tmp_path: Path, write: Callable[[object, Path], object]
) -> None:
    path, trace = tmp_path / 'evil.pth', tmp_path / 'trace'
    write({'state_dict': {'hm.2.weight': Payload(trace)}}, path)
    with pytest.raises(ValueError, match=r'evil.pth: (refused, because .*mkdir|neither a)'):
        load_checkpoint(path)
    assert not trace.exists()
    # The attack itself works: only the reader stands between the file and the folder.
    torch.load(path, weights_only=False) if write is torch.save else pickle.loads(
        path.read_bytes()
    )
    assert trace.exists()


def test_tensors_larger_than_the_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / 'bomb.pth'
    torch.save({'hm.2.weight': torch.zeros(1).expand(10**12, 256, 1, 1)}, path)
    with pytest.raises(ValueError, match=r'no plain tensor under .hm\.2\.weight'):
        load_checkpoint(path)


@pytest.mark.parametrize('content', [[1, 2], {'state_dict': 3}, {'a': torch.ones(1)}, {}, 'x'])
def test_other_contents(tmp_path: Path, content: object) -> None:
    path = tmp_path / 'other.pth'
    torch.save(content, path)
    with pytest.raises(ValueError, match=r'other\.pth: '):
        load_checkpoint(path)


def test_a_network_without_boxes(published_state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / 'heat_map_alone.pth'
    torch.save(change_heads(published_state, {'hm': 1, 'tracking': 2}), path)
    with pytest.raises(ValueError, match='no heads for boxes: it has hm, tracking'):
        load_checkpoint(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / 'nothing.pth')


def test_own_format_keeps_weights_and_configuration(small_file: Path) -> None:
    torch.manual_seed(1)
    wanted = JointTrackNet(SMALL).state_dict()
    network = load_checkpoint(str(small_file))
    assert network.config == SMALL
    found = network.state_dict()
    assert list(found) == list(wanted)
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
    assert load_checkpoint(small_file, name='other').config.name == 'other'
    assert os.listdir(small_file.parent) == ['small.safetensors']


def test_a_configuration_of_an_earlier_version_is_read() -> None:
    config = replace(SMALL, confident_score=0.27)
    values = asdict(config)
    values['score_threshold'] = values.pop('confident_score')
    assert config_from_json(json.dumps(values)) == config


def test_a_failed_save_leaves_the_earlier_file(
    small_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = small_file.read_bytes()
    network = load_checkpoint(small_file)
    monkeypatch.setattr(Path, 'write_bytes', lambda path, data: (path.touch(), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        save_checkpoint(small_file, network)
    monkeypatch.undo()
    assert small_file.read_bytes() == before
    assert os.listdir(small_file.parent) == ['small.safetensors']


def test_a_network_that_was_trained_in_half_precision_loads_as_float32(
    small_file: Path, tmp_path: Path
) -> None:
    network = load_checkpoint(small_file).half()
    save_checkpoint(tmp_path / 'half.safetensors', network)
    loaded = load_checkpoint(tmp_path / 'half.safetensors')
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
@pytest.mark.parametrize('kind', ['safetensors', 'zip', 'legacy'])
def test_damaged_files_are_refused_by_name(
    small_file: Path, tmp_path: Path, kind: str, data: st.DataObject
) -> None:
    path = tmp_path / 'damaged'
    intact = tmp_path / kind
    if not intact.exists():
        state = load_checkpoint(small_file).state_dict()
        if kind == 'safetensors':
            intact.write_bytes(small_file.read_bytes())
        else:
            torch.save(state, intact, _use_new_zipfile_serialization=kind == 'zip')
    content = bytearray(intact.read_bytes())
    if data.draw(st.booleans(), label='truncate'):
        del content[data.draw(st.integers(0, len(content) - 1), label='length') :]
    else:
        # The start holds the structure; damage to the numbers behind it cannot be told.
        start = data.draw(st.integers(0, 200), label='start')
        noise = data.draw(st.binary(min_size=1, max_size=40), label='noise')
        content[start : start + len(noise)] = noise
    path.write_bytes(content)
    try:
        load_checkpoint(path)
        message = ''
    except ValueError as error:
        message = str(error)
    # In the text of the metadata, a name or a number may have become another valid one.
    assert message.startswith(f'{path}: ') or (kind == 'safetensors' and not message)


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*NetworkConfig.__dataclass_fields__, 'other']),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=5), inner, max_size=3)
            ),
            max_leaves=5,
        ),
        max_size=4,
    )
)
def test_any_metadata_gives_a_configuration_or_a_clear_error(
    values: dict[str, Any],
) -> None:
    try:
        config = config_from_json(json.dumps(values))
    except ValueError:
        return
    assert config == config_from_json(json.dumps(values | {'name': config.name}))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'heads': {'hm': 2, 'forward': 4}}, 'no network can be built'),
        ({'heads': {'hm': 2, 'ltrb_amodal': 10**12}}, 'instead of'),
        ({'heads': {'hm': 2, 'ltrb_amodal': -1}}, 'no network can be built'),
        ({'backbone': 'resnet'}, "unknown backbone 'resnet'"),
        ({'input_width': 100}, 'multiple of 32'),
        ({'mean': [0.1, 0.2]}, 'mean is'),
        ({'class_names': [1, 2]}, 'class_names is'),
        ({'colour': 'blue'}, 'unknown setting'),
    ],
)
def test_impossible_configurations_are_refused(
    small_file: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / 'impossible.safetensors'
    tensors = load_checkpoint(small_file).state_dict()
    with safetensors.safe_open(small_file, framework='pt') as opened:
        config = json.loads(opened.metadata()[METADATA_KEY])
    path.write_bytes(safetensors.torch.save(tensors, {METADATA_KEY: json.dumps(config | change)}))
    with pytest.raises(ValueError, match=r'impossible\.safetensors: ') as caught:
        load_checkpoint(path)
    assert message in str(caught.value)


def test_loading_does_not_share_memory_with_the_file(small_file: Path) -> None:
    first, second = load_checkpoint(small_file), load_checkpoint(small_file)
    with torch.no_grad():
        first.get_parameter('hm.0.weight').zero_()
    assert np.abs(second.get_parameter('hm.0.weight').detach().numpy()).max() > 0


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        (b'version https://git-lfs.github.com/spec/v1\noid sha256:0d\n', 'git lfs pull'),
        (b'\n<!DOCTYPE html><html>Virus scan warning</html>', 'the file is a web page'),
        (b'<?xml version="1.0"?><Error/>', 'the file is an XML document'),
        (b'{"error": "not found"}', 'the file is a JSON text'),
        (b'\x1f\x8b\x08\x00', r'the file is an archive \(gzip\); unpack it'),
        (b'', 'the file is an empty file; fetch it again'),
    ],
)
@pytest.mark.parametrize('name', ['a.pth', 'a.safetensors'])
def test_a_download_of_another_file_type_is_reported(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(JtnError, match=rf'{name}: .*{expected}'):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ('content', 'expected'),
    [
        ({'model': {'a': torch.ones(1)}, 'epoch': 3}, r"'model', 'epoch' .* under model\. Save"),
        (
            {'ema': {'module': {'a': torch.ones(1)}}},
            r".* under ema\.module\. .*\['ema'\]\['module'\]",
        ),
        (
            {'ema': {'a': torch.ones(1)}, 'model': {'a': torch.ones(1)}},
            r".* under ema and under model\. Save .*\['ema'\], NEW",
        ),
    ],
)
def test_weights_inside_another_checkpoint_are_pointed_out(
    tmp_path: Path, content: object, expected: str
) -> None:
    torch.save(content, tmp_path / 'a.pth')
    with pytest.raises(JtnError, match=rf'a\.pth: the file contains {expected}'):
        load_checkpoint(tmp_path / 'a.pth')


@pytest.mark.parametrize('length', [0x227B, 0x0A7B, 0x088B1F])
def test_safetensors_whose_length_looks_like_another_kind_are_read(
    tmp_path: Path, length: int
) -> None:
    tensors = {'a': torch.ones(2)}
    header = safetensors.torch.save(tensors)
    size = int.from_bytes(header[:8], 'little')
    padded = header[8 : 8 + size] + b' ' * (length - size) + header[8 + size :]
    path = tmp_path / 'a.safetensors'
    path.write_bytes(length.to_bytes(8, 'little') + padded)
    assert read_tensors(path)[0]['a'].tolist() == [1, 1]
