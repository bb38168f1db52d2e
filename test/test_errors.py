"""User errors are distinguished from bugs."""

import errno
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.errors import as_mistake
from jtn_ros.errors import describe_bug
from jtn_ros.inference.preprocess import letterbox_image


def raised[**Given](
    action: Callable[Given, object], *arguments: Given.args, **named: Given.kwargs
) -> Exception:
    """Return the exception that an action raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        action(*arguments, **named)
    return caught.value


def test_a_mistake_keeps_its_text_and_exit_code() -> None:
    for error, code in ((JtnError('no such thing'), 1), (UsageError('no such thing'), 2)):
        assert as_mistake(error) is error
        copy = as_mistake(pickle.loads(pickle.dumps(error)))
        assert copy is not None
        assert copy.exit_code == code
        assert str(error) == 'no such thing'


def test_errors_of_the_operating_system_are_user_errors_with_a_remedy(tmp_path: Path) -> None:
    missing, other = tmp_path / 'a.txt', tmp_path / 'b.txt'
    assert (
        str(as_mistake(raised(missing.read_text)))
        == f'{missing}: No such file or directory; check the path'
    )
    assert (
        str(as_mistake(raised(tmp_path.read_bytes)))
        == f'{tmp_path}: Is a directory; specify a file, not a folder'
    )
    assert str(as_mistake(raised(missing.rename, other))).startswith(
        f'{missing} -> {other}: No such file'
    )
    for hidden in ('/a/.walk.txt.part', '/a/.walk.txt.71.part', '/a/.walk.part.txt'):
        denied = PermissionError(errno.EACCES, 'Permission denied', hidden)
        assert str(as_mistake(denied)).startswith('/a/walk.txt: Permission denied; change its')
    full = OSError(errno.ENOSPC, 'No space left on device')
    assert str(as_mistake(full)) == (
        'No space left on device; free some space or choose another disk'
    )


def test_exhausted_memory_and_missing_packages_are_no_bugs() -> None:
    error = as_mistake(raised(np.empty, 2**50))
    assert str(error).startswith('the memory of this machine is exhausted (Unable to allocate')
    error = as_mistake(raised(__import__, 'no_such_package'))
    assert str(error) == 'the Python package no_such_package is missing; install it'
    assert as_mistake(raised(__import__, 'jtn_ros.no_such_room')) is None


@pytest.mark.parametrize(
    'error', [ValueError('x'), TypeError('x'), ImportError('x'), OSError('x'), KeyError('x')]
)
def test_everything_else_is_a_bug(error: Exception) -> None:
    assert as_mistake(error) is None
    assert describe_bug(error, 'report it') == (
        f'internal error: {type(error).__name__}: {error}; this is a bug in jtn_ros, report it'
    )


def test_a_bug_is_reported_with_the_place_in_this_package() -> None:
    text = describe_bug(
        raised(letterbox_image, np.zeros(3), 32, 32, 'fit'),  # type: ignore[arg-type]
        'report it',
    )
    assert text.startswith('internal error in inference/preprocess.py, line ')
    assert 'ValueError: the image is float64' in text
