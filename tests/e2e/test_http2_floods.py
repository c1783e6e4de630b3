# SPDX-License-Identifier: Apache-2.0
"""Clients and origins that misuse HTTP/2 frame by frame: what was begun ends, memory stays bounded."""

import struct
import threading

import hpack
import pytest

from harness.h2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    GOAWAY,
    HEADERS,
    NO_ERROR,
    PADDED,
    PING,
    PRIORITY,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    connect,
    frame,
    pipe_of,
)
from harness.proxy import SANITIZER_ENV, Sealgate
from harness.wait import GENEROUS, until

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS)
FLOOD_MAX = 200_000  # frames; long before, the proxy must have had enough
GROWTH = 24 << 20
STREAM_MAX = 400_000  # a window on each side, and what is between them
QUARANTINE = {"ASAN_OPTIONS": SANITIZER_ENV["ASAN_OPTIONS"] + ":quarantine_size_mb=1"}


@pytest.fixture(scope="module")
def running(upstream, h2_origin):
    """One worker, so that it is the one whose memory is looked at."""
    proxy = Sealgate({"upstream": upstream, "workers": 1}, QUARANTINE)
    proxy.start()
    proxy.sandbox = proxy.api.sandbox(proxy.api.store(["h2.test", "api.test"]))
    yield proxy
    proxy.stop()


def block(path="/never", method="GET", fields=(), authority="h2.test"):
    """A header block that leaves the table alone, so that it can be sent again and again."""
    encoder = hpack.Encoder()
    encoder.header_table_size = 0
    pseudo = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path)]
    return encoder.encode([*pseudo, *fields])


BLOCK = block()


def opened(number, flags=END_STREAM | END_HEADERS, payload=BLOCK):
    return frame(HEADERS, flags, number, payload)


class Answers:
    """Reads everything the proxy sends, frame by frame, until it closes."""

    def __init__(self, pipe):
        self.pipe, self.frames, self._rest = pipe, [], b""
        self.closed = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while data := self.pipe.recv():
            self._rest += data
            while len(self._rest) >= 9 and len(self._rest) >= 9 + (size := self._size()):
                kind, flags, stream = struct.unpack("!BBI", self._rest[3:9])
                if kind != DATA:
                    self.frames.append((kind, flags, stream, self._rest[9 : 9 + size]))
                self._rest = self._rest[9 + size :]
        self.closed.set()

    def _size(self):
        return int.from_bytes(self._rest[:3], "big")

    def heads(self):
        """The streams that were answered."""
        return {stream for kind, _, stream, _ in self.frames if kind == HEADERS}

    def resets(self):
        """(stream, code) of those that the proxy gave up."""
        return [
            (stream, struct.unpack("!I", payload)[0])
            for kind, _, stream, payload in self.frames
            if kind == RST_STREAM
        ]

    def goaway(self):
        """The code that it said goodbye with; waits for the end."""
        assert self.closed.wait(GENEROUS), "the connection was not closed"
        codes = [struct.unpack("!I", payload[4:8])[0] for kind, _, _, payload in self.frames if kind == GOAWAY]
        return codes[-1] if codes else None


def numbers():
    return range(1, 2 * FLOOD_MAX, 2)


def rapid_reset():
    for number in numbers():
        yield opened(number) + frame(RST_STREAM, 0, number, struct.pack("!I", 8))


def resets_that_it_must_send():
    """Each request is malformed, so that the proxy is the one to reset."""
    bad = block(fields=[("connection", "close")])
    for number in numbers():
        yield opened(number, payload=bad)


def window_updates_of_zero():
    """Each is an error of its stream."""
    for number in numbers():
        yield opened(number, END_HEADERS) + frame(WINDOW_UPDATE, 0, number, b"\0\0\0\0")


def continuations():
    yield frame(HEADERS, END_STREAM, 1, BLOCK)
    for _ in range(FLOOD_MAX):
        yield frame(CONTINUATION, 0, 1, b"")


def long_continuations():
    encoder = hpack.Encoder()
    yield frame(HEADERS, END_STREAM, 1, BLOCK)
    for number in range(FLOOD_MAX):
        yield frame(CONTINUATION, 0, 1, encoder.encode([(f"x-{number}", "y" * 8000)], huffman=False))


def settings():
    for _ in range(FLOOD_MAX):
        yield frame(SETTINGS)


