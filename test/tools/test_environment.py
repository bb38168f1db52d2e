"""The setup detects stale, incomplete or damaged parts, and rebuilds only these."""

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from places import ROOT

TOOLS = ROOT / 'tools'
spec = importlib.util.spec_from_file_location('environment', TOOLS / 'environment.py')
assert spec is not None
assert spec.loader is not None
environment = importlib.util.module_from_spec(spec)
spec.loader.exec_module(environment)


class Workshop:
    """Makes a part of two files and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.made = 0
        self.fails = False
        self.part = environment.Part(folder, census=('lib',), make=self.make)

    def make(self, folder: Path) -> None:
        assert list(folder.iterdir()) == []
        self.made += 1
        (folder / 'lib').mkdir()
        (folder / 'lib/first.py').write_text('first')
        if self.fails:
            raise environment.SetupError('no network')
        (folder / 'lib/second').mkdir()


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / 'home' / 'part-1')


def test_part_is_made_once(workshop: Workshop) -> None:
    assert workshop.part.ensure() is True
    assert workshop.part.ensure() is False
    assert workshop.made == 1


def test_fresh_part_is_made_again(workshop: Workshop) -> None:
    workshop.part.ensure()
    assert workshop.part.ensure(fresh=True) is True
    assert workshop.made == 2


def test_interrupted_part_is_recreated(workshop: Workshop) -> None:
    workshop.fails = True
    with pytest.raises(environment.SetupError):
        workshop.part.ensure()
    assert not workshop.part.healthy
    workshop.fails = False
    workshop.part.ensure()
    assert workshop.part.healthy
    assert workshop.made == 2


@pytest.mark.parametrize(
    'damage',
    [
        pytest.param(lambda folder: shutil.rmtree(folder / 'lib/second'), id='folder gone'),
        pytest.param(lambda folder: (folder / 'lib/first.py').unlink(), id='file gone'),
        pytest.param(lambda folder: (folder / 'lib/first.py').write_text('fir'), id='file cut'),
        pytest.param(lambda folder: (folder / 'complete.json').unlink(), id='stamp gone'),
        pytest.param(lambda folder: (folder / 'complete.json').write_text('{"li'), id='stamp cut'),
        pytest.param(lambda folder: (folder / 'complete.json').write_text('[]'), id='stamp odd'),
        pytest.param(lambda folder: (folder / 'complete.json').write_text('{}'), id='stamp empty'),
    ],
)
def test_damaged_part_is_repaired(workshop: Workshop, damage: Callable[[Path], object]) -> None:
    workshop.part.ensure()
    damage(workshop.part.folder)
    assert not workshop.part.healthy
    assert workshop.part.ensure() is True
    assert (workshop.part.folder / 'lib/first.py').read_text() == 'first'
    assert workshop.part.healthy


def test_additions_leave_a_part_healthy(workshop: Workshop) -> None:
    workshop.part.ensure()
    (workshop.part.folder / 'lib/__pycache__').mkdir()
    (workshop.part.folder / 'lib/own_tool.py').write_text('installed by the user')
    assert workshop.part.healthy


def test_setups_at_the_same_time_make_a_part_once(tmp_path: Path) -> None:
    folder = tmp_path / 'part-1'
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.2)
        (folder / 'lib').mkdir()
        (folder / 'lib/file').touch()

    def ensure() -> None:
        environment.Part(folder, census=('lib',), make=make).ensure()

    threads = [threading.Thread(target=ensure) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [folder]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for a checkout with the real requirements and packages of two files."""
    root = tmp_path / 'check out'
    shutil.copytree(TOOLS, root / 'tools', ignore=shutil.ignore_patterns('__pycache__'))
    names = ('jtn_msgs/msg/A.msg', 'setup.py', 'setup.cfg', 'package.xml', 'launch/a.py')
    messages = [f'test/messages/{name}/package.xml' for name in ('bond', 'foxglove_msgs')]
    for name in (*names, *messages):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    monkeypatch.setattr(environment, 'CHECKOUT', root)
    monkeypatch.setattr(environment, 'TOOLS', root / 'tools')
    monkeypatch.setattr(environment, 'REQUIREMENTS', root / 'tools/requirements')
    monkeypatch.delenv('ROS_DISTRO', raising=False)
    return root


