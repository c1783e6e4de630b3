# SPDX-License-Identifier: Apache-2.0
"""WebSockets whose ends do what they should not, or what few do, between every version of HTTP."""

import base64
import contextlib
import hashlib
import queue
import struct
import threading

import pytest

from conftest import make_keyed

from harness.expect import refusal
from harness.message import Truncated, encode
from harness.wait import GENEROUS
from harness.websocket import (
    BINARY,
    CLOSE,
    GUID,
    LAST,
    OFFER,
    PART,
    PING,
    PONG,
    TEXT,
    accept,
    frame,
    read_close,
    read_message,
    sent,
    shake_hands,
)
from harness.websocket_ends import HOSTS, Ends

PROTOCOL_ERROR = 1002
VERSIONS = ["http/1.1", "http/2"]
WAYS = [(client, origin) for client in VERSIONS for origin in VERSIONS]


@pytest.fixture
def listed(keyed_with):
    return keyed_with(egress=list(HOSTS.values()), inject=["header", "websocket"])


@pytest.fixture
def open_ends(origin, ws_origin):
    made = []

    def make(sandbox, versions, fields=()):
        made.append(Ends(sandbox, {"http/1.1": origin, "http/2": ws_origin}, versions, fields))
        return made[-1]

    yield make
    for ends in made:
        ends.close()


@pytest.fixture(params=WAYS, ids=" to ".join)
def ends(request, listed, open_ends):
    return open_ends(listed.sandbox, request.param)


@pytest.fixture(scope="module")
def shared(api):
    """One sandbox for the long tables."""
    return make_keyed(api, list(HOSTS.values()), inject=["header", "websocket"])


DIRECTIONS = {"up": WAYS[0], "down": WAYS[-1]}


@pytest.fixture(params=DIRECTIONS)
def spoken(request, shared, open_ends):
    """(who speaks, who hears, whether the frames of the one who speaks are masked)."""
    ends = open_ends(shared.sandbox, DIRECTIONS[request.param])
    up = request.param == "up"
    return (ends.client, ends.origin, True) if up else (ends.origin, ends.client, False)


# What an end may say, however odd: (frames, what the other end reads).
ODD = {
    "empty parts": ([(TEXT, b""), (PART, b""), (PART, b"x"), (LAST | PART, b"")], [(TEXT, b"x")]),
    "an empty message": ([(LAST | BINARY, b"")], [(BINARY, b"")]),
    "a ping in the midst of a message": (
        [(TEXT, b"a"), (PING, b"?"), (PONG, b""), (LAST | PART, b"b")],
        [(PING & 15, b"?"), (PONG & 15, b""), (TEXT, b"ab")],
    ),
    "control frames as long as may be": ([(PING, b"p" * 125), (PONG, b"q" * 125)],
                                         [(PING & 15, b"p" * 125), (PONG & 15, b"q" * 125)]),
    "text that is no UTF-8, in parts": ([(TEXT, b"\xe2\x82"), (LAST | PART, b"\xff\x00")],
                                       [(TEXT, b"\xe2\x82\xff\x00")]),
    "a character in parts": ([(TEXT, b"\xe2"), (PART, b"\x82"), (LAST | PART, b"\xac")],
                             [(TEXT, "€".encode())]),
    "each form of a length": (
        [(LAST | BINARY, b"x" * size) for size in (125, 126, 65535, 65536)],
        [(BINARY, b"x" * size) for size in (125, 126, 65535, 65536)],
    ),
    "a Close without a status": ([(CLOSE, b"")], [(CLOSE & 15, b"")]),
    "a Close with a long reason": ([(CLOSE, b"\x03\xe8" + b"r" * 123)], [(CLOSE & 15, b"\x03\xe8" + b"r" * 123)]),
    "a pong behind a Close": ([(CLOSE, b"\x03\xe8"), (PONG, b"!")], [(CLOSE & 15, b"\x03\xe8"), (PONG & 15, b"!")]),
}


