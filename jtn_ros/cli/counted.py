"""Formatting of numbers with nouns."""


def counted(number: int, what: str) -> str:
    """Return a number with its noun: ``1 frame``, ``2 frames``.

    Args:
        number: how many there are.
        what: the noun in the singular, which takes an s.
    """
    return f'{number} {what}' if number == 1 else f'{number} {what}s'
