"""The files that CONTRIBUTING.md refers to exist."""

import re

from places import ROOT


def test_every_file_named_is_there() -> None:
    text = (ROOT / 'CONTRIBUTING.md').read_text('utf-8')
    named = re.findall(r'`((?:jtn_ros|test|docs)/[^`<]*|setup\.py|pyproject\.toml)`', text)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists()] == []