@pytest.mark.parametrize("odd", ODD)
def test_what_is_odd_but_in_order_goes_through(spoken, odd):
    frames, messages = ODD[odd]
    speaker, hearer, masked = spoken
    data = b"".join(frame(payload, first, masked) for first, payload in frames)
    speaker.send(data)
    assert [read_message(hearer.reader, masked) for _ in messages] == messages


def longer(first, size, masked):
    """A head whose length is written in 8 bytes."""
    return bytes([first, 0x7F | (0x80 if masked else 0)]) + struct.pack("!Q", size) + b"keys" * masked


FAULTS = {
    **{f"opcode {code:x}": lambda masked, code=code: frame(b"x", LAST | code, masked)
       for code in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)},
    **{f"reserved bit {bit:x}": lambda masked, bit=bit: frame(b"x", LAST | bit | TEXT, masked)
       for bit in (0x40, 0x20, 0x10)},
    "a reserved bit in a ping": lambda masked: frame(b"x", PING | 0x40, masked),
    "a reserved bit in a part": lambda masked: frame(b"x", TEXT, masked) + frame(b"x", LAST | PART | 0x40, masked),
    "the mask of the other side": lambda masked: frame(b"x", LAST | TEXT, not masked),
    "a ping with the mask of the other side": lambda masked: frame(b"", PING, not masked),
    "a part of nothing": lambda masked: frame(b"x", LAST | PART, masked),
    "a message in a message": lambda masked: frame(b"x", TEXT, masked) + frame(b"y", LAST | TEXT, masked),
    "bytes in a message of text": lambda masked: frame(b"x", TEXT, masked) + frame(b"y", LAST | BINARY, masked),
    "a ping in parts": lambda masked: frame(b"x", PING & 15, masked),
    "a Close in parts": lambda masked: frame(b"\x03\xe8", CLOSE & 15, masked),
    "a ping of 126 bytes": lambda masked: frame(b"x" * 126, PING, masked),
    "a ping of 65536 bytes": lambda masked: longer(PING, 65536, masked),
    "a Close of one byte": lambda masked: frame(b"\x03", CLOSE, masked),
    "two bytes for a short length": lambda masked: bytes([LAST | TEXT, 0x7E | 0x80 * masked, 0, 5]) + b"keys12345",
    "eight bytes for a short length": lambda masked: longer(LAST | TEXT, 65535, masked),
    "a length with the top bit": lambda masked: longer(LAST | TEXT, 1 << 63, masked),
    "the longest length": lambda masked: longer(LAST | TEXT, (1 << 64) - 1, masked),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_both_ends_are_told_of_a_frame_that_is_not_in_order(spoken, fault):
    speaker, hearer, masked = spoken
    speaker.send(frame(b"in order", LAST | TEXT, masked) + FAULTS[fault](masked))
    assert read_message(hearer.reader, masked) == (TEXT, b"in order")
    heard = read_message(hearer.reader, masked)
    assert heard[0] == CLOSE & 15 and heard[1][:2] == PROTOCOL_ERROR.to_bytes(2, "big"), heard
    assert read_close(speaker.reader, not masked) == PROTOCOL_ERROR
    speaker.wait_over()
    hearer.wait_over()


def test_after_a_close_no_message_goes_through(spoken):
    speaker, hearer, masked = spoken
    speaker.send(frame(b"\x03\xe8", CLOSE, masked) + frame(b"later", LAST | TEXT, masked))
    assert read_close(hearer.reader, masked) == 1000
    assert read_close(speaker.reader, not masked) == PROTOCOL_ERROR
    speaker.wait_over()
    hearer.wait_over()


def test_ends_that_close_at_once_hear_each_other(proxy, listed, ends):
    ends.client.send(sent(b"\x03\xe8client", CLOSE))
    ends.origin.send(frame(b"\x03\xe8origin", CLOSE))
    assert read_message(ends.client.reader) == (CLOSE & 15, b"\x03\xe8origin")
    assert read_message(ends.origin.reader, masked=True) == (CLOSE & 15, b"\x03\xe8client")
    ends.origin.finish()
    ends.client.wait_over()
    (record,) = proxy.wait_for_audit(sandbox=listed.sandbox.id, path=ends.path)
    assert "code" not in record and record["decision"] == "allowed"


