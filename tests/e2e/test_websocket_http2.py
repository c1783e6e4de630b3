# SPDX-License-Identifier: Apache-2.0
"""WebSockets toward origins that take them as streams of HTTP/2 (RFC 8441)."""

import hashlib
import json
import pathlib
import sys
import threading

import pytest

from harness import h2
from harness.h2 import CANCEL, Collected
from harness.h2_servers import Program
from harness.wait import GENEROUS
from harness.websocket import (
    CLOSE,
    LAST,
    TEXT,
    connect,
    frame,
    read_close,
    read_message,
    sent,
    shake_hands,
)

HOST, NODE = "ws-h2.test", "ws-node2.test"
RESTART = 1012
LONG = 10_000_000
CLIENTS = pathlib.Path(__file__).parent / "clients"
EXTENDED = [(":protocol", "websocket"), ("sec-websocket-version", "13")]


@pytest.fixture(scope="module")
def node(late_ports, late_leaf, node_modules):
    port = late_ports[NODE]
    server = Program(["node", node_modules / "ws_h2_server.mjs", port, *late_leaf], port)
    yield server
    server.close()


@pytest.fixture
def listed(keyed_with):
    return keyed_with(egress=[HOST, "h2.test", NODE], inject=["header", "websocket"])


def opened(stream):
    stream.wait_head()
    stream.begin(200)


def echoing(stream):
    """Sends back the first message, and ends when the client does."""
    opened(stream)
    kind, data = read_message(Collected(stream), masked=True)
    stream.send(frame(data, LAST | kind))
    stream.wait_end()
    stream.end()


class Open:
    """A client's WebSocket, of either version of HTTP, to an origin whose script waits."""

    def __init__(self, sandbox, origin, version, fields=()):
        self.path = origin.on(opened)
        self.peer = self.wire = None
        if version == "http/2":
            self.peer = h2.connect(sandbox, HOST)
            self.client = self.peer.open("CONNECT", self.path, [*EXTENDED, *fields], end=False)
            assert self.client.wait_head().status == 200
            self.reader, self.send = Collected(self.client), self.client.send
        else:
            self.wire = connect(sandbox, self.path, fields, host=HOST)
            self.reader, self.send = self.wire.reader, self.wire.send
        self.origin = origin.request(self.path)
        self.heard = Collected(self.origin)

    def close(self):
        (self.peer or self.wire.sock).close()

    def wait_over(self):
        if self.peer:
            self.client.wait()
        else:
            assert self.wire.is_closed()


