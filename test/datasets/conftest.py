"""Small datasets in the exact layouts of the benchmarks."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


def write_image(path: Path, width: int = 64, height: int = 48) -> None:
    """Write a flat image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))


@pytest.fixture
def write_sequence(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a MOTChallenge sequence with these ground-truth rows."""

    def write(
        name: str, rows: list[str], length: int = 4, digits: int = 6, images: int | None = None
    ) -> Path:
        folder = tmp_path / name
        for number in range(1, (length if images is None else images) + 1):
            write_image(folder / 'img1' / f'{number:0{digits}d}.jpg')
        (folder / 'gt').mkdir(parents=True, exist_ok=True)
        (folder / 'gt' / 'gt.txt').write_text('\n'.join(rows))
        (folder / 'seqinfo.ini').write_text(
            f'[Sequence]\nname={name}\nimDir=img1\nframeRate=20\nseqLength={length}\n'
            'imWidth=64\nimHeight=48\nimExt=.jpg\n'
        )
        return folder

    return write


@pytest.fixture
def write_crowdhuman(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes ``annotation_val.odgt`` and the images it names."""

    def write(lines: list[str], images: tuple[str, ...]) -> Path:
        for name in images:
            write_image(tmp_path / 'Images' / f'{name}.jpg')
        path = tmp_path / 'annotation_val.odgt'
        path.write_text('\n'.join(lines) + '\n')
        return path

    return write


@pytest.fixture
def write_coco(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes ``annotations/instances_val2017.json`` and its images."""

    def write(content: object, images: tuple[str, ...] = ()) -> Path:
        for name in images:
            write_image(tmp_path / 'val2017' / name)
        path = tmp_path / 'annotations' / 'instances_val2017.json'
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write
