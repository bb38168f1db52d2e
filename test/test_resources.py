"""Files that come with the package are found, and nothing that only looks like them."""

from pathlib import Path

import pytest

from jtn_ros import resources


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
