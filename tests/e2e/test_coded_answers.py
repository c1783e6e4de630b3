# SPDX-License-Identifier: Apache-2.0
"""Coded bodies as origins write them, and as an attacker would: with values to hide, and without."""

import gzip
import random
import struct
import zlib

import brotli
import pytest
import zstandard

from conftest import make_keyed
from harness import h2
from harness.expect import refusal
from harness.message import Truncated, encode

MIB = 1 << 20


@pytest.fixture(scope="module")
def keyed(api):
    return make_keyed(api, ["api.test"])


@pytest.fixture(scope="module")
def keyless(api):
    return api.sandbox(api.store(["api.test"]))


def with_head(plain, flags, extra):
    """gzip with what few write in its head."""
    coder = zlib.compressobj(wbits=-15)
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff"
    body = coder.compress(plain) + coder.flush()
    return head + extra + body + struct.pack("<II", zlib.crc32(plain), len(plain))


def raw_deflate(plain):
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(plain) + coder.flush()


def zstd(plain):
    return zstandard.ZstdCompressor().compress(plain)


def zstd_without_size(plain):
    coder = zstandard.ZstdCompressor().compressobj()
    return coder.compress(plain) + coder.flush()


def stored(plain):
    return zlib.compress(plain, 0)


SKIPPABLE = b"\x50\x2a\x4d\x18" + struct.pack("<I", 300) + b"s" * 300
GOOD = {
    "gzip in members": ("gzip", lambda plain: b"".join(gzip.compress(plain[at : at + 3]) for at in range(0, len(plain), 3))),
    "gzip with an empty member": ("gzip", lambda plain: gzip.compress(b"") * 50 + gzip.compress(plain)),
    "gzip with a long name": ("gzip", lambda plain: with_head(plain, 8, b"n" * 300 + b"\0")),
    "gzip with a long extra field": ("gzip", lambda plain: with_head(plain, 4, struct.pack("<H", 60_000) + b"e" * 60_000)),
    "gzip with a comment and a name": ("gzip", lambda plain: with_head(plain, 24, b"name\0a comment\0")),
    "x-gzip": ("x-gzip", gzip.compress),
    "upper case": ("GZIP", gzip.compress),
    "raw deflate": ("deflate", raw_deflate),
    "zlib, stored": ("deflate", stored),
    "br": ("br", brotli.compress),
    "zstd in frames": ("zstd", lambda plain: zstd(plain[:4]) + zstd(b"") + zstd(plain[4:])),
    "zstd without a size": ("zstd", zstd_without_size),
    "zstd behind a frame to skip": ("zstd", lambda plain: SKIPPABLE + zstd(plain)),
    "identity": ("identity", bytes),
    "no coding, said so": ("", bytes),
    "gzip beside nothing": ("identity, gzip,", gzip.compress),
}


def answers(fields, body, size):
    """In chunks of `size`, or as a whole with its length."""
    if size:
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        return lambda exchange: exchange.answer_chunked(pieces, fields)
    return lambda exchange: exchange.answer(200, fields, body)


def fetch(sandbox, origin, script, method="GET"):
    return sandbox.fetch("api.test", origin.on(script), (), method)


@pytest.mark.parametrize("way", GOOD)
@pytest.mark.parametrize("size", [None, 1])
def test_a_coded_body_is_read_however_it_is_written(origin, keyed, keyless, way, size):
    coding, code = GOOD[way]
    for plain in (b"", b"x", b"<" + keyed.value.encode() + b">", b"ab" * 400 + keyed.value.encode()):
        coded = code(plain)
        script = answers([("Content-Encoding", coding)], coded, size if len(coded) < 3000 else None)
        response = fetch(keyed.sandbox, origin, script)
        assert response.status == 200
        assert response.body == plain.replace(keyed.value.encode(), keyed.token.encode())
        response = fetch(keyless, origin, script)
        assert response.body == coded and response.field("content-encoding") == coding