def folders(layer: str, home: Path) -> tuple[Path, Path, Path]:
    chosen = environment.Environment(layer, home=home)
    return chosen.venv.folder, chosen.ros2.folder, chosen.workspace


@pytest.mark.parametrize(
    ('file', 'layer', 'changed'),
    [
        ('tools/requirements/runtime.txt', 'runtime', (True, False, True)),
        ('tools/requirements/runtime.txt', 'dev', (True, False, True)),
        ('tools/requirements/dev.txt', 'runtime', (False, False, False)),
        ('tools/requirements/dev.txt', 'dev', (True, False, True)),
        ('tools/requirements/ros2.txt', 'runtime', (False, True, True)),
        ('tools/ros2/prefix.py', 'runtime', (False, True, True)),
        ('tools/run', 'runtime', (False, False, False)),
    ],
)
def test_key_follows_the_inputs(
    checkout: Path, tmp_path: Path, file: str, layer: str, changed: tuple[bool, bool, bool]
) -> None:
    before = folders(layer, tmp_path)
    with (checkout / file).open('a') as text:
        text.write('colour==1.0\n')
    after = folders(layer, tmp_path)
    assert tuple(a != b for a, b in zip(before, after, strict=True)) == changed


def test_checkouts_have_workspaces_of_their_own(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = folders('runtime', tmp_path)
    monkeypatch.setattr(environment, 'CHECKOUT', tmp_path / 'another')
    second = folders('runtime', tmp_path)
    assert first[:2] == second[:2]
    assert first[2] != second[2]


def test_auto_takes_dev_only_where_it_is_complete(checkout: Path, tmp_path: Path) -> None:
    home = tmp_path / 'home'
    dev, _, _ = folders('dev', home)
    for folder in ('bin', 'lib/python3.12/site-packages'):
        (dev / folder).mkdir(parents=True)
    (dev / 'bin/python').touch()
    assert folders('auto', home) == folders('runtime', home)
    environment.Environment('dev', home=home).venv._write_stamp()
    assert folders('auto', home) == folders('dev', home)


def mark_as_built(workspace: Path) -> None:
    for package, folder in environment.packages(tests=False).items():
        key = environment.package_key(folder)
        share = workspace / 'install' / package / 'share' / package
        share.mkdir(parents=True, exist_ok=True)
        (share / 'package.xml').touch()
        (workspace / f'{package}.built').write_text(key)


@pytest.mark.parametrize(
    ('file', 'rebuilt'),
    [
        ('jtn_msgs/msg/A.msg', ['jtn_msgs']),
        ('jtn_msgs/msg/B.msg', ['jtn_msgs']),
        ('setup.py', ['jtn_ros']),
        ('package.xml', ['jtn_ros']),
        ('launch/b.py', ['jtn_ros']),
        ('config/deep/b.yaml', ['jtn_ros']),
        ('launch/a.py', []),  # a link leads to it: an edit needs no build
        ('jtn_ros/new_module.py', []),
        ('launch/__pycache__/a.pyc', []),
    ],
)
def test_change_rebuilds_only_its_package(
    checkout: Path, tmp_path: Path, file: str, rebuilt: list[str]
) -> None:
    mark_as_built(tmp_path)
    packages = environment.packages(tests=False)
    assert environment.packages_to_build(tmp_path, packages) == {}
    (checkout / file).parent.mkdir(parents=True, exist_ok=True)
    (checkout / file).write_text('changed')
    assert list(environment.packages_to_build(tmp_path, packages)) == rebuilt


def test_missing_install_is_built_in_spite_of_its_stamp(checkout: Path, tmp_path: Path) -> None:
    mark_as_built(tmp_path)
    shutil.rmtree(tmp_path / 'install/jtn_msgs')
    packages = environment.packages(tests=False)
    assert list(environment.packages_to_build(tmp_path, packages)) == ['jtn_msgs']


def test_a_package_that_moved_is_noticed(tmp_path: Path) -> None:
    assert not environment.moved(tmp_path / 'a', tmp_path)
    (tmp_path / 'CMakeCache.txt').write_text(
        f'X:Y=1\nCMAKE_HOME_DIRECTORY:INTERNAL={tmp_path}/a\n'
    )
    assert not environment.moved(tmp_path / 'a', tmp_path)
    assert environment.moved(tmp_path / 'b', tmp_path)


def test_messages_for_tests_are_built_in_dev_where_ros2_lacks_them(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def built(layer: str) -> list[str]:
        return list(environment.Environment(layer, home=tmp_path).packages)

    assert built('dev') == ['bond', 'foxglove_msgs', 'jtn_msgs', 'jtn_ros']
    assert built('runtime') == ['jtn_msgs', 'jtn_ros']
    prefix = tmp_path / 'jazzy'
    (prefix / 'lib/python3.12/site-packages/rclpy').mkdir(parents=True)
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    monkeypatch.delenv('JTN_STAND_IN_ROS2', raising=False)
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(prefix))
    assert built('dev') == ['bond', 'foxglove_msgs', 'jtn_msgs', 'jtn_ros']
    (prefix / 'share/foxglove_msgs').mkdir(parents=True)
    assert built('dev') == ['bond', 'jtn_msgs', 'jtn_ros']


@pytest.mark.parametrize(
    ('variables', 'home'),
    [
        ({'HOME': '/home/a'}, '/home/a/.cache/jtn_ros'),
        ({'HOME': '/home/a', 'XDG_CACHE_HOME': '/fast'}, '/fast/jtn_ros'),
        ({'HOME': '/home/a', 'XDG_CACHE_HOME': '/fast', 'JTN_HOME': '/jtn'}, '/jtn'),
    ],
)
def test_home_folder(variables: dict[str, str], home: str) -> None:
    assert environment.home_folder(variables) == Path(home)


def test_lock_outlives_a_killed_setup(tmp_path: Path) -> None:
    """The pip of a killed setup is still writing: no other setup may start before it exits."""
    script = (
        'import pathlib, sys; sys.path.insert(0, sys.argv[1]); import environment as e\n'
        'with e.locked(pathlib.Path(sys.argv[2])):\n'
        '    e.run("bash", "-c", "touch $0.started; sleep 1; touch $0.ended", sys.argv[2])'
    )
    lock = tmp_path / 'lock'
    setup = subprocess.Popen([sys.executable, '-c', script, TOOLS, lock])
    while not Path(f'{lock}.started').exists():
        time.sleep(0.01)
    setup.kill()
    setup.wait()
    with environment.locked(lock):
        assert Path(f'{lock}.ended').exists()


@pytest.mark.parametrize('python', ['3.12', '3.13', '3.14'])
def test_sourced_ros2_is_used_with_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str
) -> None:
    (tmp_path / f'lib/python{python}/site-packages/rclpy').mkdir(parents=True)
    variables = {'ROS_DISTRO': 'lyrical', 'AMENT_PREFIX_PATH': f'/overlay:{tmp_path}'}
    assert environment.sourced_ros2(variables) == (str(tmp_path), python)
    assert environment.sourced_ros2({}) is None
    assert environment.sourced_ros2({**variables, 'JTN_STAND_IN_ROS2': '/own'}) is None
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv('JTN_STAND_IN_ROS2', raising=False)
    chosen = environment.Environment('runtime', home=tmp_path / 'home')
    assert (chosen.version, chosen.ros2) == (python, None)


