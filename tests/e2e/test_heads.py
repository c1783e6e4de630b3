# SPDX-License-Identifier: Apache-2.0
"""Heads as full and as odd as they may be, between every version of HTTP: what is legal goes through, and what
is not is refused in so many words."""

import pytest

from conftest import make_keyed
from harness import h2
from harness.expect import refusal
from harness.message import encode
from harness.websocket import shake_hands

FIELDS_MAX = 200
HOSTS = {"http/1.1": "api.test", "http/2": "h2.test"}
VERSIONS = list(HOSTS)
TOO_MANY = {"api.test": 17, "h2.test": 12}  # values of the greatest length, in one head


@pytest.fixture(scope="module")
def keyed(api):
    return make_keyed(api, [*HOSTS.values(), "ws-h2.test"])


def in_bytes(fields):
    """For libraries that would make UTF-8 of them."""
    return [(name.encode(), value.encode("latin-1")) for name, value in fields]


class Client:
    """Asks over either version, and gives back what both of them have."""

    def __init__(self, sandbox, version, host):
        self.sandbox, self.version, self.host = sandbox, version, host

    def fetch(self, path, fields=(), method="GET", body=None):
        if self.version == "http/2":
            with h2.connect(self.sandbox, self.host) as peer:
                return peer.fetch(path, in_bytes(fields), method, body)
        with self.sandbox.tunnel(self.host) as wire:
            wire.send(encode(f"{method} {path} HTTP/1.1", [("Host", self.host), *fields], body))
            return wire.response(method)


@pytest.fixture(params=[(client, origin) for client in VERSIONS for origin in VERSIONS], ids=" to ".join)
def ways(request, keyed, origin, h2_origin):
    client, version = request.param
    return Client(keyed.sandbox, client, HOSTS[version]), origin if version == "http/1.1" else h2_origin


def numbered(count, size=1):
    return [(f"x-{number}", "v" * size) for number in range(count)]


ODD = [
    ("x-empty", ""),
    ("x-latin", "caf\xe9 \x80\xff"),
    ("x-tab", "a\tb"),
    ("x-colon", ":: a:b"),
    ("!#$%&'*+-.^_`|~", "every mark of a token"),
    ("x-long", "l" * 30_000),
    ("x-comma", ", ,"),
]


def got(message, fields):
    """Those of `fields` that are not in the message as they are here."""
    return [field for field in fields if field[1] not in message.all(field[0])]


def test_odd_fields_go_through_both_ways(ways):
    client, origin = ways
    said = ODD if client.host == "api.test" else in_bytes(ODD)
    path = origin.on(lambda exchange: exchange.answer(200, said, b"body"))
    response = client.fetch(path, ODD)
    assert response.status == 200 and response.body == b"body"
    assert got(response, ODD) == [] and got(origin.request(path), ODD) == []


@pytest.mark.parametrize("body", [b"", b"with a length"])
def test_an_answer_with_as_many_fields_as_may_be_goes_through(ways, body):
    """Whatever it gets from us besides: the framing, and Connection."""
    client, origin = ways
    fields = numbered(FIELDS_MAX - 1)  # and its length
    path = origin.on(lambda exchange: exchange.answer(200, [*fields, ("content-length", str(len(body)))], body))
    for close in ([], [("Connection", "close")] if client.version == "http/1.1" else []):
        response = client.fetch(path, close)
        assert response.status == 200 and response.body == body
        assert got(response, fields) == []


def test_an_answer_that_ends_with_the_connection_may_have_as_many(origin, keyed):
    fields = numbered(FIELDS_MAX)

    def script(exchange):
        exchange.send(encode("HTTP/1.1 200 OK", fields) + b"to the end")
        exchange.close_after = True
        exchange.sock.unwrap()

    for version in VERSIONS:
        response = Client(keyed.sandbox, version, "api.test").fetch(origin.on(script))
        assert response.status == 200 and response.body == b"to the end"
        assert got(response, fields) == []


def test_an_answer_with_more_fields_is_refused(ways):
    client, origin = ways
    path = origin.on(lambda exchange: exchange.answer(200, [*numbered(FIELDS_MAX), ("content-length", "0")]))
    response = client.fetch(path)
    assert response.status == 502 and response.code == "upstream_protocol"


def test_a_request_with_as_many_fields_as_may_be_goes_through(ways):
    """Host is one of them, or becomes one."""
    client, origin = ways
    fields = numbered(FIELDS_MAX - 3) + [("te", "trailers"), ("accept-encoding", "gzip")]
    path = origin.on(lambda exchange: exchange.answer(200))
    assert client.fetch(path, fields).status == 200
    assert got(origin.request(path), numbered(FIELDS_MAX - 3)) == []


def test_a_request_with_more_fields_is_refused(ways):
    client, origin = ways
    path = origin.on(lambda exchange: exchange.answer(200))
    response = client.fetch(path, numbered(FIELDS_MAX))
    assert response.status == 431 and response.code == "header_too_large"
    assert origin.requests(path) == []


def test_a_switch_that_has_no_room_for_our_answer_is_refused(ws_origin, keyed):
    """Toward HTTP/1.1 it needs one field more."""
    path = ws_origin.on(lambda stream: stream.begin(200, numbered(FIELDS_MAX)))
    with shake_hands(keyed.sandbox, path, host="ws-h2.test") as wire:
        refusal(wire.response(), 502, "upstream_protocol")


@pytest.mark.parametrize("by", ["just", "far"])
def test_values_that_make_a_head_too_long_are_refused(ways, keyed_with, by):
    """Tokens are short; what they stand for is not."""
    client, origin = ways
    count = {"just": TOO_MANY[client.host], "far": 40}[by]
    keyed = keyed_with(egress=list(HOSTS.values()), text="v" * 16384)
    client = Client(keyed.sandbox, client.version, client.host)
    path = origin.on(lambda exchange: exchange.answer(200))
    fields = [(f"x-{number}", keyed.token) for number in range(count)]
    response = client.fetch(path, fields)
    assert response.status == 400 and response.code == "bad_request", response.body
    assert origin.requests(path) == []


def test_values_that_just_fit_go_through(ways, keyed_with):
    """Many times the length of the head that came; how much an HTTP/2 origin takes is its own matter."""
    client, origin = ways
    keyed = keyed_with(egress=list(HOSTS.values()), text="v" * 16384)
    client = Client(keyed.sandbox, client.version, client.host)
    path = origin.on(lambda exchange: exchange.answer(200))
    fields = [(f"x-{number}", keyed.token) for number in range(13 if client.host == "api.test" else 3)]
    response = client.fetch(path, fields)
    assert response.status == 200, response.body
    assert got(origin.request(path), [(name, keyed.value) for name, _ in fields]) == []
