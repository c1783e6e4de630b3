# SPDX-License-Identifier: Apache-2.0
"""What an origin says is with the client before the origin says more. No clock is involved: the
origin goes on only when the client has what came before."""

import os
import socket
import subprocess
import threading

import pytest

from harness.h2 import connect
from harness.message import encode
from harness.wait import GENEROUS

EVENTS = 200
ORIGINS = ["api.test", "h2.test"]


class Baton:
    """The client's word to the origin, past the proxy."""

    def __init__(self):
        self._turns = threading.Semaphore(0)

    def give(self):
        self._turns.release()

    def take(self):
        assert self._turns.acquire(timeout=GENEROUS), "the client has not got what was sent"


def event(number):
    return f"id: {number}\ndata: x\n\n".encode()


def events_h1(baton, framing):
    """A script that sends each event when the client has the one before."""

    def script(exchange):
        exchange.close_after = framing == "close"
        how = ("Connection", "close") if framing == "close" else ("Transfer-Encoding", "chunked")
        exchange.send(encode("HTTP/1.1 200 OK", [("Content-Type", "text/event-stream"), how]))
        for number in range(EVENTS):
            data = event(number)
            exchange.send(data if framing == "close" else b"%x\r\n%s\r\n" % (len(data), data))
            baton.take()
        if framing == "close":
            exchange.sock.unwrap()  # the end, said by TLS
        else:
            exchange.send(b"0\r\n\r\n")

    return script


def events_h2(baton):
    def script(stream):
        stream.begin(200, [("content-type", "text/event-stream")])
        for number in range(EVENTS):
            stream.send(event(number))
            baton.take()
        stream.end()

    return script


@pytest.fixture(params=["HTTP/1.1, chunked", "HTTP/1.1, until close", "HTTP/2"])
def stream_of_events(request, origin, h2_origin):
    """(host, path, the word that the client gives for each event)"""
    baton = Baton()
    if request.param == "HTTP/2":
        return "h2.test", h2_origin.on(events_h2(baton)), baton
    framing = "close" if "close" in request.param else "chunked"
    return "api.test", origin.on(events_h1(baton, framing)), baton


@pytest.fixture(params=["hidden", "nothing to hide"])
def sandbox(request, api):
    """With and without a secret, for the bodies then take different ways."""
    store = api.store(ORIGINS)
    if request.param == "hidden":
        api.secret(store)
    return api.sandbox(store)


def test_each_event_is_with_an_http1_client_before_the_next_is_sent(sandbox, stream_of_events):
    host, path, baton = stream_of_events
    with sandbox.tunnel(host) as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", host)]))
        wire.reader.until(b"\r\n\r\n")
        for number in range(EVENTS):
            wire.reader.until(event(number))
            baton.give()
        assert wire.reader.until(b"0\r\n\r\n")


def test_each_event_is_with_an_http2_client_before_the_next_is_sent(sandbox, stream_of_events):
    host, path, baton = stream_of_events
    with connect(sandbox, host) as peer:
        stream = peer.open("GET", path)
        expected = b""
        for number in range(EVENTS):
            expected += event(number)
            assert stream.wait_body(len(expected)) == expected
            baton.give()
        stream.wait_end()


def test_curl_prints_each_event_before_the_next_is_sent(sandbox, stream_of_events):
    host, path, baton = stream_of_events
    env = {"PATH": os.environ["PATH"], **sandbox.envs}
    command = ["curl", "-sSN", "--http2", "--fail", f"https://{host}{path}"]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE) as curl:
        for number in range(EVENTS):
            assert curl.stdout.read(len(event(number))) == event(number)
            baton.give()
        assert curl.stdout.read() == b""
    assert curl.returncode == 0


# The other way: each piece of an upload is with the origin before the client sends the next.


def test_each_piece_of_an_upload_arrives_before_the_next_is_sent(origin, h2_origin, sandbox):
    def script_h1(exchange):
        for _ in range(50):
            assert exchange.reader.until(b"\r\n") == b"5\r\n"
            exchange.reader.exactly(7)
            arrived.give()
        exchange.answer(200, body=exchange.read_body() or b"all of it")

    def script_h2(stream):
        for number in range(50):
            stream.wait_body(5 * (number + 1))
            arrived.give()
        stream.read_body()
        stream.answer(200, body=b"all of it")

    for host, server, script in (("api.test", origin, script_h1), ("h2.test", h2_origin, script_h2)):
        arrived = Baton()
        path = server.on(script)
        with sandbox.tunnel(host) as wire:
            wire.send(encode(f"POST {path} HTTP/1.1", [("Host", host), ("Transfer-Encoding", "chunked")]))
            for _ in range(50):
                wire.send(b"5\r\npiece\r\n")
                arrived.take()
            wire.send(b"0\r\n\r\n")
            assert wire.response().body == b"all of it"
        arrived = Baton()
        with connect(sandbox, host) as peer:
            stream = peer.open("POST", path, end=False)
            for _ in range(50):
                stream.send(b"piece")
                arrived.take()
            stream.end()
            assert stream.wait_end().body == b"all of it"


