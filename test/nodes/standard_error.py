"""Everything that the process logs."""

import os
import sys
from pathlib import Path


class StandardError:
    """Standard error of the process, written to a file from now on.

    Reading never takes anything away, so no line is lost that is written at the same moment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = os.dup(2)
        with path.open('wb') as file:
            os.dup2(file.fileno(), 2)

    @property
    def text(self) -> str:
        """Return what was written until now."""
        return self._path.read_text(encoding='utf-8', errors='replace')

    def close(self) -> None:
        """Give standard error back, and show it what was written."""
        os.dup2(self._before, 2)
        os.close(self._before)
        sys.stderr.write(self.text)
