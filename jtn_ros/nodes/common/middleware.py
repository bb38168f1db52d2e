"""The profiles in config/dds, with which middlewares do not lose large images."""

import os
from collections.abc import Mapping
from pathlib import Path
from shutil import disk_usage

from jtn_ros.resources import resource_folder

_CYCLONE_DDS = 'CYCLONEDDS_URI'
# Before Kilted, and since.
_FAST_DDS = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
_FAST_DDS_TRANSPORTS = 'FASTDDS_BUILTIN_TRANSPORTS'
# Each process uses 64 MB; a container may have only that amount in total.
_SHARED_MEMORY = Path('/dev/shm')
_ENOUGH_BYTES = 512 * 2**20
# What receivers of images of 1080p need.
_RECEIVE_BUFFER_BYTES = 4 * 2**20
_RECEIVE_BUFFER_LIMIT = Path('/proc/sys/net/core/rmem_max')


def profile_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that apply the profiles.

    Variables that are already set are not changed. Fast DDS keeps its default profile if there is
    little shared memory.
    """
    variables = {}
    if _CYCLONE_DDS not in environment:
        variables[_CYCLONE_DDS] = f'file://{_profile("cyclonedds.xml")}'
    chosen = any(name in environment for name in (*_FAST_DDS, _FAST_DDS_TRANSPORTS))
    if not chosen and _shared_memory_bytes() >= _ENOUGH_BYTES:
        variables |= dict.fromkeys(_FAST_DDS, str(_profile('fastdds.xml')))
    return variables


def loss_remedy(middleware: str) -> str:
    """Return the remedies for a middleware that loses large images, except those in effect.

    Args:
        middleware: its identifier, as in ``RMW_IMPLEMENTATION``.
    """
    steps = []
    if middleware == 'rmw_cyclonedds_cpp':
        uri = f'file://{_profile("cyclonedds.xml")}'
        if _receive_buffer_bytes() < _RECEIVE_BUFFER_BYTES:
            steps.append(f'run `sudo sysctl -w net.core.rmem_max={_RECEIVE_BUFFER_BYTES}`')
        if os.environ.get(_CYCLONE_DDS) != uri:
            steps.append(f'start this node with {_CYCLONE_DDS}={uri}')
    elif middleware.startswith('rmw_fastrtps'):
        steps.append(
            f'start the camera with {_FAST_DDS[0]}={_profile("fastdds.xml")} '
            f'(from Kilted on {_FAST_DDS[1]})'
        )
    elif middleware == 'rmw_zenoh_cpp':
        steps.append(
            'start the router, the camera and this node with '
            'ZENOH_CONFIG_OVERRIDE=transport/shared_memory/enabled=true'
        )
    steps.append('let this node read the camera itself (parameter source)')
    return ', or '.join((', and '.join(steps[:-1]), steps[-1])) if steps[:-1] else steps[-1]


def _profile(name: str) -> Path:
    return resource_folder('config/dds') / name


def _shared_memory_bytes() -> int:
    """Return the free shared memory; 0 where there is none."""
    return disk_usage(_SHARED_MEMORY).free if _SHARED_MEMORY.is_dir() else 0


def _receive_buffer_bytes() -> int:
    """Return the largest receive buffer that the kernel allows; 0 if it is unknown."""
    try:
        return int(_RECEIVE_BUFFER_LIMIT.read_text())
    except OSError:
        return 0