def test_an_answer_to_the_close_of_a_client_that_says_no_more_arrives(ends):
    ends.client.send(sent(b"\x03\xe8", CLOSE))
    assert read_close(ends.origin.reader, masked=True) == 1000
    ends.origin.send(frame(b"last words") + frame(b"\x03\xe8", CLOSE))
    assert read_message(ends.client.reader) == (TEXT, b"last words")
    assert read_close(ends.client.reader) == 1000


def test_an_origin_that_leaves_without_a_close_ends_the_client(ends):
    ends.origin.send(frame(b"half a mess", TEXT))
    assert ends.client.reader.exactly(2) and ends.client.reader.exactly(11) == b"half a mess"
    ends.origin.finish()
    ends.client.wait_over()
    ends.origin.wait_over()


def test_the_end_of_a_client_without_a_close_reaches_the_origin(ends):
    """Also where its version of HTTP cannot be half closed."""
    ends.client.send(sent(b"bye"))
    assert read_message(ends.origin.reader, masked=True) == (TEXT, b"bye")
    ends.client.leave()
    ends.origin.wait_over()


def test_a_token_at_every_cut_with_a_ping_between_the_parts(ends, listed):
    token, value = listed.token.encode(), listed.value.encode()
    for at in range(len(token) + 1):
        ends.client.send(sent(b"<" + token[:at], TEXT) + sent(b"%d" % at, PING) + sent(token[at:] + b">", LAST))
        assert read_message(ends.origin.reader, masked=True) == (PING & 15, b"%d" % at)
        assert read_message(ends.origin.reader, masked=True) == (TEXT, b"<" + value + b">")


def test_a_value_at_every_cut_with_a_ping_between_the_parts(ends, listed):
    token, value = listed.token.encode(), listed.value.encode()
    for at in range(len(value) + 1):
        ends.origin.send(frame(b"<" + value[:at], TEXT) + frame(b"%d" % at, PING) + frame(value[at:] + b">", LAST))
        assert read_message(ends.client.reader) == (PING & 15, b"%d" % at)
        assert read_message(ends.client.reader) == (TEXT, b"<" + token + b">")


VALUE_MAX = 16 * 1024


def test_many_of_the_longest_values_in_one_message(listed, open_ends, keyed_with):
    text = "v" * VALUE_MAX
    for way in WAYS:
        keyed = keyed_with(egress=list(HOSTS.values()), text=text, inject=["header", "websocket"])
        ends = open_ends(keyed.sandbox, way)
        tokens = b" ".join([keyed.token.encode()] * 40)
        ends.client.send(sent(tokens) + sent(b"behind"))
        assert read_message(ends.origin.reader, masked=True) == (TEXT, b" ".join([text.encode()] * 40))
        assert read_message(ends.origin.reader, masked=True) == (TEXT, b"behind")


# How it opens.

OFFERED = [("Sec-WebSocket-Protocol", "chat, v2"), ("Sec-WebSocket-Protocol", "v3"), ("Sec-WebSocket-Extensions", "x-one, x-two; y=1")]
RIGHT = "@"  # stands for the right answer to the key
SWITCH = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", RIGHT)]
WRONG = base64.b64encode(hashlib.sha1(b"").digest()).decode()


def answering(fields, start="HTTP/1.1 101 Switching Protocols", behind=b""):
    def script(exchange):
        key = exchange.request.field("sec-websocket-key") + GUID
        right = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        told = [(name, value.replace(RIGHT, right)) for name, value in fields]
        exchange.send(encode(start, told) + behind)
        exchange.close_after = True
        with contextlib.suppress(Truncated, OSError):
            exchange.reader.more()

    return script


