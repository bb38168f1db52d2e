"""Common fixtures of the command-line tests."""

from pathlib import Path

import pytest

from nodes.block_model import write_block_model


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds white blocks on black ground."""
    path = tmp_path_factory.mktemp('model') / 'blocks.onnx'
    write_block_model(path)
    return path
