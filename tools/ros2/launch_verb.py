"""The `ros2 launch` command, for a ROS 2 that comes without the ros2launch package."""

import argparse
import os
import sys
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch import LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import AnyLaunchDescriptionSource
from ros2cli.command import CommandExtension


def find_launch_file(package: str, name: str) -> str:
    """Return the path of a launch file anywhere in a package's share folder."""
    share = get_package_share_directory(package)
    for folder, _, files in os.walk(share):
        if name in files:
            return os.path.join(folder, name)
    raise SystemExit(f"file '{name}' was not found in the share folder of '{package}': {share}")


def print_arguments(source: AnyLaunchDescriptionSource, service: LaunchService) -> None:
    """Print the arguments that a launch file declares."""
    print("Arguments (pass arguments as '<name>:=<value>'):\n")
    for argument in source.get_launch_description(service.context).get_launch_arguments():
        default = ''.join(part.describe() for part in argument.default_value or [])
        print(f"    '{argument.name}':\n        {argument.description}")
        print(f'        (default: {default})\n' if default else '')


class LaunchCommand(CommandExtension):
    """Run a launch file."""

    def add_arguments(self, parser: argparse.ArgumentParser, cli_name: str) -> None:
        """Declare the options that people use of the original."""
        parser.add_argument('-s', '--show-args', action='store_true', help='show its arguments')
        parser.add_argument('-d', '--debug', action='store_true', help='log what launch does')
        parser.add_argument(
            '-n', '--noninteractive', action='store_true', help='run without a terminal'
        )
        parser.add_argument('package_or_path', help='package, or path of a launch file')
        parser.add_argument('rest', nargs='*', metavar='file name:=value')

    def main(self, *, parser: argparse.ArgumentParser, args: argparse.Namespace) -> int:
        """Run the launch file and return its exit code."""
        rest = list(args.rest)
        path = args.package_or_path
        if not Path(path).is_file():
            if not rest:
                parser.error(f"'{path}' is no file; after a package, name a launch file")
            path = find_launch_file(path, rest.pop(0))
        malformed = [argument for argument in rest if ':=' not in argument]
        if malformed:
            parser.error(f"'{malformed[0]}' is not of the form name:=value")

        source = AnyLaunchDescriptionSource(path)
        service = LaunchService(
            argv=rest,
            debug=args.debug,
            noninteractive=args.noninteractive or not sys.stdin.isatty(),
        )
        if args.show_args:
            print_arguments(source, service)
            return 0
        arguments = [tuple(argument.split(':=', 1)) for argument in rest]
        include = IncludeLaunchDescription(source, launch_arguments=arguments)
        service.include_launch_description(LaunchDescription([include]))
        return int(service.run())
