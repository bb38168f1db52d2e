"""Reading of the metadata of exported models, without an ONNX library."""

from collections.abc import Iterator
from pathlib import Path

from jtn_ros.errors import JtnError
from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import ModelInfo

# Numbers of fields in ONNX's protocol buffers (onnx.proto).
_MODEL_METADATA = 14
_ENTRY_KEY = 1
_ENTRY_VALUE = 2


def read_model(path: Path) -> tuple[bytes, ModelInfo]:
    """Return the content of an exported ONNX file and its metadata.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not an ONNX file, incomplete, or not made by `jtn export`.
    """
    content = Path(path).read_bytes()
    try:
        entries = [dict(_fields(entry)) for entry in _values(content, _MODEL_METADATA)]
    except JtnError as error:
        raise JtnError(f'{path} is not an ONNX model, or incomplete: {error}') from error
    for entry in entries:
        if bytes(entry.get(_ENTRY_KEY, b'')) == METADATA_KEY.encode():
            text = bytes(entry.get(_ENTRY_VALUE, b'')).decode(errors='replace')
            try:
                return content, ModelInfo.from_json(text)
            except JtnError as error:
                raise JtnError(f'{path}: {error}') from error
    raise JtnError(f'{path} has no metadata of jtn_ros; create one with: jtn export')


def _values(message: bytes, wanted: int) -> list[memoryview]:
    return [value for number, value in _fields(memoryview(message)) if number == wanted]


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield number and content of every length-delimited field of a protocol buffer.

    Raises:
        JtnError: if the bytes are no protocol buffer.
    """
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == 0:
            _, position = _varint(message, position)
            continue
        if kind not in (1, 2, 5):
            raise JtnError(f'unknown wire type {kind} at byte {position}')
        size = 8 if kind == 1 else 4
        if kind == 2:
            size, position = _varint(message, position)
        if position + size > len(message):
            raise JtnError(f'{position + size - len(message)} bytes are missing at the end')
        if kind == 2:
            yield tag >> 3, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Return the number that starts at a position, and where the next field starts."""
    number = 0
    for index, byte in enumerate(message[position : position + 10]):
        number |= (byte & 127) << (7 * index)
        if byte < 128:
            return number, position + index + 1
    raise JtnError(f'no number at byte {position}')
