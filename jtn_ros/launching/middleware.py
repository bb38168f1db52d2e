"""The launch argument that lets the middleware get large images through."""

import os

from launch import LaunchContext
from launch.action import Action
from launch.actions import OpaqueFunction
from launch.actions import SetEnvironmentVariable

from jtn_ros.nodes.common.middleware import profile_variables

# By name, default and description; see `jtn_ros.launching.tracker.declare_arguments`.
DDS_PROFILES = {
    'dds_profiles': (
        'true',
        'Run the nodes with the profiles in config/dds, with which CycloneDDS and Fast DDS lose '
        'fewer large images, unless CYCLONEDDS_URI or FASTRTPS_DEFAULT_PROFILES_FILE is set.',
    ),
}


def apply_dds_profiles() -> OpaqueFunction:
    """Return the action that applies the profiles to the nodes started after it, if wanted."""
    return OpaqueFunction(function=_apply)


def _apply(context: LaunchContext) -> list[Action]:
    if context.launch_configurations['dds_profiles'] != 'true':
        return []
    return [
        SetEnvironmentVariable(name, value)
        for name, value in profile_variables(os.environ).items()
    ]
