"""What all reports share: the page around their sections, and the two files."""

import json
from collections.abc import Mapping
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from jtn_ros.errors import JtnError
from jtn_ros.evaluation.report.style import CSS
from jtn_ros.files import written_atomically


def write_files(path: Path, html: str, values: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write ``path`` (.html) and beside it its data as .json; return both paths.

    Raises:
        OSError: if a file cannot be written.
    """
    data_path = path.with_suffix('.json')
    for file, text in ((path, html), (data_path, json.dumps(values, indent=1) + '\n')):
        with written_atomically(file) as temporary:
            temporary.write_text(text, encoding='utf-8')
    return path, data_path


def require_html(path: Path) -> None:
    """Refuse a path for a report that does not end with .html.

    Raises:
        JtnError: if it does not.
    """
    if path.suffix != '.html':
        raise JtnError(f'{path}: a report is an .html file')


def document(title: str, subtitle: str, sections: Sequence[str]) -> str:
    """Return a whole page; the title is text, the rest HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(title)}</title><style>{CSS}</style></head><body><main>'
        f'<h1>{escape(title)}</h1><p class="soft">{subtitle}</p>{"".join(sections)}'
        '</main></body></html>\n'
    )


def tiles(entries: Sequence[tuple[str, str, str]]) -> str:
    """Return large figures: name, meaning and the figure as HTML."""
    parts = [
        f'<div class="tile" title="{meaning}"><span>{name}</span>{figure}</div>'
        for name, meaning, figure in entries
    ]
    return f'<div class="tiles">{"".join(parts)}</div>'


def parameter_list(parameters: Mapping[str, Any]) -> str:
    """Return parameters by name; those that are empty are left out."""
    rows = ''.join(
        f'<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>'
        for name, value in parameters.items()
        if value != ''
    )
    return f'<div class="card"><dl class="keys">{rows}</dl></div>'
