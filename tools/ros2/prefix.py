"""Turn the ROS 2 Jazzy inside the `isaacsim-ros2` wheel into an ordinary install prefix.

That wheel carries the libraries, the Python packages and the share folders of a real ROS 2, but
neither C headers nor scripts. The headers come from the open `ros-*` wheels, or are generated
here; the scripts follow from the packages' entry points. What results is sourced and built
against like /opt/ros/jazzy.

usage: python prefix.py WHEELS PREFIX    (in the environment's own Python)
"""

import json
import shutil
import sys
import tempfile
import zipfile
from configparser import ConfigParser
from pathlib import Path

BUNDLE = 'isaacsim/exts/isaacsim.ros2.core/jazzy/'
SITE_PACKAGES = 'lib/python3.12/site-packages'
PLACES = {'lib': 'lib', 'share': 'share', 'rclpy': SITE_PACKAGES}

# Message packages that jtn_msgs or the messages of the tests use, and for which no wheel that is
# fetched has headers.
WITHOUT_HEADERS = ('shape_msgs', 'unique_identifier_msgs', 'vision_msgs')

# Python needs the C introspection type support only. The generators for C++ and Rust and the
# static Fast DDS type supports want headers that no wheel carries, so they are switched off:
# CMake still finds the packages, but they no longer take part in building messages.
SWITCHED_OFF = (
    'rosidl_generator_cpp',
    'rosidl_generator_rs',
    'rosidl_typesupport_cpp',
    'rosidl_typesupport_fastrtps_c',
    'rosidl_typesupport_fastrtps_cpp',
    'rosidl_typesupport_introspection_cpp',
)
REGISTRIES = ('rosidl_generator_packages', 'rosidl_typesupport_c', 'rosidl_typesupport_cpp')

# CMake runs each generator as lib/<generator>/<generator>: the function behind it and its
# options besides --generator-arguments-file.
GENERATORS = {
    'rosidl_generator_c': 'generate_c(a.generator_arguments_file)',
    'rosidl_generator_type_description': 'generate_type_hash(a.generator_arguments_file)',
    'rosidl_typesupport_introspection_c': 'generate_c(a.generator_arguments_file)',
    'rosidl_typesupport_c': 'generate_c(a.generator_arguments_file, a.typesupports)',
    'rosidl_generator_py': (
        "generate_py(a.generator_arguments_file, a.typesupport_impls.split(';'))"
    ),
}
GENERATOR_SCRIPT = """#!/usr/bin/env python3
import argparse
from {package} import {function}
p = argparse.ArgumentParser()
p.add_argument('--generator-arguments-file')
p.add_argument('--typesupports', nargs='+')
p.add_argument('--typesupport-impls')
a = p.parse_args()
{call}
"""
ENTRY_POINT_SCRIPT = """#!/usr/bin/env python3
import sys
from {module} import {function}
sys.exit({function}())
"""

SETUP = """# The environment of the ROS 2 in this folder, to be sourced.
export JTN_STAND_IN_ROS2="{prefix}"
export ROS_DISTRO=jazzy ROS_VERSION=2 ROS_PYTHON_VERSION=3
export AMENT_PREFIX_PATH="{prefix}${{AMENT_PREFIX_PATH:+:$AMENT_PREFIX_PATH}}"
export CMAKE_PREFIX_PATH="{prefix}${{CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}}"
export LD_LIBRARY_PATH="{prefix}/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export PYTHONPATH="{prefix}/{site_packages}${{PYTHONPATH:+:$PYTHONPATH}}"
export PATH="{prefix}/bin:$PATH"
export RMW_IMPLEMENTATION="${{RMW_IMPLEMENTATION:-rmw_cyclonedds_cpp}}"
"""

FASTCDR = """set(fastcdr_FOUND TRUE)
if(NOT TARGET fastcdr)
  get_filename_component(_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
  add_library(fastcdr SHARED IMPORTED)
  set_target_properties(fastcdr PROPERTIES IMPORTED_LOCATION "${_prefix}/lib/libfastcdr.so")
endif()
"""


def main() -> None:
    """Make the prefix from the wheels in a folder."""
    wheels, prefix = (Path(argument).resolve() for argument in sys.argv[1:])
    unpack_bundle(next(wheels.glob('isaacsim_ros2-*.whl')), prefix)
    for wheel in sorted(wheels.glob('ros_*.whl')):
        unpack_headers(wheel, prefix)
    adapt_cmake(prefix)
    sys.path.insert(0, str(prefix / SITE_PACKAGES))
    for package in WITHOUT_HEADERS:
        generate_headers(package, prefix)
    write_scripts(prefix)
    add_launch_verb(prefix)
    for name in ('setup', 'local_setup'):  # colcon chains a prefix only if it finds both
        for shell in ('sh', 'bash', 'zsh'):
            text = SETUP.format(prefix=prefix, site_packages=SITE_PACKAGES)
            (prefix / f'{name}.{shell}').write_text(text)


