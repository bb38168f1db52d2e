"""What launch files around the tracker have in common: its launch file, and arguments as data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launch.actions import DeclareLaunchArgument
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource


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


def declare_arguments(
    arguments: Mapping[str, tuple[str | None, str]],
) -> list[DeclareLaunchArgument]:
    """Return the declarations of arguments given by name as default, or None, and description."""
    return [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in arguments.items()
    ]
