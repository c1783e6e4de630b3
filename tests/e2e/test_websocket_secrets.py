# SPDX-License-Identifier: Apache-2.0
"""Tokens in the messages of a WebSocket become values, and values in its answers are hidden."""

import queue
import threading

import pytest

from harness import h2
from harness.api import value as new_value
from harness.h2 import Collected
from harness.message import Truncated, encode
from harness.wait import GENEROUS
from harness.websocket import (
    BINARY,
    CLOSE,
    LAST,
    PART,
    PING,
    PONG,
    TEXT,
    accept,
    connect,
    frame,
    read_close,
    read_frame,
    read_message,
    sent,
    shake_hands,
)

RESTART, VIOLATION, PROTOCOL_ERROR = 1012, 1008, 1002


@pytest.fixture
def listed(keyed_with):
    """A secret that may stand in messages, and nowhere else."""
    return keyed_with(inject=["websocket"])


class Talk:
    """An origin that notes what it is told, and says what the test wants it to."""

    def __init__(self, origin):
        self.heard, self.said = queue.Queue(), queue.Queue()
        self.is_over = threading.Event()
        self.path = origin.on(self._script, "talk")

    def _script(self, exchange):
        accept(exchange)
        threading.Thread(target=self._say, args=(exchange,), daemon=True).start()
        try:
            while True:
                self.heard.put(read_message(exchange.reader, masked=True))
        except (Truncated, OSError):
            self.is_over.set()
            self.said.put(None)

    def _say(self, exchange):
        while (data := self.said.get()) is not None:
            exchange.send(data)

    def say(self, data):
        self.said.put(data)

    def hears(self):
        return self.heard.get(timeout=GENEROUS)


@pytest.fixture
def talk(origin):
    talk = Talk(origin)
    yield talk
    talk.said.put(None)


def test_a_token_in_a_text_message_becomes_the_value(talk, listed):
    with connect(listed.sandbox, talk.path) as wire:
        wire.send(sent(b'{"key":"' + listed.token.encode() + b'"}'))
        assert talk.hears() == (TEXT, b'{"key":"' + listed.value.encode() + b'"}')
        wire.send(sent(listed.token.encode()) + sent(b"", LAST | TEXT))
        assert talk.hears() == (TEXT, listed.value.encode())
        assert talk.hears() == (TEXT, b"")


def test_a_token_is_found_however_it_is_split(talk, listed):
    """Over frames with a ping between them, and every byte in a packet of its own."""
    token, value = listed.token.encode(), listed.value.encode()
    with connect(listed.sandbox, talk.path) as wire:
        for at in (1, 11, 42):
            pieces = sent(b"a " + token[:at], TEXT), sent(b"?", PING), sent(token[at:] + b" b", LAST)
            wire.send_slowly(b"".join(pieces))
            assert talk.hears() == (PING & 0x0F, b"?")
            assert talk.hears() == (TEXT, b"a " + value + b" b")


def test_what_cannot_become_a_token_is_not_held_back(origin, listed):
    """The origin answers each half of a frame before the client sends the next."""
    whole = sent(b"one osb_ two")

    def script(exchange):
        accept(exchange)
        for expected in (b"one ", b"osb_ two"):
            assert read_frame(exchange.reader)[1] == expected
            exchange.send(frame(b"go on"))

    with connect(listed.sandbox, origin.on(script)) as wire:
        wire.send(whole[:12])  # as far as "one os"
        assert read_message(wire.reader) == (TEXT, b"go on")
        wire.send(whole[12:])
        assert read_message(wire.reader) == (TEXT, b"go on")


def test_only_text_and_only_secrets_that_list_it(talk, api):
    store = api.store(["api.test", "other.test"])
    api.secret(store, "HEADER")
    api.secret(store, "BOTH", inject=["header", "websocket"])
    api.secret(store, "ELSEWHERE", inject=["websocket"], allowedHosts=["other.test"])
    value, _ = api.secret(store, inject=["websocket"])
    sandbox = api.sandbox(store)
    inert = [sandbox.token("HEADER"), sandbox.token("ELSEWHERE"), "osb_sealed_" + "0" * 32]
    inert += [sandbox.token() + "0", "x" + sandbox.token()]
    with connect(sandbox, talk.path, [("X-Api-Key", sandbox.token("BOTH"))]) as wire:
        wire.send(sent(" ".join(inert).encode()))
        assert talk.hears() == (TEXT, " ".join(inert).encode())
        for first in (LAST | BINARY, PING, PONG):
            wire.send(sent(sandbox.token().encode(), first))
            assert talk.hears() == (first & 0x0F, sandbox.token().encode())
        wire.send(sent(sandbox.token().encode()))
        assert talk.hears() == (TEXT, value.encode())


