"""Masking of secrets in addresses before they are printed, logged or written."""

import re

_HIDDEN = '***'
# A path may have lost a slash. A password may contain any character, so everything up to the last
# @ of a word is assumed to be one.
_ADDRESS = re.compile(
    r'(?P<scheme>\b[a-zA-Z][a-zA-Z0-9+.-]*:/{1,2})(?:\S*@)?(?P<place>[^\s?]*)'
    r'(?P<query>\?[^\s;,)\'"]+)?'
)


def mask(text: str) -> str:
    """Return a text with the users, passwords and queries of addresses masked.

    ``rtsp://admin:secret@10.0.0.5/live?token=1`` becomes ``rtsp://***@10.0.0.5/live?***``.
    """
    return _ADDRESS.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    scheme, place, query = match.group('scheme', 'place', 'query')
    has_user = match.end('scheme') < match.start('place')
    return f'{scheme}{_HIDDEN + "@" if has_user else ""}{place}{"?" + _HIDDEN if query else ""}'
