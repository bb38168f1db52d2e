"""The contents of an exported file; invalid files are never written."""

import collections
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from jtn_ros.cli.main import main
from jtn_ros.inference import export
from jtn_ros.inference import load_engine
from jtn_ros.inference.agreement import check_agreement
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.torch_engine import TorchEngine
from jtn_ros.network import JointTrackNet
from jtn_ros.network import NetworkConfig
from jtn_ros.network import load_checkpoint
from jtn_ros.network import save_checkpoint
from jtn_ros.network.peak_network import PeakNetwork

from inference.enliven import enliven


def test_the_graph_is_one_opset_20_file_without_dead_parts(light_model: Path) -> None:
    model = onnx.load(light_model)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [('', 20)]
    kinds = collections.Counter(node.op_type for node in model.graph.node)
    assert 'BatchNormalization' not in kinds
    assert kinds['MatMul'] + kinds['Gemm'] == 6  # three sparse heads, two products each
    names = [value.name for value in model.graph.input]
    assert names == ['images', 'previous_images', 'prior_heatmaps']
    assert [value.name for value in model.graph.output] == [
        'scores',
        'class_ids',
        'centers',
        'boxes',
        'displacements',
        'embeddings',
    ]
    for value in [*model.graph.input, *model.graph.output]:
        assert value.type.tensor_type.shape.dim[0].dim_param


def test_the_verb_exports_the_fairmot_kind_with_one_image_in_rgb(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(4)
    network = enliven(
        JointTrackNet(
            NetworkConfig(
                name='fairmot_like',
                backbone='light',
                heads={'hm': 1, 'wh': 4, 'id': 8, 'reg': 2},
                head_channels=16,
                previous_image=False,
                prior_heatmap=False,
                input_height=128,
                input_width=128,
                box_coding='center_ltrb',
                embedding_head='id',
                mean=(0.0, 0.0, 0.0),
                std=(1.0, 1.0, 1.0),
                rgb=True,
                letterbox='fairmot',
                top_k=20,
            )
        )
    )
    checkpoint, path = tmp_path / 'checkpoint.safetensors', tmp_path / 'fairmot_like.onnx'
    save_checkpoint(checkpoint, network)
    options = ['--input', '64x96', '--top-k', '15', '--precision', 'f16', '--name', 'other']
    assert main(['export', str(checkpoint), str(path), *options]) == 0
    assert 'other, 64x96, person, f16' in capsys.readouterr().out
    full = sum(parameter.numel() for parameter in network.parameters()) * 4
    assert path.stat().st_size < 0.6 * full
    engine = load_engine(path, 'openvino')
    info = engine.info
    assert (info.name, info.top_k, info.letterbox) == ('other', 15, 'fairmot')
    assert (info.previous_image, info.prior_heatmap, info.displacement) == (False, False, False)
    assert info.embedding_dim == 8
    inputs = random_inputs(info)
    assert set(inputs) == {'images'}
    peaks = engine.run(**inputs)
    same = load_checkpoint(checkpoint, input_height=64, input_width=96, top_k=15)
    check_agreement(TorchEngine(PeakNetwork(same), device='cpu').run(**inputs), peaks, 2e-2)
    middle = (peaks.boxes[..., :2] + peaks.boxes[..., 2:]) / 2
    np.testing.assert_allclose(peaks.centers, middle, atol=1e-4)
    with pytest.raises(ValueError, match='accepts no previous_images'):
        engine.run(inputs['images'], inputs['images'])


def test_red_and_blue_are_swapped_for_rgb_networks() -> None:
    config = NetworkConfig(backbone='light', rgb=True, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    module = PeakNetwork(JointTrackNet(config))
    image = torch.tensor([[[[255, 51, 0]]]], dtype=torch.uint8)
    np.testing.assert_allclose(module.normalize(image).flatten(), [0, 0.2, 1])


def test_a_file_that_differs_from_pytorch_never_appears(
    light_network: JointTrackNet,
    light_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def spoil(module: PeakNetwork, inputs: object) -> onnx.ModelProto:
        model = onnx.load(light_model)
        tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        bias = tensors['network.ltrb_amodal.2.bias']
        moved = onnx.numpy_helper.to_array(bias) + np.float32(0.25)
        bias.CopyFrom(onnx.numpy_helper.from_array(moved, bias.name))
        return model

    monkeypatch.setattr(export, '_trace', spoil)
    output = tmp_path / 'out' / 'model.onnx'
    with pytest.raises(ValueError, match='differs from PyTorch: boxes'):
        export.export_onnx(light_network, output)
    assert list(output.parent.iterdir()) == []


def test_more_peaks_than_cells_are_refused() -> None:
    config = NetworkConfig(backbone='light', input_height=32, input_width=32, top_k=65)
    with pytest.raises(ValueError, match='65 peaks do not fit an input of 32x32'):
        PeakNetwork(JointTrackNet(config))


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (['nowhere.pth', 'model.onnx'], 1, 'nowhere.pth'),
        (['nowhere.pth', 'model.onnx', '--input', 'big'], 2, "'big' is not a size"),
        (['nowhere.pth', 'model.plan'], 2, 'model.plan: the name of the output must end in .onnx'),
        (['nowhere.pth', 'model'], 2, 'model: the name of the output must end in .onnx'),
    ],
)
def test_wrong_requests_are_explained(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    try:
        assert main(['export', *arguments]) == code
    except SystemExit as stop:
        assert stop.code == code  # noqa: PT017
    assert message in capsys.readouterr().err
