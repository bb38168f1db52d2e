"""Network cameras on loopback: MJPEG over HTTP; MJPEG, H.264 and H.265 over RTSP (RFC 2326)."""

import base64
import http.server
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 192
_BITS, _CELL = 16, 16
USER, PASSWORD = 'admin', 'secret'


def numbered(number: int) -> NDArray[np.uint8]:
    """Return an image that shows a number as a row of black and white cells."""
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for bit in range(_BITS):
        image[:_CELL, bit * _CELL : (bit + 1) * _CELL] = 255 * (number >> bit & 1)
    return image


def number_in(image: NDArray[np.uint8]) -> int:
    """Return the number that an image shows."""
    cells = image[4 : _CELL - 4, : _BITS * _CELL].reshape(-1, _BITS, _CELL, 3)
    return sum(int(cell > 127) << bit for bit, cell in enumerate(cells.mean(axis=(0, 2, 3))))


def encoder(
    codec: str, rate: float, width: int = WIDTH, height: int = HEIGHT
) -> av.VideoCodecContext:
    """Return an encoder of H.264 (libx264) or H.265 (libx265) that holds no image back."""
    context = av.CodecContext.create(codec, 'w')
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, 'yuv420p'
    context.time_base = Fraction(1, round(rate))
    context.framerate = Fraction(round(rate))
    context.gop_size = 25
    context.options = {'preset': 'ultrafast', 'tune': 'zerolatency', 'crf': '20'}
    if codec == 'libx265':  # it repeats its parameters only if it is told to, and talks
        context.options |= {'x265-params': 'repeat-headers=1:log-level=error'}
    return context


class Camera:
    """What the servers send: numbered images at a steady rate.

    Attributes:
        rate: images per second.
        taken: when each image was taken, in nanoseconds.
        draw: returns the image with a number.
        frozen: while it is set, nothing is sent, but connections stay open.
        gone: while it is set, connections are closed.
        held: delays an image, in seconds by its number: it is sent later than it was taken.
        connections: number of connections so far.
    """

    def __init__(self, rate: float = 50.0) -> None:
        self.rate = rate
        self.taken: dict[int, int] = {}
        self.draw: Callable[[int], NDArray[np.uint8]] = numbered
        self.frozen = threading.Event()
        self.gone = threading.Event()
        self.held: Callable[[int], float] = lambda _: 0.0
        self.connections = 0
        self.closing = threading.Event()
        self._began = time.monotonic()
        self._first = 0

    def set_rate(self, rate: float) -> None:
        """Go on at another rate."""
        now = time.monotonic()
        self._first += int((now - self._began) * self.rate) + 1
        self._began, self.rate = now, rate

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the images, from now on, as they are taken."""
        self.connections += 1
        number = self._first + int((time.monotonic() - self._began) * self.rate)
        while not self.closing.is_set() and not self.gone.is_set():
            number = max(number, self._first) + 1
            due = self._began + (number - self._first) / self.rate
            self.closing.wait(max(0.0, due - time.monotonic()))
            # The exact time, whatever this machine is busy with.
            self.taken[number] = time.time_ns() - round((time.monotonic() - due) * 1e9)
            if held := self.held(number):
                self.closing.wait(max(0.0, due + held - time.monotonic()))
            while self.frozen.is_set() and not self.gone.wait(0.01):
                pass
            yield number

    def jpegs(self) -> Iterator[tuple[int, bytes]]:
        """Yield the numbers and the images as JPEG."""
        for number in self.numbers():
            yield number, cv2.imencode('.jpg', self.draw(number))[1].tobytes()

    def encoded(self, codec: str) -> Iterator[tuple[int, bytes]]:
        """Yield the numbers and the packets of the images, with a key frame in 25."""
        stream = encoder(codec, self.rate)
        for number in self.numbers():
            frame = av.VideoFrame.from_ndarray(self.draw(number), format='bgr24')
            frame.pts = number
            yield number, b''.join(bytes(packet) for packet in stream.encode(frame))


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, camera: Camera, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(('127.0.0.1', 0), handler)
        self.camera = camera
        self.place = f'127.0.0.1:{self.server_address[1]}'
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self.camera.closing.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Say nothing of connections that are closed."""


class MjpegServer(_Server):
    """A camera over HTTP; only /live exists, and /private asks for the password."""

    def __init__(self, camera: Camera) -> None:
        super().__init__(camera, _MjpegHandler)
        self.url = f'http://{self.place}/live'


