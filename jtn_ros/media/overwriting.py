"""Checks that outputs do not replace inputs or the results of other inputs."""

import json
from collections.abc import Iterable
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jtn_ros.datasets.sequence_images import IMAGE_EXTENSIONS
from jtn_ros.errors import UsageError
from jtn_ros.media.bag_paths import BAG_EXTENSIONS
from jtn_ros.media.video_formats import VIDEO_EXTENSIONS

# Suffixes of data that is read from folders; reports may be written into the same folders.
_DATA = (*BAG_EXTENSIONS, *IMAGE_EXTENSIONS, *VIDEO_EXTENSIONS, '.txt', '.ini', '.yaml')
# Key in the first line of results for their inputs and outputs.
RUN = 'run'


def protect_inputs(
    outputs: Iterable[str | Path | None], inputs: Iterable[str | Path | None]
) -> None:
    """Reject outputs that would replace an input.

    Args:
        outputs: files or folders that will be replaced if they exist; None is skipped.
        inputs: files, folders with data, or names that are neither; None is skipped.

    Raises:
        UsageError: if an output is an input, is data inside an input, or contains an input.
    """
    present = [path for given in inputs if given is not None and (path := Path(given)).exists()]
    for output in (Path(given) for given in outputs if given is not None):
        if not output.exists():
            continue
        for path in present:
            if output.samefile(path):
                raise UsageError(f'the output {output} is the input; choose another output')
            if _holds(path, output) and output.suffix.lower() in _DATA:
                raise UsageError(
                    f'the output {output} would replace a file of the input {path}; '
                    'choose another output'
                )
            if _holds(output, path):
                raise UsageError(f'the output {output} contains the input {path}; choose another')


def require_files(outputs: Iterable[Path | None]) -> None:
    """Reject folders instead of files that are written at the end of a long run.

    Raises:
        UsageError: if an output is a folder.
    """
    for output in outputs:
        if output is not None and output.is_dir():
            raise UsageError(f'the output {output} is a folder; specify the name of a file')


def require_folder(output: Path) -> None:
    """Reject a file instead of a folder for results.

    Raises:
        UsageError: if the output is not a folder.
    """
    if output.exists() and not output.is_dir():
        raise UsageError(f'the output {output} is a file; specify the name of a folder')


def claim_results(folder: Path, names: Sequence[str], inputs: Sequence[str]) -> dict[str, Any]:
    """Return the inputs and outputs for the key `RUN` in the first JSON line of results.

    Args:
        folder: folder of the results.
        names: names of the files that will be replaced, including the JSON lines.
        inputs: identifiers of the inputs, such as absolute paths.

    Raises:
        UsageError: if one of the files exists and is not a result of the same inputs.
    """
    (lines,) = (name for name in names if name.endswith('.jsonl'))
    before = _read_run(folder / lines)
    same = before['inputs'] == list(inputs)
    owned = before['outputs'] if same else []
    for name in names:
        if (folder / name).exists() and name not in owned:
            earlier = ' and '.join(before['inputs'])
            made = (
                f'was made from {earlier}'
                if earlier and not same
                else 'is not a result of this input'
            )
            raise UsageError(
                f'{folder / name} {made}; choose another --output, or remove the file'
            )
    return {'inputs': list(inputs), 'outputs': sorted({*owned, *names})}


def _read_run(lines: Path) -> dict[str, list[str]]:
    """Return the inputs and outputs recorded in JSON lines; empty if there are none."""
    try:
        with lines.open(encoding='utf-8') as file:
            run = json.loads(file.readline())[RUN]
        return {key: [str(item) for item in run[key]] for key in ('inputs', 'outputs')}
    except (OSError, ValueError, LookupError, TypeError):
        return {'inputs': [], 'outputs': []}


def _holds(folder: Path, path: Path) -> bool:
    return folder.is_dir() and folder.resolve() in path.resolve().parents
