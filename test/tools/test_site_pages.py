"""The documentation site builds: all links are valid, and all pages are in the navigation."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from places import ROOT

# What a page loads by itself; <a href> is for the reader to follow.
_LOADED = re.compile(
    r'<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)="((?:https?:)?//[^"]+)'
)


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('site')
    # Not --quiet: what MkDocs does not print does not fail a strict build either.
    done = subprocess.run(
        ['mkdocs', 'build', '--strict', '--site-dir', str(folder)],
        cwd=ROOT,
        env={**os.environ, 'NO_MKDOCS_2_WARNING': '1'},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


def exists(name: str) -> bool:
    """Return whether a dotted name is that of a module, or occurs in the module before it."""
    module, _, last = name.rpartition('.')
    path = ROOT / module.replace('.', '/')
    files = [file for file in (path / '__init__.py', path.with_suffix('.py')) if file.is_file()]
    if (path / last).is_dir() or (path / f'{last}.py').is_file():
        return True
    return any(re.search(rf'\b{last}\b', file.read_text('utf-8')) for file in files)


def test_every_document_becomes_a_page(site: Path) -> None:
    documents = {path.relative_to(ROOT / 'docs') for path in ROOT.glob('docs/**/*.md')}
    pages = {path.relative_to(site).with_suffix('.md') for path in site.glob('**/*.html')}
    assert documents <= pages
    assert '<h2 id="quick-start">' in (site / 'index.html').read_text('utf-8')  # of the README


def test_links_to_source_code_become_text(site: Path) -> None:
    assert '../test/' in (ROOT / 'docs' / 'training.md').read_text('utf-8')
    assert '../test/' not in (site / 'training.html').read_text('utf-8')


def test_the_names_in_the_documents_exist() -> None:
    documents = [ROOT / 'README.md', *ROOT.glob('docs/**/*.md')]
    named = {
        name
        for path in documents
        for name in re.findall(r'\bjtn_ros(?:\.\w+)+', path.read_text('utf-8'))
    }
    assert len(named) > 20
    assert [name for name in sorted(named) if not exists(name)] == []


def test_no_page_loads_anything_from_the_network(site: Path) -> None:
    for page in site.glob('**/*.html'):
        assert _LOADED.findall(page.read_text('utf-8')) == [], page.name