def pings():
    for _ in range(FLOOD_MAX):
        yield frame(PING, 0, 0, b"12345678")


def priorities():
    for _ in range(FLOOD_MAX):
        yield frame(PRIORITY, 0, 1, b"\0\0\0\3\x10")


def window_updates():
    for _ in range(FLOOD_MAX):
        yield frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")


def empty_data():
    yield opened(1, END_HEADERS, block(method="POST"))
    for _ in range(FLOOD_MAX):
        yield frame(DATA, 0, 1)


def padding_alone():
    yield opened(1, END_HEADERS, block(method="POST"))
    for _ in range(FLOOD_MAX):
        yield frame(DATA, PADDED, 1, b"\xff" + b"\0" * 255)


def unknown_frames():
    for _ in range(FLOOD_MAX):
        yield frame(0xEE, 0, 0, b"what")


def goodbyes():
    for _ in range(FLOOD_MAX):
        yield frame(GOAWAY, 0, 0, b"\0" * 8)


def heads_of_no_stream():
    yield opened(3)
    for _ in range(FLOOD_MAX):
        yield opened(1)


def trailers_without_end():
    yield opened(1, END_HEADERS, block(method="POST"))
    for _ in range(FLOOD_MAX):
        yield opened(1, END_HEADERS)


def references_to_one_long_field():
    """HPACK: one field of 4,000 bytes goes into the table, then a byte is a copy of it."""
    encoder = hpack.Encoder()
    bomb = encoder.encode([("x", "y" * 4000)], huffman=False)
    yield opened(1, payload=BLOCK + bomb)
    for number in numbers():
        if number > 1:
            yield opened(number, payload=BLOCK + b"\xbe" * 12_000)


FLOODS = [
    rapid_reset,
    resets_that_it_must_send,
    continuations,
    settings,
    pings,
    priorities,
    window_updates,
    empty_data,
    padding_alone,
    unknown_frames,
    heads_of_no_stream,
    trailers_without_end,
]


def pour(running, frames):
    """Sends until the proxy has had enough; what it said, and by how much it grew."""
    before = running.resident()
    pipe = pipe_of(running.sandbox, "h2.test")
    answers = Answers(pipe)
    try:
        pipe.send(PREFACE)
        for data in batches(frames()):
            pipe.send(data)
            if answers.closed.is_set():
                break
    except OSError:
        pass  # it closed while we were sending
    code = answers.goaway()
    pipe.close()
    return code, running.resident() - before


def batches(frames, size=8192):
    batch = b""
    for data in frames:
        batch += data
        if len(batch) >= size:
            yield batch
            batch = b""
    yield batch


def check_others_go_on(running, h2_origin):
    path = h2_origin.on(lambda stream: stream.answer(200, body=b"ok"))
    with connect(running.sandbox, "h2.test") as peer:
        assert peer.fetch(path).body == b"ok"


@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
def test_a_flood_ends_the_connection(running, h2_origin, flood):
    check_others_go_on(running, h2_origin)
    code, growth = pour(running, flood)
    assert code == ENHANCE_YOUR_CALM
    assert growth < GROWTH, f"grew by {growth} bytes"
    check_others_go_on(running, h2_origin)


BOMBS = [long_continuations, references_to_one_long_field, window_updates_of_zero, goodbyes]


@pytest.mark.parametrize("flood", BOMBS, ids=lambda flood: flood.__name__)
def test_a_bomb_ends_the_connection(running, h2_origin, flood):
    code, growth = pour(running, flood)
    assert code not in (None, 0) or flood is goodbyes
    assert growth < GROWTH, f"grew by {growth} bytes"
    check_others_go_on(running, h2_origin)


def test_responses_that_nobody_reads_are_bounded(running, h2_origin):
    """A hundred endless answers for a client that gives all the window there is, and reads nothing."""
    sent = []

    def script(stream):
        stream.begin()
        while True:
            stream.send(b"x" * 16384)
            sent.append(stream)

    path = h2_origin.on(script)
    before = running.resident()
    pipe = pipe_of(running.sandbox, "h2.test")
    window = frame(SETTINGS, 0, 0, b"\0\4\x7f\xff\xff\xff") + frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\0\0")
    heads = b"".join(opened(number, payload=block(path)) for number in range(1, 200, 2))
    pipe.send(PREFACE + window + heads)
    until(lambda: len(set(sent)) == 100, "all hundred have begun")
    seen = []
    until(lambda: seen.append(len(sent)) or seen[-25:] == [seen[-1]] * 25, "no more is taken")
    growth = running.resident() - before
    pipe.close()
    assert growth < 100 * STREAM_MAX, f"grew by {growth} bytes"
    check_others_go_on(running, h2_origin)


