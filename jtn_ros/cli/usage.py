"""Wrong usage that the parser cannot see."""


class UsageError(Exception):
    """Arguments that do not go together: exit code 2."""
