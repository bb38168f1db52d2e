"""Arguments of the command line that are made from settings."""

import argparse
from collections.abc import Sequence

from jtn_ros.inference.options import EngineOptions
from jtn_ros.settings import Setting
from jtn_ros.settings import settings_of


def add_setting_arguments(
    parser: argparse.ArgumentParser, kind: type, names: Sequence[str]
) -> None:
    """Declare an argument for each of the named settings; unset ones are None.

    Args:
        parser: of the verb.
        kind: class of the settings.
        names: of the settings, single strings and numbers.
    """
    known = {entry.name: entry for entry in settings_of(kind)}
    for name in names:
        entry = known[name]
        choices = choices_of(kind, name)
        parser.add_argument(
            f'--{name.replace("_", "-")}',
            type=str if choices else entry.kind,
            choices=choices or None,
            help=_help(entry),
        )


def add_backend_argument(parser: argparse.ArgumentParser) -> None:
    """Declare ``--backend`` for a verb that always selects a back end."""
    parser.add_argument(
        '--backend',
        default='auto',
        choices=choices_of(EngineOptions, 'backend'),
        help='inference back end (default: auto)',
    )


def choices_of(kind: type, name: str) -> list[str]:
    """Return what can be chosen for a setting, without the empty text that stands for no choice.

    Args:
        kind: class of the settings.
        name: of the setting.
    """
    (entry,) = (entry for entry in settings_of(kind) if entry.name == name)
    return [choice for choice in entry.choices if choice]


def _help(entry: Setting) -> str:
    """Return the description; empty and 0 are defaults that it explains."""
    text = entry.constraints.description.replace('%', '%%')
    return f'{text} (default: {entry.default})' if entry.default else text