NOISE = random.Random(1).randbytes(100_000)
REFUSED = {
    "twice": ([("Content-Encoding", "gzip, gzip")], gzip.compress(gzip.compress(b"x"))),
    "two codings": ([("Content-Encoding", "br, gzip")], b"x"),
    "in two lines": ([("Content-Encoding", "gzip"), ("Content-Encoding", "br")], b"x"),
    "unknown": ([("Content-Encoding", "aws-chunked")], b"x"),
    "gzip of a byte": ([("Content-Encoding", "gzip")], b"x"),
    "gzip of noise": ([("Content-Encoding", "gzip")], NOISE),
    "half the head of a gzip": ([("Content-Encoding", "gzip")], gzip.compress(b"x")[:5]),
    "br of a byte": ([("Content-Encoding", "br")], b"\xff"),
    "zstd of noise": ([("Content-Encoding", "zstd")], NOISE),
    "deflate of noise": ([("Content-Encoding", "deflate")], b"\x78\x9c" + NOISE),
    "a gzip head with a reserved flag": ([("Content-Encoding", "gzip")], with_head(b"x", 0xE0, b"")),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("size", [None, 1])
def test_what_cannot_be_read_is_refused_where_there_is_something_to_hide(origin, keyed, keyless, what, size):
    fields, body = REFUSED[what]
    script = answers(fields, body, size if len(body) < 3000 else None)
    refusal(fetch(keyed.sandbox, origin, script), 502, "upstream_protocol")
    response = fetch(keyless, origin, script)
    assert response.status == 200 and response.body == body


BROKEN = {
    "stops": lambda plain: gzip.compress(plain)[:-9],
    "has bytes behind its end": lambda plain: gzip.compress(plain) + b"garbage",
    "has a wrong sum": lambda plain: gzip.compress(plain)[:-8] + b"12345678",
    "turns into noise": lambda plain: gzip.compress(plain)[:60_000] + NOISE,
}


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("version", ["http/1.1", "http/2"])
def test_a_body_that_breaks_after_a_good_beginning_never_looks_complete(origin, keyed, how, version):
    script = answers([("Content-Encoding", "gzip")], BROKEN[how](NOISE + keyed.value.encode()), 0)
    if version == "http/1.1":
        with pytest.raises((Truncated, ConnectionError)):
            fetch(keyed.sandbox, origin, script)
        return
    with h2.connect(keyed.sandbox, "api.test") as peer:
        stream = peer.open("GET", origin.on(script)).wait()
        assert stream.reset is not None and not stream.has_ended
        assert keyed.value.encode() not in stream.body


@pytest.mark.parametrize("status, method", [(200, "HEAD"), (304, "GET"), (204, "GET")])
@pytest.mark.parametrize("coding", ["gzip", "unknown"])
def test_an_answer_without_a_body_keeps_what_it_says_of_one(origin, keyed, keyless, status, method, coding):
    fields = [("Content-Encoding", coding)] + ([] if status == 204 else [("Content-Length", "1234")])
    for sandbox in (keyed.sandbox, keyless):
        response = fetch(sandbox, origin, lambda exchange: exchange.send(encode(f"HTTP/1.1 {status} OK", fields)), method)
        assert response.status == status and response.body == b""
        assert response.all("content-encoding") == [coding]
        assert response.all("content-length") == [value for name, value in fields[1:]]


def bomb(coder, size):
    """Zeros, coded; the last byte is another."""
    pieces = [coder.compress(bytes(MIB)) for _ in range(size // MIB)]
    return b"".join(pieces) + coder.compress(b"!") + coder.flush()


BOMBS = {
    "gzip": lambda: zlib.compressobj(9, wbits=31),
    "zstd": lambda: zstandard.ZstdCompressor().compressobj(),
}


@pytest.mark.parametrize("coding", BOMBS)
def test_a_bomb_neither_fills_the_memory_nor_holds_up_others(origin, own_proxy, coding):
    """Its client takes a part of it, and then nothing for a while."""
    size = 64 * MIB
    body = bomb(BOMBS[coding](), size)
    proxy = own_proxy(workers=1)
    keyed = make_keyed(proxy.api)
    (worker,) = proxy.pids("worker")
    fetch(keyed.sandbox, origin, answers([], b"warm", 0))
    before = resident(worker)
    path = origin.on(answers([("Content-Encoding", coding)], body, 0))
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "api.test")]))
        wire.reader.until(b"\r\n\r\n")
        for _ in range(5):
            assert fetch(keyed.sandbox, origin, answers([], b"beside", 0)).body == b"beside"
        assert resident(worker) - before < 16 * MIB
        whole = count_chunked(wire.reader)
    assert whole == size + 1
    assert resident(worker) - before < 16 * MIB


def resident(pid):
    with open(f"/proc/{pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def count_chunked(reader):
    total = 0
    while size := int(reader.until(b"\r\n"), 16):
        total += sum(len(piece) for piece in reader.pieces(size))
        assert reader.exactly(2) == b"\r\n"
    return total