def test_ros2_for_another_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'lib/python3.10/site-packages/rclpy').mkdir(parents=True)
    variables = {'ROS_DISTRO': 'humble', 'AMENT_PREFIX_PATH': str(tmp_path)}
    with pytest.raises(environment.SetupError, match=r'humble.*source Jazzy or a later'):
        environment.sourced_ros2(variables)


def test_environment_of_a_chosen_python_is_without_ros2(checkout: Path, tmp_path: Path) -> None:
    chosen = environment.Environment('runtime', home=tmp_path, python='3.14')
    assert (chosen.version, chosen.ros2, chosen.packages) == ('3.14', None, {})
    assert chosen.venv.folder != environment.Environment('runtime', home=tmp_path).venv.folder
    script = f'{chosen.activation({})}\necho "${{ROS_DISTRO-none}} $PYTHONPATH"; command -v jtn'
    sourced = os.environ | {'ROS_DISTRO': 'lyrical', 'PYTHONPATH': '/opt/ros/lyrical'}
    shown = subprocess.run(['bash', '-ec', script], capture_output=True, text=True, env=sourced)
    assert shown.stdout == f'none {checkout}\n{checkout}/tools/jtn\n'


def test_chosen_python_is_checked() -> None:
    assert environment.chosen_python({}) is None
    assert environment.chosen_python({'JTN_PYTHON': '3.14'}) == '3.14'
    with pytest.raises(environment.SetupError, match=r"'3\.11': set it to one of 3\.12, "):
        environment.chosen_python({'JTN_PYTHON': '3.11'})


