# SPDX-License-Identifier: Apache-2.0
"""Origins that misuse WebSockets over HTTP/2 (RFC 8441), and what they share a connection with."""

import threading

import pytest

from conftest import make_keyed
from harness import h2
from harness.expect import refusal
from harness.h2 import ENABLE_CONNECT_PROTOCOL, GOAWAY, NO_ERROR, REFUSED_STREAM, SETTINGS, Collected, H2Origin, Pipe
from harness.origin import tls_context
from harness.proxy import Sealgate
from harness.scripted import Scripted
from harness.wait import GENEROUS, until
from harness.websocket import TEXT, connect, frame, read_frame, read_message, sent, shake_hands
from harness.websocket_ends import EXTENDED

HOST = "ws-h2.test"


@pytest.fixture(scope="module")
def running(upstream):
    """One worker, so that it has all connections."""
    proxy = Sealgate({"upstream": upstream, "workers": 1})
    proxy.start()
    yield proxy
    proxy.stop()


@pytest.fixture
def sandbox(running):
    """Each test's own, so that no connection is there before."""
    return make_keyed(running.api, [HOST], inject=["header", "websocket"]).sandbox


def asked(sandbox, path, version):
    """A handshake, and its final answer."""
    if version == "http/2":
        with h2.connect(sandbox, HOST) as peer:
            return peer.open("CONNECT", path, EXTENDED, end=False).wait()
    with shake_hands(sandbox, path, host=HOST) as wire:
        return wire.response()


HTTP_1_1_REQUIRED = 13
DECLINED = {
    "a reset": lambda stream: stream.cancel(h2.INTERNAL_ERROR),
    "a reset for want of HTTP/1.1": lambda stream: stream.cancel(HTTP_1_1_REQUIRED),
    "one stream refused after the other": lambda stream: stream.cancel(REFUSED_STREAM),
    "a switch": lambda stream: stream.begin(101),
    "the end of the stream": lambda stream: stream.end(),
    "bytes before a head": lambda stream: stream.peer.raw(h2.frame(h2.DATA, 0, stream.number, b"x")),
    "a goodbye": lambda stream: stream.peer.raw(h2.frame(GOAWAY, 0, 0, bytes(8))),
    "no status": lambda stream: stream.head([("x-status", "200")]),
    "two extensions": lambda stream: stream.begin(200, [("sec-websocket-extensions", "a"), ("sec-websocket-extensions", "b")]),
}


@pytest.mark.parametrize("version", ["http/1.1", "http/2"])
@pytest.mark.parametrize("how", DECLINED)
def test_what_opens_nothing_is_answered(ws_origin, sandbox, how, version):
    answer = asked(sandbox, ws_origin.on(DECLINED[how]), version)
    assert answer.status == 502 and answer.code in ("upstream_closed", "upstream_protocol"), answer.body
    path = ws_origin.on(lambda stream: stream.answer(200, body=b"next"))
    assert h2_fetch(sandbox, path) == b"next"


def h2_fetch(sandbox, path):
    with h2.connect(sandbox, HOST) as peer:
        return peer.fetch(path).body


OPENED = {
    "after a hint": lambda stream: (stream.hint(103), stream.begin(200)),
    "with another success": lambda stream: stream.begin(201),
    "with fields of the other way": lambda stream: stream.begin(200, [("sec-websocket-accept", "wrong")]),
}


@pytest.mark.parametrize("version", ["http/1.1", "http/2"])
@pytest.mark.parametrize("how", OPENED)
def test_any_success_opens_it(ws_origin, sandbox, how, version):
    path = ws_origin.on(lambda stream: (OPENED[how](stream), stream.send(frame(b"open"))))
    if version == "http/1.1":
        with shake_hands(sandbox, path, host=HOST) as wire:
            heads = wire.reader.until(b" 101 ") + wire.reader.until(b"\r\n\r\n")
            assert b"wrong" not in heads
            assert read_message(wire.reader) == (TEXT, b"open")
        return
    with h2.connect(sandbox, HOST) as peer:
        stream = peer.open("CONNECT", path, EXTENDED, end=False)
        assert stream.wait_head().status == 200 and stream.field("sec-websocket-accept") is None
        assert read_message(Collected(stream)) == (TEXT, b"open")


@pytest.mark.parametrize("version", ["http/1.1", "http/2"])
def test_one_that_ends_with_its_opening_ends_in_order(ws_origin, sandbox, version):
    path = ws_origin.on(lambda stream: stream.begin(200, end=True))
    if version == "http/1.1":
        with connect(sandbox, path, host=HOST) as wire:
            assert wire.rest() == b""
    else:
        with h2.connect(sandbox, HOST) as peer:
            stream = peer.open("CONNECT", path, EXTENDED, end=False).wait_end()
            assert stream.status == 200 and stream.body == b""
    ws_origin.request(path).wait()


@pytest.mark.parametrize("setting", [b"\0\x08\0\0\0\0", b"\0\x08\0\0\0\2"], ids=["taken back", "neither yes nor no"])
def test_a_setting_that_may_not_come_ends_the_connection_alone(ws_origin, sandbox, setting):
    """RFC 8441, 3: who has said that it takes WebSockets must not say that it does not."""
    path = ws_origin.on(lambda stream: stream.begin(200))
    with connect(sandbox, path, host=HOST) as wire:
        ws_origin.request(path).peer.raw(h2.frame(SETTINGS, 0, 0, setting))
        assert wire.is_closed()
    other = ws_origin.on(lambda stream: (stream.begin(200), stream.send(frame(b"again"))))
    with connect(sandbox, other, host=HOST) as wire:
        assert read_message(wire.reader) == (TEXT, b"again")