def unpack(wheel: Path, place: str, prefix: Path, target: str) -> None:
    """Write what lies under a folder of a wheel to a folder of the prefix."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.filename.startswith(place) and not member.is_dir():
                path = prefix / target / member.filename[len(place) :]
                path.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as source, path.open('wb') as copy:
                    shutil.copyfileobj(source, copy)


def unpack_bundle(wheel: Path, prefix: Path) -> None:
    """Write the libraries, share folders and Python packages where an install has them."""
    for folder, target in PLACES.items():
        unpack(wheel, f'{BUNDLE}{folder}/', prefix, target)


def unpack_headers(wheel: Path, prefix: Path) -> None:
    """Write the C headers of a `ros-*` wheel to include/."""
    distribution = '-'.join(wheel.name.split('-')[:2])
    unpack(wheel, f'{distribution}.data/data/include/', prefix, 'include')


def adapt_cmake(prefix: Path) -> None:
    """Make the CMake packages of the wheel consistent with what is there."""
    share = prefix / 'share'
    for name in SWITCHED_OFF:
        (share / name / 'cmake' / f'{name}-extras.cmake').write_text('# switched off\n')
        for registry in REGISTRIES:
            (share / 'ament_index/resource_index' / registry / name).unlink(missing_ok=True)
    for package in share.iterdir():  # CMake targets name these folders, headers or not
        (prefix / 'include' / package.name).mkdir(parents=True, exist_ok=True)
    # Message packages look for Fast CDR even when its type support takes no part.
    config = prefix / 'lib/cmake/fastcdr/fastcdr-config.cmake'
    config.parent.mkdir(parents=True)
    config.write_text(FASTCDR)
    config.with_name('fastcdr-config-version.cmake').write_text(
        'set(PACKAGE_VERSION 2.2.7)\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n'
    )


def generate_headers(package: str, prefix: Path) -> None:
    """Generate the C headers of a message package from its .idl files."""
    from rosidl_pycommon import generate_files

    share, include = prefix / 'share' / package, prefix / 'include' / package / package
    idl_files = sorted(path.relative_to(share) for path in share.glob('*/*.idl'))
    for generator, headers in {
        'rosidl_generator_c': {
            'idl.h.em': '%s.h',
            'idl__functions.h.em': 'detail/%s__functions.h',
            'idl__struct.h.em': 'detail/%s__struct.h',
            'idl__type_support.h.em': 'detail/%s__type_support.h',
        },
        'rosidl_typesupport_introspection_c': {
            'idl__rosidl_typesupport_introspection_c.h.em': (
                'detail/%s__rosidl_typesupport_introspection_c.h'
            ),
        },
    }.items():
        templates = prefix / 'share' / generator / 'resource'
        with tempfile.NamedTemporaryFile('w', suffix='.json') as arguments:
            json.dump(
                {
                    'package_name': package,
                    'idl_tuples': [f'{share}:{path}' for path in idl_files],
                    'output_dir': str(include),
                    'template_dir': str(templates),
                    'ros_interface_dependencies': [],
                    'target_dependencies': [],
                },
                arguments,
            )
            arguments.flush()
            generate_files(arguments.name, headers)
        visibility = f'{generator}__visibility_control.h'
        text = (templates / f'{visibility}.in').read_text()
        text = text.replace('@PROJECT_NAME_UPPER@', package.upper())
        (include / 'msg' / visibility).write_text(text.replace('@PROJECT_NAME@', package))


def write_scripts(prefix: Path) -> None:
    """Write the scripts of the message generators and of the packages' entry points."""
    for package, call in GENERATORS.items():
        function = call.partition('(')[0]
        write_script(
            prefix / 'lib' / package / package,
            GENERATOR_SCRIPT.format(package=package, function=function, call=call),
        )
    for path in (prefix / SITE_PACKAGES).glob('*.egg-info/entry_points.txt'):
        entry_points = ConfigParser(delimiters=('=',))
        entry_points.optionxform = str  # type: ignore[assignment, method-assign]
        entry_points.read(path)
        if entry_points.has_section('console_scripts'):
            for name, target in entry_points['console_scripts'].items():
                module, function = target.split(':')
                text = ENTRY_POINT_SCRIPT.format(module=module, function=function)
                write_script(prefix / 'bin' / name, text)


def write_script(path: Path, text: str) -> None:
    """Write an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def add_launch_verb(prefix: Path) -> None:
    """Register `ros2 launch`, which the wheel lacks, as an extension of ros2cli."""
    site_packages = prefix / SITE_PACKAGES
    shutil.copy(Path(__file__).with_name('launch_verb.py'), site_packages / 'jtn_launch_verb.py')
    metadata = site_packages / 'jtn_launch_verb-1.dist-info'
    metadata.mkdir()
    (metadata / 'METADATA').write_text(
        'Metadata-Version: 2.1\nName: jtn-launch-verb\nVersion: 1\n'
    )
    (metadata / 'entry_points.txt').write_text(
        '[ros2cli.command]\nlaunch = jtn_launch_verb:LaunchCommand\n'
    )


if __name__ == '__main__':
    main()
