"""Links between the documents lead somewhere."""

import re
from pathlib import Path

import pytest

from places import ROOT

DOCUMENTS = [ROOT / 'README.md', ROOT / 'models' / 'README.md', *sorted(ROOT.glob('docs/*.md'))]
_LINK = re.compile(r'\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)')


def anchors(document: Path) -> set[str]:
    """Return what GitHub makes of the headings."""
    headings = re.findall(r'^#+ (.*)$', document.read_text('utf-8'), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', text.lower()).replace(' ', '-') for text in headings}


@pytest.mark.parametrize('document', DOCUMENTS, ids=lambda path: path.stem)
def test_no_link_is_dead(document):
    dead = []
    for name, anchor in _LINK.findall(document.read_text('utf-8')):
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(f'{name}#{anchor}' if anchor else name)
    assert dead == []


def test_the_readme_leads_to_every_document():
    linked = {name for name, _ in _LINK.findall(DOCUMENTS[0].read_text('utf-8'))}
    assert {str(path.relative_to(ROOT)) for path in DOCUMENTS[1:]} <= linked