class _MjpegHandler(http.server.BaseHTTPRequestHandler):
    server: MjpegServer

    def do_GET(self) -> None:
        camera = self.server.camera
        if camera.gone.is_set():
            return
        if self.path == '/private' and not _knows_password(self.headers.get('Authorization')):
            self.send_response(401)
            self.send_header('WWW-Authenticate', 'Basic realm="camera"')
            self.end_headers()
            return
        if self.path == '/page':
            self.send_response(200)
            self.send_header('Content-Type', 'text/html')
            self.end_headers()
            self.wfile.write(b'<html>the settings of this camera</html>')
            return
        if self.path not in ('/live', '/private') and not self.path.startswith('/channel'):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=f')
        self.end_headers()
        with suppress(OSError):
            for _, data in camera.jpegs():
                head = f'--f\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n'
                self.wfile.write(head.encode() + data + b'\r\n')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class RtspServer(_Server):
    """A camera over RTSP with its own clock; only /live exists, and /private has a password."""

    payload_type, format = 26, 'a=rtpmap:26 JPEG/90000'
    udp = False

    def packets(self) -> Iterator[tuple[int, Iterable[tuple[bool, bytes]]]]:
        """Yield the numbers of the images and their payloads, the last one of each marked."""
        for number, data in self.camera.jpegs():
            yield number, _jpeg_payloads(data)

    def __init__(self, camera: Camera) -> None:
        super().__init__(camera, _RtspHandler)
        self.url = f'rtsp://{self.place}/live'


class H264Server(RtspServer):
    """A camera over RTSP that sends H.264 (RFC 6184)."""

    payload_type, format = 96, 'a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1'

    def packets(self) -> Iterator[tuple[int, Iterable[tuple[bool, bytes]]]]:
        """Yield the numbers of the images and their payloads, the last one of each marked."""
        for number, data in self.camera.encoded('libx264'):
            yield number, _h264_payloads(data)


class LoopServer(H264Server):
    """A camera that sends the same encoded images again and again, which costs hardly anything.

    The images show their number modulo that of the packets.
    """

    def __init__(self, camera: Camera, loop: Sequence[bytes]) -> None:
        """Send packets of H.264, the first of which is a key frame."""
        self._loop = loop
        super().__init__(camera)

    def packets(self) -> Iterator[tuple[int, Iterable[tuple[bool, bytes]]]]:
        """Yield the numbers of the images and their payloads, the last one of each marked."""
        begun = False
        for number in self.camera.numbers():
            begun = begun or number % len(self._loop) == 0
            if begun:
                yield number, _h264_payloads(self._loop[number % len(self._loop)])


class H264UdpServer(H264Server):
    """A camera that sends its packets by UDP and refuses to send them by TCP."""

    udp = True


class H265Server(RtspServer):
    """A camera over RTSP that sends H.265 (RFC 7798)."""

    payload_type, format = 96, 'a=rtpmap:96 H265/90000'

    def packets(self) -> Iterator[tuple[int, Iterable[tuple[bool, bytes]]]]:
        """Yield the numbers of the images and their payloads, the last one of each marked."""
        for number, data in self.camera.encoded('libx265'):
            yield number, _h265_payloads(data)