@pytest.fixture(params=["http/1.1", "http/2"])
def open_one(request, ws_origin, listed):
    made = []

    def make(**options):
        made.append(Open(listed.sandbox, ws_origin, request.param, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_handshake_is_an_extended_connect(open_one, listed):
    one = open_one(fields=[("x-api-key", listed.token)])
    told = one.origin
    assert told.pseudo == {
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":scheme": "https",
        ":authority": HOST,
        ":path": one.path,
    }
    names = [name for name, _ in told.fields]
    assert not {"sec-websocket-key", "upgrade", "connection", "host", "content-length"} & set(names)
    assert told.all("sec-websocket-version") == ["13"]
    assert told.field("x-api-key") == listed.value and "x-api-key" in told.hidden


def test_an_http1_client_gets_the_answer_to_its_key(ws_origin, listed):
    path = ws_origin.on(opened)
    with shake_hands(listed.sandbox, path, host=HOST) as wire:
        head = wire.reader.until(b"\r\n\r\n").lower()
    assert head.startswith(b"http/1.1 101 ")
    assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in head  # RFC 6455, 1.3
    assert b"upgrade: websocket" in head and b"connection: upgrade" in head
    assert b"content-length" not in head


def test_tokens_and_values_are_exchanged_in_messages(open_one, listed):
    token, value = listed.token.encode(), listed.value.encode()
    one = open_one()
    one.send(sent(b"a " + token[:9], TEXT))
    one.send(sent(token[9:], LAST))
    assert read_message(one.heard, masked=True) == (TEXT, b"a " + value)
    one.origin.send(frame(value[:9], TEXT))
    one.origin.send(frame(value[9:], LAST))
    assert read_message(one.reader) == (TEXT, token)


def test_the_end_of_the_client_is_the_end_of_the_stream(ws_origin, listed):
    path = ws_origin.on(echoing)
    with h2.connect(listed.sandbox, HOST) as peer:
        stream = peer.open("CONNECT", path, EXTENDED, end=False)
        stream.wait_head()
        stream.send(sent(b"hello"), end=True)
        assert read_message(Collected(stream)) == (TEXT, b"hello")
        stream.wait_end()
    assert ws_origin.request(path).reset is None


def test_the_end_of_the_origin_ends_both_in_order(open_one):
    one = open_one()
    one.origin.send(frame(b"\x03\xe8", CLOSE), end=True)
    assert read_close(one.reader) == 1000
    one.wait_over()
    one.origin.wait_end()
    assert one.origin.reset is None


def test_a_client_that_goes_away_cancels_the_stream(open_one):
    one = open_one()
    one.client.cancel() if one.peer else one.close()
    one.origin.wait()
    assert one.origin.reset == CANCEL or one.origin.has_ended


def test_an_origin_that_resets_ends_the_client(open_one):
    one = open_one()
    one.origin.cancel()
    one.wait_over()
    if one.peer:
        assert one.client.reset is not None


def test_it_ends_with_a_close_when_a_secret_changes(proxy, open_one, listed):
    one = open_one()
    listed.api.secret(listed.store, inject=["header", "websocket"])
    assert read_close(one.reader) == RESTART
    assert read_close(one.heard, masked=True) == RESTART
    one.wait_over()
    one.origin.wait_end()
    (record,) = proxy.wait_for_audit(sandbox=listed.sandbox.id, path=one.path)
    assert record["decision"] == "allowed" and "code" not in record


def test_an_origin_that_takes_nothing_holds_the_client_up(ws_origin, listed):
    """And nothing is lost when it goes on."""
    path = ws_origin.on(opened, holds=True)
    with h2.connect(listed.sandbox, HOST) as peer:
        stream = peer.open("CONNECT", path, EXTENDED, end=False)
        stream.wait_head()
        data = b"x" * 4_000_000  # more than all windows on the way
        told = ws_origin.request(path)
        sender = threading.Thread(target=stream.send, args=(sent(data),), daemon=True)
        sender.start()
        told.wait_body(h2.WINDOW)
        assert sender.is_alive() and len(told.body) == h2.WINDOW
        told.release()
        assert read_message(Collected(told), masked=True) == (TEXT, data)
        sender.join(GENEROUS)


def test_a_refusal_of_the_origin_is_an_answer_like_any_other(ws_origin, listed):
    path = ws_origin.on(lambda stream: stream.answer(403, [("x-why", "no")], b"not you"))
    with shake_hands(listed.sandbox, path, host=HOST) as wire:
        answer = wire.response()
    assert (answer.status, answer.field("x-why"), answer.body) == (403, "no", b"not you")


def test_a_subprotocol_that_was_not_offered_is_refused(ws_origin, listed):
    path = ws_origin.on(lambda stream: stream.begin(200, [("sec-websocket-protocol", "chat")]))
    with shake_hands(listed.sandbox, path, host=HOST) as wire:
        assert wire.response().json()["code"] == "upstream_protocol"


def test_an_origin_that_does_not_announce_it_is_said_to(h2_origin, listed):
    """It speaks HTTP/2 alone; the connection for other requests goes on."""
    for _ in range(2):
        path = h2_origin.on(opened)
        with shake_hands(listed.sandbox, path, host="h2.test") as wire:
            answer = wire.response()
        assert answer.status == 502 and answer.json()["code"] == "upstream_protocol"
        assert "does not announce WebSockets" in answer.json()["error"]
        assert h2_origin.requests(path) == []
        with h2.connect(listed.sandbox, "h2.test") as peer:
            assert peer.fetch(h2_origin.on(lambda stream: stream.answer(200))).status == 200


def test_one_connection_carries_requests_and_websockets(ws_origin, listed):
    first, second = ws_origin.on(opened), ws_origin.on(lambda stream: stream.answer(200))
    third = ws_origin.on(opened)
    with h2.connect(listed.sandbox, HOST) as peer:
        assert peer.fetch(second).status == 200
        for path in (first, third):
            assert peer.open("CONNECT", path, EXTENDED, end=False).wait_head().status == 200
        peers = {ws_origin.request(path).peer for path in (first, second, third)}
        assert len(peers) == 1


def hears(server, text):
    data = text.encode()
    server.wait_for_log(f"{hashlib.sha256(data).hexdigest()} {len(data)}")


@pytest.mark.parametrize("client", ["websockets", "ws"])
def test_real_clients_talk_to_node_over_http2_alone(node, listed, node_modules, client):
    commands = {
        "websockets": [sys.executable, CLIENTS / "websockets_client.py"],
        "ws": ["node", node_modules / "ws_client.mjs"],
    }
    messages = [listed.token, "plain", "x" * LONG + " " + listed.token]
    given = json.dumps(messages).encode()
    output = listed.sandbox.run(*commands[client], f"wss://{NODE}/", input=given).stdout
    assert json.loads(output) == messages
    for message in messages:
        hears(node, message.replace(listed.token, listed.value))
    node.wait_for_log("closed 1000")
