# SPDX-License-Identifier: Apache-2.0
"""Bodies far larger than any buffer, with a slow other side: memory stays where it was."""

import hashlib
import threading

import pytest

from harness import websocket
from harness.message import encode
from harness.wait import GENEROUS, until

GIB, MIB = 1 << 30, 1 << 20
BLOCK = bytes(range(256)) * 256 * 4  # 256 KiB
GROWTH = 4 * MIB

pytestmark = pytest.mark.long


@pytest.fixture
def running(own_proxy):
    """One worker, so that it is the one; a secret, so that bodies are searched."""
    proxy = own_proxy(workers=1)
    store = proxy.api.store(["api.test"])
    proxy.api.secret(store)
    proxy.sandbox = proxy.api.sandbox(store)
    return proxy


class Watch:
    """The highest resident memory of the worker, seen block by block."""

    def __init__(self, proxy):
        self.proxy, self.before = proxy, proxy.resident()
        self.highest = self.before

    def look(self):
        self.highest = max(self.highest, self.proxy.resident())

    def check(self):
        assert self.highest - self.before < GROWTH, f"grew by {self.highest - self.before} bytes"


def warm_up(sandbox, origin):
    """Whatever is allocated once is allocated now."""

    def script(exchange):
        exchange.read_body()
        exchange.answer(200, body=b"x" * (8 * MIB))

    path = origin.on(script)
    for _ in range(4):
        assert sandbox.fetch("api.test", path, method="POST", body=b"y" * (8 * MIB)).status == 200


def pause(number):
    """The slow side: it stops in between, so that the other one is held up."""
    if number % 512 == 0:
        threading.Event().wait(0.2)


def digest_of_blocks(count):
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(BLOCK)
    return digest.hexdigest()


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_download_of_1_gib_to_a_slow_client(running, origin, framing):
    count = GIB // len(BLOCK)

    def script(exchange):
        chunked = framing == "chunked"
        how = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(GIB))
        exchange.send(encode("HTTP/1.1 200 OK", [how]))
        for _ in range(count):
            exchange.send(b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK) if chunked else BLOCK)
        exchange.send(b"0\r\n\r\n" if chunked else b"")

    path = origin.on(script)
    warm_up(running.sandbox, origin)
    watch, digest, read = Watch(running), hashlib.sha256(), 0
    with running.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "api.test")]))
        head = wire.reader.until(b"\r\n\r\n").lower()
        pieces = wire.reader.pieces(GIB) if b"content-length" in head else chunks_of(wire.reader)
        for number, piece in enumerate(pieces):
            digest.update(piece)
            read += len(piece)
            pause(number)
            if number % 64 == 0:
                watch.look()
    assert read == GIB and digest.hexdigest() == digest_of_blocks(count)
    watch.check()


def chunks_of(reader):
    while size := int(reader.until(b"\r\n"), 16):
        yield from reader.pieces(size)
        reader.exactly(2)


def test_an_upload_of_1_gib_to_a_slow_origin(running, origin):
    count, result = GIB // len(BLOCK), {}

    def script(exchange):
        digest = hashlib.sha256()
        for number, piece in enumerate(exchange.body_pieces()):
            digest.update(piece)
            pause(number)
        result["digest"] = digest.hexdigest()
        exchange.answer(200, body=b"stored")

    path = origin.on(script)
    warm_up(running.sandbox, origin)
    watch = Watch(running)
    with running.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"PUT {path} HTTP/1.1", [("Host", "api.test"), ("Content-Length", str(GIB))]))
        for number in range(count):
            wire.send(BLOCK)
            if number % 16 == 0:
                watch.look()
        assert wire.response().body == b"stored"
    assert result["digest"] == digest_of_blocks(count)
    watch.check()


def test_a_message_that_grows_to_256_mib_for_a_slow_origin(running, origin):
    """16,384 tokens, of a value that is as long as one may be."""
    count = size = 16384
    store = running.api.store(["api.test"])
    running.api.secret(store, text="v" * size, inject=["websocket"])
    sandbox, result = running.api.sandbox(store), {}

    def script(exchange):
        websocket.accept(exchange)
        length, is_last, number = 0, False, 0
        while not is_last:
            first, extended = exchange.reader.exactly(2)
            payload = extended & 0x7F
            if payload > 125:
                payload = int.from_bytes(exchange.reader.exactly(2 if payload == 126 else 8), "big")
            exchange.reader.exactly(4)
            length, is_last = length + len(exchange.reader.exactly(payload)), bool(first & websocket.LAST)
            number += 1
            pause(number)
        result["length"] = length
        exchange.send(websocket.frame(b"done"))

    warm_up(running.sandbox, origin)
    with websocket.connect(sandbox, origin.on(script)) as wire:
        watch = Watch(running)
        whole = websocket.sent(b" ".join([sandbox.token().encode()] * count))
        threading.Thread(target=wire.send, args=(whole,), daemon=True).start()
        until(lambda: watch.look() or "length" in result, "the origin has it all", 10 * GENEROUS)
        assert websocket.read_message(wire.reader) == (websocket.TEXT, b"done")
    assert result["length"] == count * (size + 1) - 1
    watch.check()