def test_both_directions_at_once(origin, h2_origin, sandbox):
    """A conversation: the origin answers each piece before the client sends the next."""

    def script_h1(exchange):
        exchange.send(encode("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        while (size := int(exchange.reader.until(b"\r\n"), 16)):
            data = exchange.reader.exactly(size + 2)[:-2]
            exchange.send(b"%x\r\n%s\r\n" % (size, data.upper()))
        exchange.reader.until(b"\r\n")
        exchange._body_read = True
        exchange.send(b"0\r\n\r\n")

    def script_h2(stream):
        stream.begin()
        said = 0
        while not stream.has_ended or len(stream.body) > said:
            stream.peer.wait(lambda: len(stream.body) > said or stream.is_over, "the client goes on")
            if len(stream.body) > said:
                piece, said = stream.body[said:], len(stream.body)
                stream.send(piece.upper())
        stream.end()

    # A line end is the beginning of no value: nothing is held back for what could follow.
    words = [f"word {number}\n".encode() for number in range(30)]
    for host, server, script in (("api.test", origin, script_h1), ("h2.test", h2_origin, script_h2)):
        with connect(sandbox, host) as peer:
            stream = peer.open("POST", server.on(script), end=False)
            heard = b""
            for word in words:
                stream.send(word)
                heard += word.upper()
                assert stream.wait_body(len(heard)) == heard
            stream.end()
            stream.wait_end()


# Interim responses, early answers, half-closed and endless bodies.


def test_a_hint_is_with_the_client_before_the_answer_is_sent(origin, h2_origin, sandbox):
    def script_h1(exchange):
        exchange.send(encode("HTTP/1.1 103 Early Hints", [("Link", "</a.css>")]))
        hinted.take()
        exchange.answer(200, body=b"final")

    def script_h2(stream):
        stream.hint(103, [("link", "</a.css>")])
        hinted.take()
        stream.answer(200, body=b"final")

    for host, server, script in (("api.test", origin, script_h1), ("h2.test", h2_origin, script_h2)):
        path = server.on(script)
        hinted = Baton()
        with sandbox.tunnel(host) as wire:
            wire.send(encode(f"GET {path} HTTP/1.1", [("Host", host)]))
            assert wire.reader.until(b"\r\n\r\n").startswith(b"HTTP/1.1 103")
            hinted.give()
            assert wire.response().body == b"final"
        with connect(sandbox, host) as peer:
            stream = peer.open("GET", path)
            peer.wait(lambda: stream.interim or stream.is_over, "the hint has come")
            hinted.give()
            assert stream.wait_end().body == b"final"


def test_the_origin_decides_whether_an_upload_goes_on(origin, h2_origin, sandbox):
    """100-continue from a client of HTTP/2, to origins of both versions, one agrees and one does not."""
    def agree_h1(exchange):
        exchange.answer(200, body=exchange.read_body())

    def agree_h2(stream):
        stream.hint(100)
        stream.answer(200, body=stream.read_body())

    def decline_h1(exchange):
        exchange.close_after = True
        exchange.answer(417, [("Connection", "close")], b"no", "Expectation Failed")

    scripts = [
        ("api.test", origin, agree_h1, decline_h1),
        ("h2.test", h2_origin, agree_h2, lambda stream: stream.answer(417, body=b"no")),
    ]
    for host, server, agree, decline in scripts:
        expect = [("expect", "100-continue"), ("content-length", "4")]
        with connect(sandbox, host) as peer:
            stream = peer.open("POST", server.on(agree), expect, end=False)
            peer.wait(lambda: stream.interim or stream.is_over, "the origin agrees")
            assert stream.interim[0][":status"] == "100"
            stream.send(b"body", end=True)
            assert stream.wait_end().body == b"body"
            stream = peer.open("POST", server.on(decline), expect, end=False)
            assert (stream.wait_head().status, stream.wait_end().body) == (417, b"no")


def test_an_answer_that_comes_while_the_client_still_sends(origin, sandbox):
    """HTTP/2 on one side: the answer arrives whole, the rest of the upload is not wanted."""

    def script(exchange):
        exchange.close_after = True
        exchange.answer(413, [("Connection", "close")], b"too much", "Too Large")

    path, after = origin.on(script), origin.on(lambda exchange: exchange.answer(200, body=b"ok"))
    with connect(sandbox, "api.test") as peer:
        stream = peer.open("POST", path, end=False)
        stream.send(b"x" * 10_000)
        assert stream.wait().status == 413 and stream.body == b"too much"
        assert peer.fetch(after).body == b"ok"


def test_a_half_closed_client_gets_a_stream_to_its_end(origin, api):
    store = api.store(["plain.test"])
    baton = Baton()

    def script(exchange):
        exchange.send(encode("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]))
        exchange.send(b"5\r\nfirst\r\n")
        baton.take()
        exchange.send(b"6\r\nsecond\r\n0\r\n\r\n")

    path = origin.on(script)
    with api.sandbox(store).tunnel("plain.test", 80, tls=False) as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "plain.test")]))
        wire.sock.shutdown(socket.SHUT_WR)
        wire.reader.until(b"first")
        baton.give()
        wire.reader.until(b"second")


def test_a_body_without_length_ends_where_the_origin_closes(origin, sandbox):
    def script(exchange):
        exchange.close_after = True
        exchange.send(encode("HTTP/1.1 200 OK", [("Connection", "close")]) + b"all of it")
        exchange.sock.unwrap()

    path = origin.on(script)
    assert sandbox.fetch("api.test", path).body == b"all of it"
    with connect(sandbox, "api.test") as peer:
        answer = peer.fetch(path)
        assert answer.body == b"all of it" and answer.field("content-length") is None


def test_a_body_without_length_that_is_cut_off_is_visibly_cut_off(origin, sandbox):
    def script(exchange):
        exchange.close_after = True
        exchange.send(encode("HTTP/1.1 200 OK", [("Connection", "close")]) + b"is this all")

    with connect(sandbox, "api.test") as peer:
        stream = peer.open("GET", origin.on(script)).wait()
        assert stream.reset is not None and not stream.has_ended
