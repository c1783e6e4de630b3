# SPDX-License-Identifier: Apache-2.0
"""A WebSocket whose origin gives back what it was sent shows no value."""

import base64
import hashlib
import struct
import threading

from harness.message import encode
from harness.wait import GENEROUS

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
OFFER = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
]


def frame(payload, first=0x81):
    size = len(payload)
    length = bytes([size]) if size < 126 else struct.pack("!BH", 126, size)
    return bytes([first]) + length + payload


def accept(exchange, fields=()):
    key = exchange.request.field("sec-websocket-key") + GUID
    coded = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    answer = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", coded)]
    exchange.send(encode("HTTP/1.1 101 Switching Protocols", [*answer, *fields]))
    exchange.close_after = True


def shake_hands(keyed, path, fields=()):
    wire = keyed.sandbox.tunnel("api.test")
    head = [("Host", "api.test"), *OFFER, ("X-Api-Key", keyed.token), *fields]
    wire.send(encode(f"GET {path} HTTP/1.1", head))
    return wire


def test_a_value_in_a_frame_is_masked_and_every_length_stays(origin, keyed):
    value = keyed.value.encode()
    sent = [frame(b"before " + value + b" behind"), frame(value, 0x82), frame(b"x" * 300 + value)]

    def script(exchange):
        accept(exchange)
        assert exchange.request.field("x-api-key") == keyed.value
        exchange.send(b"".join(sent))

    with shake_hands(keyed, origin.on(script)) as wire:
        assert wire.reader.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        seen = wire.rest()
    assert len(seen) == sum(map(len, sent))
    assert value not in seen and seen.count(b"*" * len(value)) == 3
    assert seen.startswith(frame(b"before " + value + b" behind")[:9])


def test_a_frame_that_ends_like_a_value_begins_is_not_held_back(origin, keyed):
    whole = frame(b"an answer: " + keyed.value[:6].encode())

    def script(exchange):
        accept(exchange)
        exchange.send(whole)
        assert exchange.reader.exactly(6) == b"\x81\x80keys"  # only after the client has seen it

    with shake_hands(keyed, origin.on(script)) as wire:
        wire.reader.until(b"\r\n\r\n")
        assert wire.reader.exactly(len(whole)) == whole
        wire.send(b"\x81\x80keys")
        wire.is_closed()


def test_compression_of_frames_is_not_offered(origin, keyed):
    path = origin.on(accept)
    with shake_hands(keyed, path, [("Sec-WebSocket-Extensions", "permessage-deflate")]) as wire:
        assert wire.reader.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
    assert origin.request(path).field("sec-websocket-extensions") is None


def test_compression_that_was_not_offered_is_refused(origin, keyed):
    path = origin.on(lambda exchange: accept(exchange, [("Sec-WebSocket-Extensions", "permessage-deflate")]))
    with shake_hands(keyed, path) as wire:
        assert wire.response().json()["code"] == "upstream_protocol"


def test_a_websocket_ends_when_its_sandbox_is_hibernated(origin, keyed):
    is_over = threading.Event()

    def script(exchange):
        accept(exchange)
        exchange.send(frame(b"open"))
        is_over.wait(2 * GENEROUS)  # the origin itself keeps it open

    try:
        with shake_hands(keyed, origin.on(script)) as wire:
            assert wire.reader.until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
            assert wire.reader.exactly(6) == frame(b"open")
            keyed.sandbox.post("hibernate")
            assert wire.is_closed()
    finally:
        is_over.set()