def test_a_secret_for_messages_alone_is_refused_in_a_header(origin, listed):
    path = origin.on(accept)
    with shake_hands(listed.sandbox, path, [("X-Api-Key", listed.token)]) as wire:
        assert wire.response().json()["code"] == "token_place_not_allowed"
    assert origin.requests(path) == []


def test_without_tls_a_token_stays_what_it_is(talk, listed):
    with connect(listed.sandbox, talk.path, tls=False) as wire:
        wire.send(sent(listed.token.encode()))
        assert talk.hears() == (TEXT, listed.token.encode())


def test_without_such_a_secret_the_bytes_pass_untouched(origin, keyed):
    odd = b"\xf3\x85KEYS" + b"?" * 5 + keyed.token.encode()

    def script(exchange):
        accept(exchange)
        exchange.send(frame(exchange.reader.exactly(len(odd)), LAST | BINARY))

    with connect(keyed.sandbox, origin.on(script)) as wire:
        wire.send(odd)
        assert read_message(wire.reader) == (BINARY, odd)


def test_the_audit_names_the_secrets_that_went_into_messages(proxy, talk, listed):
    with connect(listed.sandbox, talk.path) as wire:
        wire.send(sent(listed.token.encode()))
        talk.hears()
    (record,) = proxy.wait_for_audit(sandbox=listed.sandbox.id, path=talk.path)
    assert record["secrets"] == ["API_KEY"] and record["status"] == 101


def test_over_http2_a_token_becomes_the_value_and_the_value_a_token(talk, listed):
    token, value = listed.token.encode(), listed.value.encode()
    with h2.connect(listed.sandbox, "api.test") as peer:
        fields = [(":protocol", "websocket"), ("sec-websocket-version", "13")]
        stream = peer.open("CONNECT", talk.path, fields, end=False)
        assert stream.wait_head().status == 200
        pieces = sent(b"a " + token[:9], TEXT), sent(token[9:], LAST)
        for byte in b"".join(pieces):
            stream.send(bytes([byte]))
        assert talk.hears() == (TEXT, b"a " + value)
        talk.say(frame(value[:9], TEXT) + frame(value[9:], LAST))
        stream.wait_body(len(frame(token)))
        assert read_message(Collected(stream)) == (TEXT, token)


def test_the_place_comes_from_the_command_line_and_in_a_box(proxy, talk, api):
    store, values = api.store(["api.test"]), [proxy.canaries.add(new_value(way)) for way in ("typed", "boxed")]
    places = ("--inject", "websocket", "--inject", "header")
    proxy.cli("secret", "set", store["name"], "TYPED", *places, input=values[0])
    name = ("--store", store["name"], "--name", "BOXED")
    box = proxy.cli("seal", *name, "--inject", "websocket", input=values[1]).stdout.decode().strip()
    path = f"/api/secret-stores/{store['id']}/secrets"
    api.ok("PUT", path + "/BOXED", {"sealedValue": box, "inject": ["websocket"]})
    shown = {secret["name"]: secret["inject"] for secret in api.get(path)}
    assert shown == {"TYPED": ["websocket", "header"], "BOXED": ["websocket"]}
    sandbox = api.sandbox(store)
    with connect(sandbox, talk.path) as wire:
        wire.send(sent(f"{sandbox.token('TYPED')} {sandbox.token('BOXED')}".encode()))
        assert talk.hears() == (TEXT, " ".join(values).encode())


# What comes back.


def test_a_value_in_a_text_message_becomes_the_token_again(talk, keyed):
    token, value = keyed.token.encode(), keyed.value.encode()
    with connect(keyed.sandbox, talk.path, [("X-Api-Key", keyed.token)]) as wire:
        talk.say(frame(b"before " + value + b" behind") + frame(b"x" * 300 + value))
        assert read_message(wire.reader) == (TEXT, b"before " + token + b" behind")
        assert read_message(wire.reader) == (TEXT, b"x" * 300 + token)


def test_a_value_is_found_over_the_frames_of_a_message(talk, keyed):
    token, value = keyed.token.encode(), keyed.value.encode()
    with connect(keyed.sandbox, talk.path) as wire:
        for at in range(1, len(value), 7):
            talk.say(frame(value[:at], TEXT) + frame(b"?", PING) + frame(value[at:], LAST))
            assert read_message(wire.reader) == (PING & 0x0F, b"?")
            assert read_message(wire.reader) == (TEXT, token)
            talk.say(frame(value[:at], BINARY) + frame(value[at:], LAST))
            assert read_message(wire.reader) == (BINARY, b"*" * len(value))


