"""The published networks: recognition of a checkpoint by its keys and shapes.

JointTrackNet, CenterTrack (Zhou et al., ECCV 2020) and FairMOT (Zhang et al., IJCV 2021) are all
CenterNet's DLA-34 under the same parameter names. They differ in their stems and heads, which the
checkpoint shows, and in the preprocessing of images and the box coding, which are defined here.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from jtn_ros.class_names import COCO_CLASSES
from jtn_ros.errors import JtnError
from jtn_ros.network.network_config import NetworkConfig

KITTI_CLASSES = ('pedestrian', 'car', 'cyclist')

# The settings of CenterTrack's models, by number of classes.
BY_CLASSES: Mapping[int, Mapping[str, Any]] = {
    1: {'class_names': ('person',), 'input_height': 544, 'input_width': 960},
    3: {
        'class_names': KITTI_CLASSES,
        'input_height': 384,
        'input_width': 1280,
        'confident_score': 0.3,
    },
    80: {
        'class_names': COCO_CLASSES,
        'input_height': 512,
        'input_width': 512,
        'confident_score': 0.3,
    },
}
FAIRMOT: Mapping[str, Any] = {
    'embedding_head': 'id',
    'mean': (0.0, 0.0, 0.0),
    'std': (1.0, 1.0, 1.0),
    'rgb': True,
    'letterbox': 'fairmot',
    'top_k': 500,
    'input_height': 608,
    'input_width': 1088,
}


def recognize(state: Mapping[str, Tensor], name: str) -> NetworkConfig:
    """Return the configuration of a published network.

    The class names and the input size are those of the published model with the same number of
    classes; the file does not contain them.

    Args:
        state: the tensors of the checkpoint, without a `module.` prefix.
        name: name of the model.

    Raises:
        JtnError: if the tensors are not those of such a network.
    """
    heads = {
        key.removesuffix('.2.weight'): tensor.shape[0]
        for key, tensor in state.items()
        if key.count('.') == 2 and key.endswith('.2.weight') and tensor.ndim == 4
    }
    if 'hm' not in heads or 'base.base_layer.0.weight' not in state:
        some = ', '.join(list(state)[:3]) or 'nothing'
        raise JtnError(
            f'not a DLA-34 network of the CenterNet family: it contains {some}, but not both '
            'base.base_layer.0.weight and hm.2.weight'
        )
    hidden = state.get('hm.0.weight')
    classes = heads['hm']
    settings: dict[str, Any] = {
        'name': name,
        'heads': heads,
        'previous_image': 'base.pre_img_layer.0.weight' in state,
        'prior_heatmap': 'base.pre_hm_layer.0.weight' in state,
        'embedding_head': 'embedding' if 'embedding' in heads else '',
        'box_coding': _box_coding(heads),
        'class_names': tuple(f'class_{index}' for index in range(classes)),
    }
    if hidden is not None and hidden.ndim == 4:
        settings['head_channels'] = hidden.shape[0]
    settings |= BY_CLASSES.get(classes, {})
    if 'id' in heads:
        settings |= FAIRMOT
    return NetworkConfig(**settings)


def _box_coding(heads: Mapping[str, int]) -> str:
    """Return the box coding of the heads.

    Raises:
        JtnError: if the heads do not define boxes.
    """
    if 'ltrb_amodal' in heads:
        return 'ltrb_amodal'
    if 'reg' not in heads or heads.get('wh') not in (2, 4):
        raise JtnError(
            f'no heads for boxes: it has {", ".join(heads)}, but neither ltrb_amodal nor both '
            'reg and wh'
        )
    return 'center_ltrb' if heads['wh'] == 4 else 'center_size'
