"""Add the documents outside docs/ to the site, and remove the links to files outside it.

The documents are also read in the repository, so their links are relative to the file that
contains them, and some lead to source code. MkDocs calls these functions while it builds the site.
"""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    'index.md': ROOT / 'README.md',
    'model_card.md': ROOT / 'models' / 'README.md',
    'changelog.md': ROOT / 'CHANGELOG.md',
    'contributing.md': ROOT / 'CONTRIBUTING.md',
    'quality_declaration.md': ROOT / 'QUALITY_DECLARATION.md',
    'security.md': ROOT / 'SECURITY.md',
}
_LINK = re.compile(r'!?\[(?P<text>[^\]]*)\]\((?!\w+:)(?P<target>[^)#\s]+)(?P<anchor>#[^)]*)?\)')


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the documents that are not in docs/."""
    for name, source in PAGES.items():
        files.append(File.generated(config, name, abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page with links for the site. Broken links remain, so that MkDocs reports them."""
    uris = {Path(file.abs_src_path): file.src_uri for file in files if file.abs_src_path}
    source = Path(str(page.file.abs_src_path))
    folder = posixpath.dirname(page.file.src_uri)

    def mended(link: re.Match[str]) -> str:
        target = (source.parent / link['target']).resolve()
        if target in uris:
            uri = posixpath.relpath(uris[target], folder or '.')
            return link[0].replace(f']({link["target"]}', f']({uri}')
        return link['text'] if target.exists() else link[0]

    return _LINK.sub(mended, markdown)