def test_a_stream_that_was_passed_by_is_not_served(running, h2_origin):
    path, never = (h2_origin.on(lambda stream: stream.answer(200)) for _ in range(2))
    pipe = pipe_of(running.sandbox, "h2.test")
    answers = Answers(pipe)
    pipe.send(PREFACE + opened(5, payload=block(path)) + opened(3, payload=block(never)))
    pipe.send(opened(7, payload=block(path)))
    until(lambda: answers.closed.is_set() or answers.heads() == {5, 7}, "the others are answered")
    pipe.close()
    assert h2_origin.requests(never) == []


@pytest.mark.parametrize("knows", ["before it has heard of the limit", "though it knows the limit"])
def test_streams_over_the_limit_are_refused_and_the_others_go_on(running, h2_origin, knows):
    go_on = threading.Event()

    def script(stream):
        go_on.wait(GENEROUS)
        stream.answer(200)

    path = h2_origin.on(script)
    pipe = pipe_of(running.sandbox, "h2.test")
    answers = Answers(pipe)
    taken, refused = range(1, 200, 2), range(201, 260, 2)
    acknowledged = frame(SETTINGS, ACK) if knows.startswith("though") else b""
    pipe.send(PREFACE + acknowledged)
    pipe.send(b"".join(opened(number, payload=block(path)) for number in [*taken, *refused]))
    until(lambda: len(answers.resets()) == len(refused), "those that are too many are refused")
    assert sorted(answers.resets()) == [(number, REFUSED_STREAM) for number in refused]
    go_on.set()
    until(lambda: answers.heads() == set(taken), "the others are answered")
    pipe.close()
    assert len(h2_origin.requests(path)) == len(taken)


def test_more_data_than_there_is_window_is_an_error(running, h2_origin):
    path = h2_origin.on(lambda stream: stream.wait(), holds=True)
    pipe = pipe_of(running.sandbox, "h2.test")
    answers = Answers(pipe)
    head = opened(1, END_HEADERS, block(path, "POST"))
    pipe.send(PREFACE + head + frame(DATA, 0, 1, b"x" * 16384) * 100)
    until(lambda: answers.resets(), "the stream is reset")
    assert answers.resets() == [(1, FLOW_CONTROL_ERROR)]
    pipe.close()
    check_others_go_on(running, h2_origin)


# Streams that are wrong are reset; connections that are wrong are closed.

WRONG_HEADS = {
    "an upper-case name": [("X-Upper", "a")],
    "a connection field": [("connection", "x")],
    "keep-alive": [("keep-alive", "1")],
    "transfer-encoding": [("transfer-encoding", "chunked")],
    "upgrade": [("upgrade", "websocket")],
    "te that is not trailers": [("te", "gzip")],
    "CR in a value": [("x", "a\rb")],
    "LF in a value": [("x", "a\nb: c")],
    "NUL in a value": [("x", "a\0b")],
    "a space before a value": [("x", " a")],
    "a space in a name": [("x y", "a")],
    "a colon in a name": [("x:y", "a")],
    "an empty name": [("", "a")],
    "a pseudo-field after fields": [("x", "a"), (":path", "/b")],
    "an unknown pseudo-field": [(":foo", "a")],
    "two paths": [(":path", "/b")],
    "two lengths": [("content-length", "1"), ("content-length", "2")],
    "a length that is none": [("content-length", "+1")],
    "a length without data": [("content-length", "5")],
    "a status": [(":status", "200")],
    "another host": [("host", "other.test")],
    "two hosts": [("host", "h2.test"), ("host", "h2.test")],
}
WRONG_LINES = {
    "no method": {":method": None},
    "no path": {":path": None},
    "an empty path": {":path": ""},
    "a path without a slash": {":path": "never"},
    "an absolute path": {":path": "https://h2.test/never"},
    "a path with a space": {":path": "/a b"},
    "a fragment": {":path": "/a#b"},
    "no scheme": {":scheme": None},
    "http": {":scheme": "http"},
    "no authority": {":authority": None},
    "userinfo": {":authority": "user@h2.test"},
    "a method that is no token": {":method": "GE T"},
    "lower-case connect": {":method": "CONNECT"},
}


