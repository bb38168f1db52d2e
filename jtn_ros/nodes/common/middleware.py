"""What middlewares need so that no large image is lost: the profiles in config/dds."""

from collections.abc import Mapping
from pathlib import Path
from shutil import disk_usage

from jtn_ros.resources import resource_folder

_CYCLONE_DDS = 'CYCLONEDDS_URI'
# Before Kilted, and since.
_FAST_DDS = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
_FAST_DDS_TRANSPORTS = 'FASTDDS_BUILTIN_TRANSPORTS'
# Each process takes 64 MB of it; a container may have no more than that in all.
_SHARED_MEMORY = Path('/dev/shm')
_ENOUGH_BYTES = 512 * 2**20


def profile_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that apply the profiles.

    What the environment says already is left. Fast DDS keeps its own profile where there is
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
    """Return what to do where a middleware loses large images.

    Args:
        middleware: its identifier, as in ``RMW_IMPLEMENTATION``.
    """
    if middleware == 'rmw_cyclonedds_cpp':
        return (
            'run `sudo sysctl -w net.core.rmem_max=4194304`, and start this node with '
            f'{_CYCLONE_DDS}=file://{_profile("cyclonedds.xml")}'
        )
    if middleware.startswith('rmw_fastrtps'):
        return (
            f'start the camera with {_FAST_DDS[0]}={_profile("fastdds.xml")} '
            f'(from Kilted on {_FAST_DDS[1]})'
        )
    if middleware == 'rmw_zenoh_cpp':
        return (
            'start the router, the camera and this node with '
            'ZENOH_CONFIG_OVERRIDE=transport/shared_memory/enabled=true'
        )
    return 'let it get large messages through'


def _profile(name: str) -> Path:
    return resource_folder('config/dds') / name


def _shared_memory_bytes() -> int:
    """Return the free shared memory; 0 where there is none."""
    return disk_usage(_SHARED_MEMORY).free if _SHARED_MEMORY.is_dir() else 0
