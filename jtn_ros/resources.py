"""Where the files that come with the package are: in the source tree or in the ROS 2 install."""

import os
from pathlib import Path

from jtn_ros.errors import JtnError

PACKAGE = 'jtn_ros'


def resource_folder(relative: str | Path) -> Path:
    """Return a folder such as ``models`` or ``config/training``.

    The source tree comes first, so that a checkout uses its own files.

    Raises:
        JtnError: if the package is not installed completely.
    """
    source = Path(__file__).resolve().parent.parent
    prefixes = [
        Path(entry) for entry in os.environ.get('AMENT_PREFIX_PATH', '').split(':') if entry
    ]
    for root in (source, *(prefix / 'share' / PACKAGE for prefix in prefixes)):
        if (root / relative).is_dir():
            return root / relative
    raise JtnError(
        f'the folder {relative} of {PACKAGE} was found neither in {source} nor in '
        'AMENT_PREFIX_PATH; build the package with colcon and source its setup file'
    )