@pytest.mark.parametrize("first", [PING, PONG])
def test_a_value_in_a_control_frame_is_masked(talk, keyed, first):
    with connect(keyed.sandbox, talk.path) as wire:
        talk.say(frame(b"x" + keyed.value.encode(), first))
        assert read_message(wire.reader) == (first & 0x0F, b"x" + b"*" * len(keyed.value))


def test_a_value_in_the_reason_of_a_close_is_masked(talk, keyed):
    with connect(keyed.sandbox, talk.path) as wire:
        talk.say(frame(b"\x03\xe8" + keyed.value.encode(), CLOSE))
        assert read_message(wire.reader) == (CLOSE & 0x0F, b"\x03\xe8" + b"*" * len(keyed.value))


def test_a_message_that_ends_like_a_value_begins_is_not_held_back(talk, keyed):
    whole = b"an answer: " + keyed.value[:6].encode()
    with connect(keyed.sandbox, talk.path) as wire:
        talk.say(frame(whole))
        assert read_message(wire.reader) == (TEXT, whole)


def test_half_a_frame_goes_on_before_the_other_half_comes(talk, keyed):
    with connect(keyed.sandbox, talk.path) as wire:
        whole = frame(b"first second")
        talk.say(whole[:8])
        assert read_frame(wire.reader)[:2] == (TEXT, b"first ")
        talk.say(whole[8:])
        assert read_frame(wire.reader)[:2] == (LAST | PART, b"second")


def test_compression_of_frames_is_not_offered(origin, keyed, listed):
    for sandbox in (keyed.sandbox, listed.sandbox):
        path = origin.on(accept)
        with connect(sandbox, path, [("Sec-WebSocket-Extensions", "permessage-deflate")]):
            assert origin.request(path).field("sec-websocket-extensions") is None


NOT_OFFERED = [("Sec-WebSocket-Extensions", "permessage-deflate"), ("Sec-WebSocket-Protocol", "chat")]


@pytest.mark.parametrize("field", NOT_OFFERED)
def test_what_the_client_did_not_offer_is_refused(origin, keyed, field):
    path = origin.on(lambda exchange: accept(exchange, [field]))
    with shake_hands(keyed.sandbox, path) as wire:
        assert wire.response().json()["code"] == "upstream_protocol"


def test_a_subprotocol_that_the_client_offers_may_be_chosen(origin, keyed):
    field = ("Sec-WebSocket-Protocol", "chat")
    path = origin.on(lambda exchange: accept(exchange, [field]))
    with shake_hands(keyed.sandbox, path, [field]) as wire:
        head = wire.reader.until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ") and b"\r\nSec-WebSocket-Protocol: chat\r\n" in head


def test_where_answers_are_not_redacted_tokens_are_replaced_all_the_same(talk, api):
    store = api.store(["api.test"], redactResponses=False)
    value, _ = api.secret(store, inject=["header", "websocket"])
    sandbox = api.sandbox(store)
    with connect(sandbox, talk.path, [("X-Api-Key", sandbox.token())]) as wire:
        wire.send(sent(sandbox.token().encode()))
        assert talk.hears() == (TEXT, value.encode())
        talk.say(frame(value.encode()))
        assert read_message(wire.reader) == (TEXT, value.encode())
        api.delete(f"/api/secret-stores/{store['id']}/secrets/API_KEY")
        assert read_close(wire.reader) == RESTART


# How it ends.

NOT_IN_ORDER = {
    "compressed": sent(b"x", 0xC1),
    "reserved opcode": sent(b"x", 0x83),
    "without a mask": frame(b"x"),
    "continues nothing": sent(b"x", LAST | PART),
    "a ping in parts": sent(b"x", PING & 0x0F),
    "a long ping": sent(b"x" * 126, PING),
    "a length of two bytes where one would do": b"\x81\xfe\x00\x05" + b"keys" + b"x" * 5,
}


@pytest.mark.parametrize("fault", NOT_IN_ORDER)
def test_a_client_that_breaks_the_protocol_is_told(proxy, talk, listed, fault):
    with connect(listed.sandbox, talk.path) as wire:
        wire.send(sent(b"in order") + NOT_IN_ORDER[fault])
        assert talk.hears() == (TEXT, b"in order")
        assert read_close(wire.reader) == PROTOCOL_ERROR
        assert wire.is_closed()
    assert talk.hears()[1][:2] == PROTOCOL_ERROR.to_bytes(2, "big")
    assert talk.is_over.wait(GENEROUS)
    (record,) = proxy.wait_for_audit(sandbox=listed.sandbox.id, path=talk.path)
    assert record["code"] == "bad_request"


