"""The recordings of an archive, and the folders of their results."""

import os
from pathlib import Path

import pytest

from jtn_ros.errors import JtnError
from jtn_ros.media.recordings import find_places
from jtn_ros.media.recordings import find_recordings
from jtn_ros.media.recordings import fingerprint


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b'x')


def test_recordings_of_each_kind_are_found_in_folders(tmp_path: Path) -> None:
    write(
        tmp_path,
        'clip.MP4',
        'notes.txt',
        '.hidden.mp4',
        '.trash/old.mp4',
        'drive/metadata.yaml',
        'drive/drive_0.mcap',
        'parts/ride_0.mcap',
        'parts/ride_1.mcap',
        'many/a.mcap',
        'many/b.db3',
        'images/1.png',
        'images/deeper/clip.mp4',
        'sequences/one/seqinfo.ini',
        'sequences/two/img1/000001.jpg',
        'results/clip.webm',
    )
    (tmp_path / 'again').symlink_to(tmp_path)
    (tmp_path / 'lost.mp4').symlink_to(tmp_path / 'unplugged' / 'disk.mp4')
    found = find_recordings([tmp_path], leave_out=tmp_path / 'results')
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        'clip.MP4',
        'drive',
        'images',
        'lost.mp4',
        'many/a.mcap',
        'many/b.db3',
        'parts',
        'sequences/one',
        'sequences/two',
    ]


def test_a_pattern_may_go_deep_and_nothing_is_taken_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, 'a/x/1.mp4', 'a/2.mp4', 'b[1].mp4')
    monkeypatch.chdir(tmp_path)
    found = find_recordings(['**/*.mp4', 'a', 'b[1].mp4'])
    assert found == [tmp_path / 'a/2.mp4', tmp_path / 'a/x/1.mp4', tmp_path / 'b[1].mp4']
    with pytest.raises(JtnError, match=r'\*\.avi matches nothing'):
        find_recordings(['*.avi'])
    with pytest.raises(JtnError, match=r'c\.mp4 does not exist'):
        find_recordings(['c.mp4'])


def test_places_mirror_the_archive_and_keep_names_apart(tmp_path: Path) -> None:
    write(tmp_path, 'a/clip.mp4', 'a/clip.avi', 'a/b/clip.mp4', 'a/Other.mp4', 'a/other/1.png')
    paths = find_recordings([tmp_path])
    places = find_places(paths, {})
    assert {str(path.relative_to(tmp_path)): place for path, place in places.items()} == {
        'a/Other.mp4': 'Other.mp4',  # some file systems do not tell them apart
        'a/b/clip.mp4': 'b',
        'a/clip.avi': 'clip.avi',
        'a/clip.mp4': 'clip.mp4',
        'a/other': 'other',
    }
    # Existing folders are kept, and new recordings get other folders.
    clip = tmp_path / 'a' / 'clip.mp4'
    again = find_places(paths, {clip: '.'})
    assert (again[clip], again[tmp_path / 'a' / 'clip.avi']) == ('.', 'clip.avi')


def test_a_fingerprint_changes_with_the_input(tmp_path: Path) -> None:
    write(tmp_path, 'walk/img1/1.png', 'walk/seqinfo.ini')
    before = fingerprint(tmp_path / 'walk')
    assert fingerprint(tmp_path / 'walk') == before
    os.utime(tmp_path / 'walk' / 'img1' / '1.png', (5, 5))
    touched = fingerprint(tmp_path / 'walk')
    write(tmp_path, 'walk/img1/2.png')
    added = fingerprint(tmp_path / 'walk')
    link = tmp_path / 'walk' / 'img1' / '3.png'
    link.symlink_to(tmp_path / 'nowhere.png')
    lost = fingerprint(tmp_path / 'walk')
    Path(os.fsdecode(os.fsencode(tmp_path / 'walk') + b'/\xff.png')).touch()
    assert len({before, touched, added, lost, fingerprint(tmp_path / 'walk')}) == 5
