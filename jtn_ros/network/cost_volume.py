"""Motion features by comparison of the image and the previous image at small shifts.

A cost volume (PWC-Net, Sun et al., CVPR 2018, section 3) is a map of similarities with one channel
for each shift, which directly indicates the motion. A fine and a coarse one have a range of
`REACHES` cells at strides 4 and 8, which is 8 and 24 pixels of the network input.
"""

import math

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from jtn_ros.network.blocks import conv_bn_relu

REACHES = (2, 3)
MOTION_CHANNELS = (16, 24)
_FEATURES = (16, 24)
# Maximum number of columns of a block; larger blocks compare more columns out of reach.
_BLOCK = 16


class Motion(nn.Module):
    """Maps of motion at strides 4 and 8, with `MOTION_CHANNELS` channels."""

    def __init__(self) -> None:
        """Build the layers; both images share the feature extractor."""
        super().__init__()
        self.first = conv_bn_relu(3, 16, 3, 2)
        self.encode = nn.ModuleList([conv_bn_relu(16, 24, 3, 2), conv_bn_relu(24, 32, 3, 2)])
        self.features = nn.ModuleList(
            nn.Conv2d(width, channels, 1)
            for width, channels in zip((24, 32), _FEATURES, strict=True)
        )
        self.read = nn.ModuleList(
            conv_bn_relu((2 * reach + 1) ** 2, channels, 3)
            for reach, channels in zip(REACHES, MOTION_CHANNELS, strict=True)
        )

    def forward(self, image: Tensor, previous_image: Tensor) -> list[Tensor]:
        """Return the maps at strides 4 and 8; the images are normalized (B, 3, H, W)."""
        now, before = self._describe(image), self._describe(previous_image)
        return [
            read(similarities(new, old, reach))
            for read, new, old, reach in zip(self.read, now, before, REACHES, strict=True)
        ]

    def _describe(self, image: Tensor) -> list[Tensor]:
        """Return features of length 1 at strides 4 and 8."""
        x, described = self.first(image), []
        for encode, features in zip(self.encode, self.features, strict=True):
            x = encode(x)
            described.append(functional.normalize(features(x), dim=1))
        return described


def similarities(now: Tensor, before: Tensor, reach: int) -> Tensor:
    """Return the similarities of features and those of the previous image at every shift.

    Matrix products compare blocks of columns with all columns in their reach; of each product,
    the diagonals within reach remain. This is faster than one product of maps for each shift.

    Args:
        now: features (B, C, h, w).
        before: features of the previous image, of the same shape.
        reach: largest shift in cells, in each direction.

    Returns:
        (B, (2 reach + 1)^2, h, w), dot products, row by row of shifts; 0 outside the image.
    """
    height, width = now.shape[2:]
    block, side = math.gcd(width, _BLOCK), 2 * reach + 1
    padded = functional.pad(before, (reach,) * 4)
    columns = now.unflatten(3, (-1, block)).permute(0, 2, 3, 4, 1)
    windows = torch.stack(
        [padded[..., x : x + block + 2 * reach] for x in range(0, width, block)], 1
    ).permute(0, 3, 1, 2, 4)
    bands = []
    for dy in range(side):
        products = columns @ windows[:, dy : dy + height]
        # With rows that are longer by one, the diagonals become columns.
        flat = functional.pad(products.flatten(3), (0, block))
        bands.append(flat.unflatten(3, (block, -1))[..., :side])
    return torch.cat(bands, 4).flatten(2, 3).permute(0, 3, 1, 2)
