"""Paths of the files of the package: in the source tree, the wheel or a ROS 2 installation."""

import os
from pathlib import Path

from jtn_ros.errors import JtnError

PACKAGE = 'jtn_ros'
_PACKAGE_FOLDER = Path(__file__).resolve().parent


def resource_folder(relative: str | Path) -> Path:
    """Return a folder such as ``models`` or ``config/training``.

    The source tree comes first, so that a checkout uses its own files.

    Raises:
        JtnError: if the package is not installed completely.
    """
    for root in (*_own_roots(), *(share / PACKAGE for share in _ament_shares())):
        if (root / relative).is_dir():
            return root / relative
    raise JtnError(
        f'the folder {relative} of {PACKAGE} was found neither in {_PACKAGE_FOLDER.parent} nor in '
        'AMENT_PREFIX_PATH; build the package with colcon and source its setup file'
    )


def find_checkpoint(name: str | Path) -> Path | None:
    """Return a checkpoint by its path or by the name of a bundled one; None if it is neither.

    A bundled one is also found by the name of its file, ``jtn_people.safetensors``.
    """
    file_name = f'{str(name).removesuffix(".safetensors")}.safetensors'
    candidates = (Path(name), resource_folder('models') / file_name)
    return next((path for path in candidates if path.is_file()), None)


def message_folders(package: str) -> list[Path]:
    """Return the folders with the .msg files of a ROS package, in order of preference.

    They are in this package, if it includes them, and in the sourced ROS 2 workspaces. The Python
    package of the messages, which also has a `msg` folder, may be next to this package.
    """
    folders = [root / package / 'msg' for root in (*_own_roots(), *_ament_shares())]
    return [folder for folder in folders if any(folder.glob('*.msg'))]


def _own_roots() -> tuple[Path, Path]:
    """Return the root of the source tree, and its counterpart in a wheel (see setup.py)."""
    return _PACKAGE_FOLDER.parent, _PACKAGE_FOLDER / 'share'


def _ament_shares() -> list[Path]:
    """Return the share folders of the ROS 2 workspaces that are sourced."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    return [Path(prefix) / 'share' for prefix in prefixes if prefix]