class _RtspHandler(socketserver.StreamRequestHandler):
    server: RtspServer

    def handle(self) -> None:
        while (request := self._request()) is not None:
            method, path, headers = request
            body = ''
            answers = {'CSeq': headers.get('cseq', '0'), 'Session': '1'}
            status = '200 OK'
            if path.endswith('/private') and not _knows_password(headers.get('authorization')):
                status, answers['WWW-Authenticate'] = '401 Unauthorized', 'Basic realm="camera"'
            elif '/live' not in path and '/private' not in path and '/channel' not in path:
                status = '404 Not Found'
            elif method == 'OPTIONS':
                answers['Public'] = 'OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN'
            elif method == 'DESCRIBE':
                body = 'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=live\r\nt=0 0\r\n'
                body += f'm=video 0 RTP/AVP {self.server.payload_type}\r\n{self.server.format}\r\n'
                body += f'a=framerate:{self.server.camera.rate}\r\n'
                answers['Content-Type'] = 'application/sdp'
                answers['Content-Length'] = str(len(body))
            elif method == 'SETUP' and self.server.udp and 'TCP' in headers['transport']:
                status = '461 Unsupported Transport'
            elif method == 'SETUP' and self.server.udp:
                answers['Transport'] = self._open_udp(headers['transport'])
            elif method == 'SETUP':
                answers['Transport'] = 'RTP/AVP/TCP;unicast;interleaved=0-1'
            lines = [f'RTSP/1.0 {status}', *(f'{key}: {text}' for key, text in answers.items())]
            self.wfile.write(('\r\n'.join(lines) + '\r\n\r\n' + body).encode())
            if method == 'PLAY':
                with suppress(OSError):
                    self._play()
                self.connection.shutdown(socket.SHUT_RDWR)
                return

    def _request(self) -> tuple[str, str, dict[str, str]] | None:
        lines = []
        while line := self.rfile.readline().strip():
            lines.append(line.decode())
        if not lines or self.server.camera.gone.is_set():
            return None
        method, url, _ = lines[0].split()
        headers = dict(line.split(': ', 1) for line in lines[1:])
        return method, url.rstrip('/'), {key.lower(): text for key, text in headers.items()}

    def _open_udp(self, wanted: str) -> str:
        """Take the port of the client; return the answer with that of the server."""
        match = re.search(r'client_port=(\d+)', wanted)
        assert match
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(('127.0.0.1', 0))
        self._udp.connect(('127.0.0.1', int(match[1])))
        port, own = int(match[1]), self._udp.getsockname()[1]
        return f'RTP/AVP;unicast;client_port={port}-{port + 1};server_port={own}-{own + 1}'

    def _play(self) -> None:
        sequence = 0
        kind = self.server.payload_type
        for number, payloads in self.server.packets():
            stamp = self.server.camera.taken[number] * 9 // 100_000 & 0xFFFFFFFF
            for last, payload in payloads:
                head = struct.pack('>BBHII', 0x80, kind | last << 7, sequence & 0xFFFF, stamp, 7)
                packet = head + payload
                if self.server.udp:
                    self._udp.send(packet)
                else:
                    self.wfile.write(b'$\0' + struct.pack('>H', len(packet)) + packet)
                sequence += 1


def _jpeg_payloads(data: bytes, size: int = 1200) -> Iterator[tuple[bool, bytes]]:
    """Yield the payloads of an image (RFC 2435), and whether each is the last one."""
    tables, position = b'', 2
    while True:  # through the segments, up to the scan
        marker, length = struct.unpack('>HH', data[position : position + 4])
        segment = data[position + 4 : position + 2 + length]
        position += 2 + length
        if marker == 0xFFDB:
            for start in range(0, len(segment), 65):
                tables += segment[start + 1 : start + 65]
        if marker == 0xFFDA:
            break
    scan = data[position:-2]
    for offset in range(0, len(scan), size):
        head = struct.pack('>II', offset, 1 << 24 | 255 << 16 | WIDTH // 8 << 8 | HEIGHT // 8)
        if offset == 0:
            head += struct.pack('>HH', 0, len(tables)) + tables
        yield offset + size >= len(scan), head + scan[offset : offset + size]


def _h264_payloads(data: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yield the payloads of an image (RFC 6184, 5.8), and whether each is the last one."""
    return _payloads(data, 1, lambda head: (bytes([head[0] & 0xE0 | 28]), head[0] & 0x1F))


def _h265_payloads(data: bytes) -> Iterator[tuple[bool, bytes]]:
    """Yield the payloads of an image (RFC 7798, 4.4.3), and whether each is the last one."""
    return _payloads(
        data, 2, lambda head: (bytes([head[0] & 0x81 | 49 << 1, head[1]]), head[0] >> 1 & 0x3F)
    )


def _payloads(
    data: bytes, header: int, fragmented: Callable[[bytes], tuple[bytes, int]], size: int = 1200
) -> Iterator[tuple[bool, bytes]]:
    """Yield the units of an image, those that are too large in fragments.

    Args:
        data: units with start codes.
        header: bytes of a unit's header.
        fragmented: returns, for a header, that of its fragments, and the type of the unit.
        size: bytes of a payload at most.
    """
    units = [unit for unit in re.split(b'\0\0\0?\1', data) if unit]
    for index, unit in enumerate(units):
        final = index == len(units) - 1
        if len(unit) <= size:
            yield final, unit
            continue
        head, kind = fragmented(unit[:header])
        for offset in range(header, len(unit), size):
            first, last = offset == header, offset + size >= len(unit)
            marks = bytes([first << 7 | last << 6 | kind])
            yield final and last, head + marks + unit[offset : offset + size]


def _knows_password(authorization: str | None) -> bool:
    expected = base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()
    return authorization == f'Basic {expected}'
