"""User errors, as distinct from bugs.

A `JtnError` describes in one line what is wrong with the input, the arguments or the machine, and
the remedy. Errors of the operating system, such as a full disk, are treated in the same way. Any
other exception that reaches the command line or a node is a bug in this package, and is reported
as such, including the `ValueError` or `TypeError` of a function with invalid arguments.
"""

import errno
import re
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb

from jtn_ros.installing import install_command
from jtn_ros.installing import is_known
from jtn_ros.masking import mask

_PACKAGE = Path(__file__).parent

_REMEDIES = {
    errno.ENOENT: 'check the path',
    errno.ENOTDIR: 'check the path',
    errno.EISDIR: 'specify a file, not a folder',
    errno.EEXIST: 'choose another name, or remove it',
    errno.ENOTEMPTY: 'empty it or choose another folder',
    errno.ENAMETOOLONG: 'choose a shorter name',
    errno.ELOOP: 'check its symbolic links',
    errno.EACCES: 'change its permissions or choose another location',
    errno.EPERM: 'change its permissions or choose another location',
    errno.EROFS: 'choose a writable folder',
    errno.ETXTBSY: 'wait until the other program is done with it',
    errno.EBUSY: 'wait until the other program is done with it',
    errno.ENOSPC: 'free some space or choose another disk',
    errno.EDQUOT: 'free some space or choose another disk',
    errno.EFBIG: 'choose another disk',
    errno.EIO: 'check the disk or the network behind it',
    errno.ESTALE: 'check the network behind it',
    errno.ENODEV: 'check that the device is connected',
    errno.ENXIO: 'check that the device is connected',
    errno.EMFILE: 'raise the limit of open files (ulimit -n)',
    errno.ENFILE: 'close other programs',
    errno.ENOMEM: 'close other programs',
}


class JtnError(ValueError):
    """A user error, or a limit of the machine: one line with the remedy.

    Attributes:
        exit_code: exit code of a command that ends with this error.
    """

    exit_code = 1


class UsageError(JtnError):
    """Arguments that are wrong or cannot be combined."""

    exit_code = 2


class MissingPackageError(JtnError):
    """A required Python package cannot be imported."""


@contextmanager
def packages_for(purpose: str, *modules: str) -> Iterator[None]:
    """Convert a failed import into an error that names the command to install the packages.

    Args:
        purpose: what needs the packages, such as 'videos need'.
        modules: top-level modules that are listed in `jtn_ros.installing`.

    Raises:
        MissingPackageError: if an import fails.
    """
    try:
        yield
    except ImportError as error:
        name = f'{error.name}'.partition('.')[0]
        absent = isinstance(error, ModuleNotFoundError) and name in modules
        why = '' if absent else f' ({one_line(error)})'
        raise MissingPackageError(
            f'{purpose} {" and ".join(modules)}{why}: {install_command(*modules)}'
        ) from error


def as_mistake(error: BaseException) -> JtnError | None:
    """Return the message of an exception for the user; None if it is a bug."""
    if isinstance(error, JtnError):
        return error
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        names = [_final(name) for name in (error.filename, error.filename2) if name is not None]
        where = f'{" -> ".join(names)}: ' if names else ''
        return JtnError(f'{where}{error.strerror}; {_REMEDIES[error.errno]}')
    if isinstance(error, ModuleNotFoundError) and not f'{error.name}.'.startswith('jtn_ros.'):
        return JtnError(_missing(f'{error.name}'.partition('.')[0]))
    if isinstance(error, MemoryError):
        what = f' ({one_line(error)})' if str(error) else ''
        return JtnError(f'the memory of this machine is exhausted{what}; close other programs')
    return None


def _final(name: object) -> str:
    """Return the final name of a file that is being written."""
    return re.sub(r'(^|/)\.([^/]+?)(\.\d+)?\.part(\.\w+)?$', r'\1\2\4', str(name))


def _missing(module: str) -> str:
    """Return the remedy for a top-level module that is not installed."""
    remedy = install_command(module) if is_known(module) else 'install it'
    return f'the Python package {module} is missing; {remedy}'


def describe_bug(error: BaseException, remedy: str) -> str:
    """Return the line that reports a bug.

    Args:
        error: the exception.
        remedy: how to see the traceback.
    """
    text = ': '.join(filter(None, (type(error).__name__, one_line(error))))
    return f'internal error{_place(error)}: {text}; this is a bug in jtn_ros, {remedy}'


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question that names the most similar candidate; empty if none is similar."""
    near = get_close_matches(name, known, n=1, cutoff=0.8)
    return f' (did you mean {near[0]}?)' if near else ''


def one_line(said: object) -> str:
    """Return the text of an error or a message on one line, in characters that ROS accepts.

    Secrets in addresses are masked.
    """
    return mask(' '.join(str(said).split()).encode(errors='backslashreplace').decode())


def _place(error: BaseException) -> str:
    """Return the innermost line of this package in the traceback of an exception."""
    frames = [
        frame
        for frame in extract_tb(error.__traceback__)
        if _PACKAGE in Path(frame.filename).parents
    ]
    if not frames:
        return ''
    return f' in {Path(frames[-1].filename).relative_to(_PACKAGE)}, line {frames[-1].lineno}'
