"""Shared code of all reports: rendering of templates, formatted scores, and output files."""

import json
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import NamedTuple

from jinja2 import Environment
from jinja2 import PackageLoader
from jinja2 import StrictUndefined
from markupsafe import Markup

from jtn_ros.errors import JtnError
from jtn_ros.files import written_atomically

_TEMPLATES = Environment(
    loader=PackageLoader('jtn_ros.evaluation.report'),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class Column(NamedTuple):
    """A score in a report: its name, its key in the data, and its meaning."""

    name: str
    key: str
    meaning: str
    fewer_is_better: bool = False


class Figure(NamedTuple):
    """A score as text, with its change from another run and the CSS class of that change."""

    text: str
    change: str = ''
    trend: str = ''


class Row(NamedTuple):
    """A row of a table: a figure for each column, and counts; totals are highlighted."""

    name: str
    figures: Sequence[Figure]
    counts: Sequence[str]
    total: bool = False


def render(template: str, **values: Any) -> Markup:
    """Return a rendered template; values are escaped, unless they are rendered themselves."""
    return Markup(_TEMPLATES.get_template(template).render(values))


def write_files(path: Path, html: str, values: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write ``path`` (.html) and its data as .json next to it; return both paths.

    Raises:
        OSError: if a file cannot be written.
    """
    data_path = path.with_suffix('.json')
    for file, text in ((path, html), (data_path, json.dumps(values, indent=1) + '\n')):
        with written_atomically(file) as temporary:
            temporary.write_text(text, encoding='utf-8')
    return path, data_path


def require_html(path: Path) -> None:
    """Reject the path of a report if it does not end with .html.

    Raises:
        JtnError: if the path does not end with .html.
    """
    if path.suffix != '.html':
        raise JtnError(f'{path}: a report is an .html file')
