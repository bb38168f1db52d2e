"""Shared actions of the launch files: the launch file of the tracker, and RViz."""

import os
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from launch.actions import IncludeLaunchDescription
from launch.actions import SetEnvironmentVariable
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import Node as LaunchedNode

from jtn_ros.nodes.executables import LAUNCH_PID


def include_tracker(launch_folder: Path, arguments: Mapping[str, Any]) -> IncludeLaunchDescription:
    """Return the action that starts the tracker.

    Args:
        launch_folder: where ``tracker.launch.py`` is.
        arguments: of that launch file.
    """
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(launch_folder / 'tracker.launch.py')),
        launch_arguments=arguments.items(),
    )


def end_nodes_with_launch() -> SetEnvironmentVariable:
    """Return the action that lets the nodes started after it end when the launch does."""
    return SetEnvironmentVariable(LAUNCH_PID, str(os.getpid()))


def rviz_node(
    frame: str, remappings: Sequence[tuple[str, str]] = (), **arguments: Any
) -> LaunchedNode:
    """Return the action that shows the tracker in RViz.

    Args:
        frame: fixed frame; empty takes that of the positions or images.
        remappings: of the topics of the tracker.
        arguments: more parameters and arguments of the action: ``use_sim_time``, ``namespace``.
    """
    parameters = {'frame': frame, 'use_sim_time': arguments.pop('use_sim_time', False)}
    return LaunchedNode(
        package='jtn_ros',
        executable='show_in_rviz',
        parameters=[parameters],
        remappings=remappings,
        output='screen',
        **arguments,
    )
