"""Sequential reading of the records of an MCAP file, up to damaged data."""

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import IO

from jtn_ros.errors import packages_for

with packages_for('MCAP files need', 'mcap', 'zstandard', 'lz4'):
    import lz4.frame
    import zstandard
    from mcap.data_stream import ReadDataStream
    from mcap.opcode import Opcode
    from mcap.records import Channel
    from mcap.records import DataEnd
    from mcap.records import Message
    from mcap.records import Schema

type Record = Schema | Channel | Message | DataEnd

_MAGIC_SIZE = 8
_HEAD = struct.Struct('<BQ')
_CHUNK_HEAD = struct.Struct('<QQQI')


def read_records(file: IO[bytes]) -> Iterator[Record]:
    """Yield schemas, channels and messages, and the end of the data if the file is complete.

    The last chunk of a truncated recording is read as far as possible. Reading ends at the first
    invalid record.
    """
    file.seek(_MAGIC_SIZE)
    yield from _parse(file)


def _parse(file: IO[bytes]) -> Iterator[Record]:
    try:
        for opcode, body in _bodies(file):
            stream = ReadDataStream(BytesIO(body))
            if opcode == Opcode.CHUNK:
                yield from _parse(BytesIO(_decompress(body)))
            elif opcode == Opcode.SCHEMA:
                yield Schema.read(stream)
            elif opcode == Opcode.CHANNEL:
                yield Channel.read(stream)
            elif opcode == Opcode.MESSAGE:
                yield Message.read(stream, len(body))
            elif opcode == Opcode.DATA_END:
                yield DataEnd.read(stream)
                return
    except GeneratorExit:
        raise
    except Exception:  # mcap and the decompressors raise many types
        return


def _bodies(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield opcode and content of the records; a truncated chunk has its available data."""
    position = file.tell()
    size = file.seek(0, 2)
    file.seek(position)
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        opcode, length = _HEAD.unpack(head)
        body = file.read(min(length, size))
        if len(body) == length or opcode == Opcode.CHUNK:
            yield opcode, body
        if len(body) < length:
            return


def _decompress(chunk: bytes) -> bytes:
    """Return the records in a chunk, up to the end of its data."""
    stream = BytesIO(chunk)
    stream.seek(_CHUNK_HEAD.size)
    compression = ReadDataStream(stream).read_prefixed_string() if chunk else ''
    stream.seek(8, 1)
    data = stream.read()
    if compression == 'zstd':
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    if compression == 'lz4':
        return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data))
    return data