NO_ANSWERS = {
    "no accept": SWITCH[:2],
    "a wrong accept": [*SWITCH[:2], ("Sec-WebSocket-Accept", WRONG)],
    "an empty accept": [*SWITCH[:2], ("Sec-WebSocket-Accept", "")],
    "accept twice": [*SWITCH, SWITCH[2]],
    "a right and a wrong accept": [*SWITCH, ("Sec-WebSocket-Accept", WRONG)],
    "two in one accept": [*SWITCH[:2], ("Sec-WebSocket-Accept", "@, @")],
    "no upgrade": SWITCH[1:],
    "another upgrade": [("Upgrade", "h2c"), *SWITCH[1:]],
    "no connection": [SWITCH[0], SWITCH[2]],
    "another connection": [SWITCH[0], ("Connection", "close"), SWITCH[2]],
    "a subprotocol of its own": [*SWITCH, ("Sec-WebSocket-Protocol", "v4")],
    "two subprotocols": [*SWITCH, ("Sec-WebSocket-Protocol", "v2"), ("Sec-WebSocket-Protocol", "v3")],
    "two subprotocols in a line": [*SWITCH, ("Sec-WebSocket-Protocol", "v2, v3")],
    "no subprotocol, said so": [*SWITCH, ("Sec-WebSocket-Protocol", "")],
    "two codings of the transfer": [*SWITCH, ("Transfer-Encoding", "gzip, chunked")],
    "a length that is none": [*SWITCH, ("Content-Length", "-1")],
}
EXTENSIONS = {
    "an extension of its own": "permessage-deflate",
    "one of its own behind one that was offered": "x-one, x-three",
    "a parameter for a name": "y=1",
}


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_what_is_no_answer_to_the_handshake_opens_nothing(origin, shared, answer):
    path = origin.on(answering(NO_ANSWERS[answer], behind=frame(b"too early")))
    with shake_hands(shared.sandbox, path, OFFERED) as wire:
        refusal(wire.response(), 502, "upstream_protocol")
        assert wire.is_closed()


@pytest.fixture(scope="module")
def unread(api):
    """A sandbox whose frames are for nobody to read."""
    return api.sandbox(api.store(list(HOSTS.values())))


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_extension_that_was_not_offered_opens_nothing(origin, unread, extension):
    path = origin.on(answering([*SWITCH, ("Sec-WebSocket-Extensions", EXTENSIONS[extension])]))
    with shake_hands(unread, path, OFFERED) as wire:
        refusal(wire.response(), 502, "upstream_protocol")


