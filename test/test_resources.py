"""Files of the package are found, and similar files are not."""

from pathlib import Path

import pytest

from jtn_ros import resources

from places import ROOT


def test_the_python_package_of_messages_is_not_taken_for_their_definitions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A merged installation has both packages in one folder, as Debian packages do."""
    site_packages, share = tmp_path / 'lib' / 'site-packages', tmp_path / 'share'
    for folder, name in ((site_packages, '_track.py'), (share, 'Track.msg')):
        (folder / 'some_msgs' / 'msg').mkdir(parents=True)
        (folder / 'some_msgs' / 'msg' / name).touch()
    monkeypatch.setattr(resources, '_PACKAGE_FOLDER', site_packages / 'jtn_ros')
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    assert resources.message_folders('some_msgs') == [share / 'some_msgs' / 'msg']


def test_a_bundled_checkpoint_is_found_by_its_name_and_a_file_by_its_path(tmp_path: Path) -> None:
    bundled = ROOT / 'models' / 'jtn_people.safetensors'
    assert resources.find_checkpoint('jtn_people') == bundled
    assert resources.find_checkpoint(Path('jtn_people.safetensors')) == bundled
    own = tmp_path / 'mine.pth'
    assert resources.find_checkpoint(own) is None
    own.touch()
    assert resources.find_checkpoint(own) == own
    assert resources.find_checkpoint('jtn_people.pth') is None