def test_an_origin_that_breaks_the_protocol_is_stopped(proxy, talk, keyed):
    with connect(keyed.sandbox, talk.path) as wire:
        talk.say(frame(b"in order") + sent(b"masked"))
        assert read_message(wire.reader) == (TEXT, b"in order")
        assert read_close(wire.reader) == PROTOCOL_ERROR
        assert wire.is_closed()
    (record,) = proxy.wait_for_audit(sandbox=keyed.sandbox.id, path=talk.path)
    assert record["code"] == "upstream_protocol"


def narrow(keyed):
    keyed.api.secret(keyed.store, text=keyed.value, inject=["websocket"], allowedHosts=["other.test"])


def rotate(keyed):
    keyed.api.secret(keyed.store, inject=["websocket"])


def delete(keyed):
    keyed.api.delete(f"/api/secret-stores/{keyed.store['id']}/secrets/API_KEY")


def add(keyed):
    keyed.api.secret(keyed.store, "ANOTHER")


def lose_host(keyed):
    egress = {"egressAllowlist": ["other.test"]}
    keyed.api.ok("PUT", f"/api/secret-stores/{keyed.store['id']}", egress)


def hibernate(keyed):
    keyed.sandbox.post("hibernate")


CHANGES = {
    narrow: (RESTART, None),
    rotate: (RESTART, None),
    delete: (RESTART, None),
    add: (RESTART, None),
    lose_host: (VIOLATION, "host_not_allowed"),
    hibernate: (VIOLATION, "sandbox_suspended"),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_it_ends_when_what_it_was_decided_on_changes(proxy, talk, keyed_with, change):
    keyed = keyed_with(egress=["api.test", "other.test"], inject=["websocket"])
    status, code = CHANGES[change]
    with connect(keyed.sandbox, talk.path) as wire:
        wire.send(sent(keyed.token.encode()))
        assert talk.hears() == (TEXT, keyed.value.encode())
        change(keyed)
        assert read_close(wire.reader) == status
        wire.send(sent(b"later " + keyed.token.encode()))
        assert wire.is_closed()
    assert talk.hears()[1][:2] == status.to_bytes(2, "big")
    assert talk.is_over.wait(GENEROUS) and talk.heard.empty()
    (record,) = proxy.wait_for_audit(sandbox=keyed.sandbox.id, path=talk.path)
    assert record.get("code") == code and record["decision"] == "allowed"
    assert record["secrets"] == ["API_KEY"]


def test_it_ends_over_http2_too(talk, keyed):
    with h2.connect(keyed.sandbox, "api.test") as peer:
        fields = [(":protocol", "websocket"), ("sec-websocket-version", "13")]
        stream = peer.open("CONNECT", talk.path, fields, end=False)
        assert stream.wait_head().status == 200
        delete(keyed)
        assert read_close(Collected(stream)) == RESTART
        stream.wait_end()
    assert talk.is_over.wait(GENEROUS)


def test_one_without_secrets_ends_with_its_sandbox(talk, api):
    sandbox = api.sandbox(api.store(["api.test"]))
    with connect(sandbox, talk.path) as wire:
        talk.say(frame(b"open"))
        assert read_message(wire.reader) == (TEXT, b"open")
        sandbox.post("hibernate")
        assert wire.is_closed()
    assert talk.is_over.wait(GENEROUS)


def test_a_handshake_that_was_declined_is_an_answer_like_any_other(origin, keyed):
    has_changed = threading.Event()

    def script(exchange):
        exchange.send(encode("HTTP/1.1 200 OK", [("Content-Length", "100000")]))
        exchange.send(b"x" * 70000)
        has_changed.wait(GENEROUS)
        exchange.send(b"x" * 30000)

    with shake_hands(keyed.sandbox, origin.on(script)) as wire:
        wire.reader.until(b"\r\n\r\n")
        add(keyed)
        has_changed.set()
        assert wire.reader.exactly(100000) == b"x" * 100000


def test_what_does_not_concern_its_host_does_not_end_it(talk, keyed_with):
    keyed = keyed_with(egress=["api.test"], inject=["websocket"], allowedHosts=["api.test"])
    with connect(keyed.sandbox, talk.path) as wire:
        egress = {"egressAllowlist": ["api.test", "other.test"]}
        keyed.api.ok("PUT", f"/api/secret-stores/{keyed.store['id']}", egress)
        keyed.api.secret(keyed.store, "ELSEWHERE", allowedHosts=["other.test"])
        wire.send(sent(keyed.token.encode()))
        assert talk.hears() == (TEXT, keyed.value.encode())