ANSWERS = {
    "each subprotocol that was offered": [*SWITCH, ("Sec-WebSocket-Protocol", "v3")],
    "other cases": [("UPGRADE", "WebSocket"), ("connection", "keep-alive, UPGRADE"), ("sec-websocket-accept", RIGHT)],
    "a length": [*SWITCH, ("Content-Length", "5")],
    "chunks": [*SWITCH, ("Transfer-Encoding", "chunked")],
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("start", ["HTTP/1.1 101 ", "HTTP/1.1 103 \r\nLink: </x>\r\n\r\nHTTP/1.1 101 OK"])
def test_frames_right_behind_the_answer_are_frames(origin, shared, answer, start):
    """Whatever the answer says of a body: a 101 has none."""
    first = frame(shared.value.encode())
    path = origin.on(answering(ANSWERS[answer], start, behind=first))
    with shake_hands(shared.sandbox, path, OFFERED) as wire:
        heads = wire.reader.until(b"\r\n\r\n")
        if b" 103 " in heads:
            heads = wire.reader.until(b"\r\n\r\n")
        assert heads.startswith(b"HTTP/1.1 101 ") and b"content-length" not in heads.lower()
        assert read_message(wire.reader) == (TEXT, shared.token.encode())


def test_the_extensions_that_were_offered_may_be_chosen(origin, unread):
    chosen = ("Sec-WebSocket-Extensions", "x-two; z, x-one")
    with shake_hands(unread, origin.on(answering([*SWITCH, chosen])), OFFERED) as wire:
        head = wire.reader.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ") and chosen[1].encode() in head


def test_a_subprotocol_with_a_value_in_it_may_be_chosen(api, origin):
    """As those that carry credentials for browsers."""
    for redact in (True, False):
        store = api.store(["api.test"], redactResponses=redact)
        value, _ = api.secret(store, inject=["header:sec-websocket-protocol"])
        sandbox = api.sandbox(store)
        path = origin.on(answering([*SWITCH, ("Sec-WebSocket-Protocol", "key." + value)]))
        with shake_hands(sandbox, path, [("Sec-WebSocket-Protocol", f"chat, key.{sandbox.token()}")]) as wire:
            head = wire.reader.until(b"\r\n\r\n").decode()
        assert head.startswith("HTTP/1.1 101 "), head
        assert ("key." + (sandbox.token() if redact else value)) in head
        assert origin.request(path).field("sec-websocket-protocol") == f"chat, key.{value}"


def without(*names):
    return [(name, value) for name, value in OFFER if name not in names]


NO_HANDSHAKES = {
    "HTTP/1.0": ("GET", "HTTP/1.0", [*OFFER, ("Connection", "keep-alive")], None),
    "a body": ("GET", "HTTP/1.1", OFFER, b"body"),
    "POST": ("POST", "HTTP/1.1", OFFER, b""),
    "no key": ("GET", "HTTP/1.1", without("Sec-WebSocket-Key"), None),
    "a short key": ("GET", "HTTP/1.1", [*without("Sec-WebSocket-Key"), ("Sec-WebSocket-Key", "c2hvcnQ=")], None),
    "two keys": ("GET", "HTTP/1.1", [*OFFER, OFFER[3]], None),
    "another version": ("GET", "HTTP/1.1", [*without("Sec-WebSocket-Version"), ("Sec-WebSocket-Version", "8")], None),
    "no connection": ("GET", "HTTP/1.1", without("Connection"), None),
}


@pytest.mark.parametrize("handshake", NO_HANDSHAKES)
def test_what_is_no_handshake_is_a_request_like_any_other(origin, shared, handshake):
    """Without Upgrade; and the origin that switches all the same is refused."""
    method, version, fields, body = NO_HANDSHAKES[handshake]
    path = origin.on(lambda exchange: exchange.answer(426, [("Upgrade", "websocket")], b"no"))
    with shared.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"{method} {path} {version}", [("Host", "api.test"), *fields], body))
        assert wire.response().status == 426
        assert origin.request(path).field("upgrade") is None
    path = origin.on(lambda exchange: exchange.send(encode("HTTP/1.1 101 Switching", SWITCH[:2])))
    with shared.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"{method} {path} {version}", [("Host", "api.test"), *fields], body))
        refusal(wire.response(), 502, "upstream_protocol")


@pytest.mark.parametrize("size", [1, 60_000, 1_000_000])
def test_what_a_client_sends_before_the_answer_waits_for_it(origin, shared, size):
    asked, may_answer, heard = threading.Event(), threading.Event(), queue.Queue()

    def script(exchange):
        asked.set()
        may_answer.wait(GENEROUS)
        accept(exchange)
        heard.put(read_message(exchange.reader, masked=True))

    with shake_hands(shared.sandbox, origin.on(script)) as wire:
        asked.wait(GENEROUS)
        sender = threading.Thread(target=wire.send, args=(sent(b"x" * size),), daemon=True)
        sender.start()
        may_answer.set()
        assert heard.get(timeout=GENEROUS) == (TEXT, b"x" * size)
        sender.join(GENEROUS)


def test_what_a_client_sends_behind_a_handshake_that_is_declined_is_no_request(origin, shared):
    path, hidden = origin.on(lambda exchange: exchange.answer(403, body=b"no")), origin.on(lambda exchange: exchange.answer())
    smuggled = encode(f"GET {hidden} HTTP/1.1", [("Host", "api.test")])
    with shared.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "api.test"), *OFFER]) + smuggled)
        assert wire.response().status == 403
        assert wire.is_closed()
    assert origin.requests(hidden) == []