class Silent(Scripted):
    """Agrees on h2 and never says a word of it."""

    def _serve(self, sock):
        pipe = Pipe(sock, self.context)
        while pipe.tls.selected_alpn_protocol() == "h2" and pipe.recv():
            pass
        pipe.close()


def alone(late_leaf):
    context = tls_context(*late_leaf)
    context.set_alpn_protocols(["h2"])
    return context


def test_an_origin_that_never_sends_its_settings_is_waited_for_no_longer_than_for_a_handshake(own_proxy, upstream, late_leaf):
    origin = Silent(alone(late_leaf))
    resolve = {**upstream["resolve"], HOST: origin.endpoint}
    proxy = own_proxy(upstream={"resolve": resolve}, limits={"connect_timeout": "1s"})
    sandbox = proxy.api.sandbox(proxy.api.store([HOST]))
    for version in ("http/1.1", "http/2"):
        answer = asked(sandbox, "/", version)
        assert answer.status == 504 and answer.code == "upstream_timeout"
    origin.close()


def test_an_origin_that_announces_it_late_gets_the_next_one(own_proxy, upstream, late_leaf):
    """Not announced in its first SETTINGS, but in its second."""
    origin = H2Origin(tls_context(*late_leaf))
    resolve = {**upstream["resolve"], HOST: origin.endpoint}
    proxy = own_proxy(workers=1, upstream={"resolve": resolve})
    sandbox = proxy.api.sandbox(proxy.api.store([HOST]))
    late = b"".join((ENABLE_CONNECT_PROTOCOL.to_bytes(2, "big"), (1).to_bytes(4, "big")))

    def script(stream):
        stream.peer.raw(h2.frame(SETTINGS, 0, 0, late))
        stream.answer(200)

    assert h2_fetch(sandbox, origin.on(script)) == b""
    path = origin.on(lambda stream: (stream.begin(200), stream.send(frame(b"open"))))
    with connect(sandbox, path, host=HOST) as wire:
        assert read_message(wire.reader) == (TEXT, b"open")
    origin.close()


def test_one_outlives_the_goodbye_of_its_connection(ws_origin, sandbox):
    path = ws_origin.on(lambda stream: stream.begin(200))
    with connect(sandbox, path, host=HOST) as wire:
        told = ws_origin.request(path)
        last = told.number.to_bytes(4, "big") + NO_ERROR.to_bytes(4, "big")
        told.peer.raw(h2.frame(GOAWAY, 0, 0, last))
        told.send(frame(b"still here"))
        assert read_message(wire.reader) == (TEXT, b"still here")
        wire.send(sent(b"me too"))
        assert read_message(Collected(told), masked=True) == (TEXT, b"me too")
        other = ws_origin.on(lambda stream: stream.answer(200, body=b"elsewhere"))
        assert h2_fetch(sandbox, other) == b"elsewhere"
        assert ws_origin.request(other).peer is not told.peer


def test_trailers_are_an_end(ws_origin, sandbox):
    path = ws_origin.on(lambda stream: (stream.begin(200), stream.send(frame(b"last")), stream.end([("x-end", "1")])))
    with connect(sandbox, path, host=HOST) as wire:
        assert read_message(wire.reader) == (TEXT, b"last")
        assert wire.rest() == b""


def test_one_that_is_not_read_holds_up_no_neighbour(ws_origin, sandbox):
    """Toward its client, which reads nothing, and toward its origin, which gives no window."""
    talking = threading.Event()

    def flood(stream):
        stream.begin(200)
        talking.set()
        stream.send(frame(b"x" * 20_000_000))

    flooded, held = ws_origin.on(flood), ws_origin.on(lambda stream: stream.begin(200), holds=True)
    small = ws_origin.on(lambda stream: stream.answer(200, body=b"small"))
    assert h2_fetch(sandbox, small) == b"small"
    with connect(sandbox, flooded, host=HOST) as wire, connect(sandbox, held, host=HOST) as other:
        sender = threading.Thread(target=quietly, args=(other.send, sent(b"y" * 20_000_000)), daemon=True)
        sender.start()
        told, stalled = ws_origin.request(flooded), ws_origin.request(held)
        talking.wait(GENEROUS)
        stalled.wait_body(h2.WINDOW)
        until(lambda: told.window == 0, "the window of the one that is not read is used up")
        for _ in range(5):
            assert h2_fetch(sandbox, small) == b"small"
        third = ws_origin.on(lambda stream: (stream.begin(200), stream.send(frame(b"third"))))
        with connect(sandbox, third, host=HOST) as neighbour:
            assert read_message(neighbour.reader) == (TEXT, b"third")
        assert len({ws_origin.request(path).peer for path in (flooded, held, third)}) == 1
        assert read_frame(wire.reader)[0] == TEXT and len(stalled.body) == h2.WINDOW


def quietly(call, *arguments):
    try:
        call(*arguments)
    except OSError:
        return
