# SPDX-License-Identifier: Apache-2.0
"""WebSockets frame by frame, for both ends."""

import base64
import hashlib
import os
import struct

from .message import encode

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
OFFER = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]
PART, TEXT, BINARY, LAST = 0x00, 0x01, 0x02, 0x80
CLOSE, PING, PONG = 0x88, 0x89, 0x8A


def _masked(payload, key):
    return bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


def frame(payload, first=LAST | TEXT, masked=False):
    size, mask = len(payload), 0x80 if masked else 0
    if size < 126:
        head = bytes([first, mask | size])
    elif size < 65536:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    if not masked:
        return head + payload
    key = os.urandom(4)
    return head + key + _masked(payload, key)


def sent(payload, first=LAST | TEXT):
    """A frame as a client sends it."""
    return frame(payload, first, masked=True)


def read_frame(reader):
    """(first byte, payload, whether it was masked); `reader` has exactly(count)."""
    first, size = reader.exactly(2)
    is_masked, size = bool(size & 0x80), size & 0x7F
    if size > 125:
        size = int.from_bytes(reader.exactly(2 if size == 126 else 8), "big")
    key = reader.exactly(4) if is_masked else None
    payload = reader.exactly(size)
    return first, _masked(payload, key) if is_masked else payload, is_masked


def read_message(reader, masked=False):
    """(opcode, payload) of the next message, or of a control frame before its end."""
    kind, whole = getattr(reader, "unfinished", (None, b""))
    while True:
        first, payload, is_masked = read_frame(reader)
        assert is_masked == masked
        if first & 0x08:
            reader.unfinished = kind, whole
            return first & 0x0F, payload
        assert (kind is None) == (first & 0x0F != PART)
        kind, whole = kind or first & 0x0F, whole + payload
        if first & LAST:
            reader.unfinished = None, b""
            return kind, whole


def read_close(reader, masked=False):
    """The status of the Close that comes before anything else."""
    kind, payload = read_message(reader, masked)
    assert kind == CLOSE & 0x0F, (kind, payload)
    return int.from_bytes(payload[:2], "big")


def accept(exchange, fields=()):
    """An origin's side of the handshake."""
    key = exchange.request.field("sec-websocket-key") + GUID
    coded = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    answer = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", coded)]
    exchange.send(encode("HTTP/1.1 101 Switching Protocols", [*answer, *fields]))
    exchange.close_after = True


def shake_hands(sandbox, path, fields=(), host="api.test", tls=True):
    """A client's; what the answer is, is for the test to read."""
    wire = sandbox.tunnel(host, 443 if tls else 80, tls=tls)
    wire.send(encode(f"GET {path} HTTP/1.1", [("Host", host), *OFFER, *fields]))
    return wire


def connect(sandbox, path, fields=(), **options):
    wire = shake_hands(sandbox, path, fields, **options)
    head = wire.reader.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return wire
