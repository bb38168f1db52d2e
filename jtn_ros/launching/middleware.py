"""The launch argument `dds_profiles`: profiles with which large images are not lost."""

import os

from launch import LaunchContext
from launch.action import Action
from launch.actions import OpaqueFunction
from launch.actions import SetEnvironmentVariable

from jtn_ros.nodes.common.middleware import profile_variables


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
