"""Settings that have another name in files of earlier versions."""

from collections.abc import Mapping
from typing import Any

_RENAMED = {'score_threshold': 'confident_score'}


def with_current_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a file under the names that they have now."""
    return {_RENAMED.get(name, name): value for name, value in values.items()}