def is_refused(stream):
    stream.wait()
    return stream.reset is not None or (stream.status is not None and stream.status >= 400)


@pytest.mark.parametrize("what", WRONG_HEADS)
def test_a_head_that_is_wrong_is_refused_and_other_streams_go_on(running, h2_origin, what):
    path, other = (h2_origin.on(lambda stream: stream.answer(200)) for _ in range(2))
    with connect(running.sandbox, "h2.test") as peer:
        stream = peer.open("GET", path, WRONG_HEADS[what])
        assert is_refused(stream), stream.describe()
        assert peer.fetch(other).status == 200
    assert h2_origin.requests(path) == []


@pytest.mark.parametrize("what", WRONG_LINES)
def test_a_request_line_that_is_wrong_is_refused_and_other_streams_go_on(running, h2_origin, what):
    seen = len(h2_origin.seen)
    line = {":method": "GET", ":scheme": "https", ":authority": "h2.test", ":path": "/never"}
    fields = [(name, text) for name, text in {**line, **WRONG_LINES[what]}.items() if text is not None]
    with connect(running.sandbox, "h2.test") as peer:
        stream = peer._new(peer.h2.get_next_available_stream_id())
        stream.head(fields, end=True)
        assert is_refused(stream), stream.describe()
        assert len(h2_origin.seen) == seen
        assert peer.fetch(h2_origin.on(lambda stream: stream.answer(200))).status == 200