def test_missing_python_is_explained_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, 'python_candidates', lambda version: iter(['/no/python']))
    with pytest.raises(environment.SetupError, match=r'uv python install 3\.14') as error:
        environment.find_python('3.14')
    assert '\n' not in str(error.value)


def test_python_of_the_environment_is_found() -> None:
    running = f'{sys.version_info[0]}.{sys.version_info[1]}'
    command = [environment.find_python(running), '-c', 'import sys; print(sys.version_info[:2])']
    shown = subprocess.run(command, capture_output=True, text=True).stdout
    assert shown == f'{sys.version_info[:2]}\n'


def test_activation_survives_odd_paths(checkout: Path, tmp_path: Path) -> None:
    home = tmp_path / "it's a home"
    chosen = environment.Environment('runtime', home=home)
    chosen.ros2.folder.mkdir(parents=True)
    (chosen.ros2.folder / 'setup.bash').write_text('export SOURCED=yes\n')
    script = f'{chosen.activation({})}\necho "$SOURCED $VIRTUAL_ENV"; echo "${{PATH%%:*}}"'
    shown = subprocess.run(['bash', '-ec', script], capture_output=True, text=True).stdout
    assert shown == f'yes {chosen.venv.folder}\n{chosen.venv.folder}/bin\n'


def test_active_environment_is_not_activated_again(checkout: Path, tmp_path: Path) -> None:
    chosen = environment.Environment('runtime', home=tmp_path)
    assert chosen.activation({'JTN_WORKSPACE': str(chosen.workspace)}) == ''


def test_failing_command_shows_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(environment.SetupError, match='failed'):
        environment.run(sys.executable, '-c', 'import sys; sys.exit("disk full")')
    assert 'disk full' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['runtime.txt', 'dev.txt', 'ros2.txt'])
def test_requirements_are_pinned(name: str) -> None:
    lines = (TOOLS / 'requirements' / name).read_text().splitlines()
    pins = [line.partition(';')[0] for line in lines if not line.startswith('#')]
    names = [pin.partition('==')[0] for pin in pins]
    assert {name for name in names if names.count(name) > 1} <= {'empy'}
    assert all(pin.count('==') == 1 for pin in pins)


def test_runtime_is_without_torch_and_has_one_opencv() -> None:
    names = {
        line.partition('==')[0]
        for line in (TOOLS / 'requirements/runtime.txt').read_text().splitlines()
    }
    assert {name for name in names if name.startswith('opencv')} == {'opencv-python-headless'}
    assert not names & {'torch', 'torchvision', 'triton'}


def test_folder_of_another_user_is_explained_in_one_line(tmp_path: Path) -> None:
    (tmp_path / 'file').touch()  # a folder that not even root can write to
    done = subprocess.run(
        [TOOLS / 'run', 'true'],
        env=os.environ | {'JTN_HOME': str(tmp_path / 'file')},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith('jtn_ros: ')
    assert str(tmp_path / 'file') in line
    assert 'set JTN_HOME to your own folder' in line


def test_run_without_a_command_explains_itself() -> None:
    result = subprocess.run([TOOLS / 'run'], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (2, 'usage: tools/run [--dev] COMMAND ...\n')


@pytest.mark.parametrize('code', [0, 3])
def test_run_passes_arguments_and_exit_code_on(code: int) -> None:
    if 'JTN_WORKSPACE' not in os.environ:
        pytest.skip('not in the environment that tools/run sets up')
    command = [str(TOOLS / 'run'), 'bash', '-c', 'echo "$0|$1"; exit $2', 'a b', "c'd", str(code)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (code, "a b|c'd\n")
