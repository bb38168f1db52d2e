"""The size of a network's input as an argument."""

import argparse


def input_size(text: str) -> tuple[int, int]:
    """Return height and width of ``HxW``.

    Raises:
        ArgumentTypeError: if the text is not a size.
    """
    height, _, width = text.lower().partition('x')
    if not (height.isdecimal() and width.isdecimal()):
        raise argparse.ArgumentTypeError(f'{text!r} is not a size; write height x width: 544x960')
    return int(height), int(width)