TOO_MUCH = {
    "a list of 70,000 bytes": ([(f"x-{number}", "y" * 6900) for number in range(10)], 431),
    "300 fields": ([(f"x-{number}", "y") for number in range(300)], 431),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_a_head_that_is_too_large_is_refused_and_other_streams_go_on(running, h2_origin, what):
    fields, status = TOO_MUCH[what]
    path, other = (h2_origin.on(lambda stream: stream.answer(200)) for _ in range(2))
    with connect(running.sandbox, "h2.test") as peer:
        answer = peer.fetch(path, fields)
        assert (answer.status, answer.code) == (status, "header_too_large")
        assert peer.fetch(other).status == 200
    assert h2_origin.requests(path) == []


WRONG_FRAMES = {
    "no preface": (b"", frame(PING, 0, 0, b"12345678")),
    "HTTP/1.1": (b"", b"GET / HTTP/1.1\r\nHost: h2.test\r\n\r\n"),
    "data on stream 0": (PREFACE, frame(DATA, 0, 0, b"x")),
    "data on a stream that is idle": (PREFACE, frame(DATA, 0, 5, b"x")),
    "a stream with an even number": (PREFACE, opened(2)),
    "a frame of 17,000 bytes": (PREFACE, opened(1, END_HEADERS) + frame(DATA, 0, 1, b"x" * 17_000)),
    "padding longer than the frame": (PREFACE, opened(1, END_HEADERS) + frame(DATA, PADDED, 1, b"\x09abc")),
    "a block that is no HPACK": (PREFACE, frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff")),
    "an index beyond the table": (PREFACE, frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\xfe")),
    "a table larger than announced": (PREFACE, frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\x3f\xff\xff\x03" + BLOCK)),
    "a frame inside a block": (PREFACE, frame(HEADERS, END_STREAM, 1, BLOCK) + frame(PING, 0, 0, b"12345678")),
    "a continuation of nothing": (PREFACE, frame(CONTINUATION, END_HEADERS, 1, BLOCK)),
    "settings of five bytes": (PREFACE, frame(SETTINGS, 0, 0, b"12345")),
    "an acknowledgement with settings": (PREFACE, frame(SETTINGS, ACK, 0, b"\0\3\0\0\0\1")),
    "a ping of seven bytes": (PREFACE, frame(PING, 0, 0, b"1234567")),
    "a reset of stream 0": (PREFACE, frame(RST_STREAM, 0, 0, b"\0\0\0\x08")),
    "a promise from a client": (PREFACE, opened(1) + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + BLOCK)),
    "too much window": (PREFACE, frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2),
    "an initial window beyond 31 bits": (PREFACE, frame(SETTINGS, 0, 0, b"\0\4\xff\xff\xff\xff")),
    "a frame size below the least": (PREFACE, frame(SETTINGS, 0, 0, b"\0\5\0\0\0\1")),
}


@pytest.mark.parametrize("what", WRONG_FRAMES)
def test_frames_that_are_wrong_end_the_connection(running, h2_origin, what):
    before, wrong = WRONG_FRAMES[what]
    pipe = pipe_of(running.sandbox, "h2.test")
    answers = Answers(pipe)
    pipe.send(before + wrong)
    code = answers.goaway()
    pipe.close()
    assert code not in (None, 0), answers.frames
    check_others_go_on(running, h2_origin)


# The same from an origin.


def answer_block(*fields, encoder=None):
    encoder = encoder or hpack.Encoder()
    return encoder.encode([(":status", "200"), *fields], huffman=False)


def long_answer_continuations(number):
    encoder = hpack.Encoder()
    yield frame(HEADERS, 0, number, answer_block(encoder=encoder))
    for count in range(FLOOD_MAX):
        yield frame(CONTINUATION, 0, number, encoder.encode([(f"x-{count}", "y" * 8000)], huffman=False))


def long_answer_of_references(number):
    block = answer_block(("x", "y" * 4000)) + b"\xbe" * 12_000
    yield frame(HEADERS, END_HEADERS, number, block)


def again_and_again(first, data):
    """What an origin sends for a stream: `first` once, `data` without end; both may name the stream."""

    def frames(number):
        yield first(number)
        for _ in range(FLOOD_MAX):
            yield data(number)

    return frames


def begun(number):
    return frame(HEADERS, END_HEADERS, number, answer_block())


def half_begun(number):
    return frame(HEADERS, 0, number, answer_block())


ORIGIN_FLOODS = {
    "pings": again_and_again(begun, lambda _: frame(PING, 0, 0, b"12345678")),
    "settings": again_and_again(begun, lambda _: frame(SETTINGS)),
    "unknown frames": again_and_again(begun, lambda _: frame(0xEE, 0, 0, b"what")),
    "window updates": again_and_again(begun, lambda _: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")),
    "priorities": again_and_again(begun, lambda number: frame(PRIORITY, 0, number, b"\0\0\0\0\x10")),
    "empty data": again_and_again(begun, lambda number: frame(DATA, 0, number)),
    "padding alone": again_and_again(begun, lambda number: frame(DATA, PADDED, number, b"\xff" + bytes(255))),
    "resets": again_and_again(begun, lambda number: frame(RST_STREAM, 0, number, b"\0\0\0\x08")),
    "goodbyes": again_and_again(begun, lambda _: frame(GOAWAY, 0, 0, b"\x7f\xff\xff\xff\0\0\0\0")),
    "trailers without end": again_and_again(begun, begun),
    "hints": again_and_again(
        lambda _: b"", lambda number: frame(HEADERS, END_HEADERS, number, hpack.Encoder().encode([(":status", "103")]))
    ),
    "continuations": again_and_again(half_begun, lambda number: frame(CONTINUATION, 0, number)),
    "long continuations": long_answer_continuations,
    "references to one long field": long_answer_of_references,
}


def pour_out(frames):
    """A script that does so until it is cut off."""

    def script(stream):
        for data in batches(frames(stream.number)):
            if stream.peer.is_closed:
                return
            stream.peer.raw(data)
            stream.peer.flushed()

    return script


@pytest.mark.parametrize("what", ORIGIN_FLOODS)
def test_an_origin_that_floods_loses_its_connection(running, h2_origin, what):
    check_others_go_on(running, h2_origin)
    path = h2_origin.on(pour_out(ORIGIN_FLOODS[what]))
    before = running.resident()
    with connect(running.sandbox, "h2.test") as peer:
        stream = peer.open("POST", path).wait()
        assert not stream.has_ended or stream.status == 502
    flooding = h2_origin.request(path).peer.wait_closed()
    assert flooding.goaway != NO_ERROR
    assert running.resident() - before < GROWTH
    check_others_go_on(running, h2_origin)


def test_an_origin_that_pushes_loses_its_connection(running, h2_origin):
    def script(stream):
        stream.peer.raw(frame(PUSH_PROMISE, END_HEADERS, stream.number, b"\0\0\0\2" + BLOCK))

    path = h2_origin.on(script)
    with connect(running.sandbox, "h2.test") as peer:
        assert peer.fetch(path, method="POST", body=b"x").status == 502
    h2_origin.request(path).peer.wait_closed()
    check_others_go_on(running, h2_origin)
