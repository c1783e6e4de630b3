# SPDX-License-Identifier: Apache-2.0
"""Which process holds a value, and until when: read from the memory of every process."""

import base64
import gzip
import re
import secrets
import subprocess

import pytest

from harness import memory, websocket
from harness.api import value
from harness.h2 import connect
from harness.proxy import ROLES
from harness.wait import until

VALUE_MAX = 16 * 1024


class Watched:
    """A sealgate, and the values that it was given, by the way they took."""

    def __init__(self, proxy):
        self.proxy, self.values = proxy, {}
        self.store = proxy.api.store(["api.test", "h2.test"])

    def new(self, way, text=None):
        self.values[way] = text or value(way)
        return self.values[way]

    def put(self, name, way, text=None, **more):
        body = {"value": self.new(way, text), **more}
        return self.call(name, json=body).status_code

    def call(self, name, **options):
        return self.proxy.api.call("PUT", f"/api/secret-stores/{self.store['id']}/secrets/{name}", **options)

    def pids(self):
        found = {role: self.proxy.pids(role) for role in ROLES}
        return {"supervisor": [self.proxy.process.pid], **found}

    def holders(self, *ways):
        wanted = {way: self.values[way] for way in ways or self.values}
        return {way: roles for way, roles in memory.holders(self.pids(), wanted).items() if roles}

    def until_nobody_holds(self, *ways):
        until(lambda: not self.holders(*ways), f"nobody holds {ways or 'any value'}")


@pytest.fixture
def watched(own_proxy):
    proxy = own_proxy(workers=1)
    if not memory.may_look(proxy.process.pid):
        pytest.skip("only root may read the memory of the processes")
    return Watched(proxy)


def test_what_the_api_was_given_is_in_no_process_afterwards(watched):
    assert watched.put("API_KEY", "plain") == 200
    assert watched.put("LARGE_KEY", "large", secrets.token_hex(VALUE_MAX // 2)) == 200
    assert watched.put("API_KEY", "beside a box", sealedValue="sealgate.v1.x") == 400
    assert watched.put("API_KEY", "bad host", allowedHosts=["a b"]) == 400
    for way, body in {
        "line break": '{"value": "%s\\n"}',
        "list": '{"value": ["%s"]}',
        "name of a field": '{"value": 1, "%s": 2}',
        "twice": '{"value": "x", "value": "%s"}',
        "not JSON": '{"value": "%s',
    }.items():
        assert watched.call("API_KEY", data=(body % watched.new(way)).encode()).status_code == 400
    watched.call(watched.new("path"), json={"value": "in the path"})
    watched.call("API_KEY?value=" + watched.new("query"), json={"value": "in the query"})
    watched.call("API_KEY", json={"value": "in a field"}, headers={"X-Value": watched.new("field")})
    watched.until_nobody_holds()


def test_what_was_sealed_again_is_in_no_process_afterwards(watched):
    assert watched.put("API_KEY", "changed hosts") == 200
    assert watched.call("API_KEY", json={"allowedHosts": ["api.test"]}).status_code == 200
    watched.proxy.api.ok("POST", "/api/keys/rotate", {})
    watched.until_nobody_holds()


def echo_everywhere(exchange):
    """In a field, in a coded body and in a trailer."""
    sent = exchange.request.field("x-api-key")
    coded = gzip.compress(exchange.request.head * 8)
    exchange.answer_chunked([coded], [("X-Echo", sent), ("Content-Encoding", "gzip")], [("X-End", sent)])


def use(sandbox, origin):
    path = origin.on(echo_everywhere)
    basic = base64.b64encode(f"user:{sandbox.token()}".encode()).decode()
    fields = [("X-Api-Key", sandbox.token()), ("Authorization", f"Basic {basic}")]
    wire = sandbox.tunnel("api.test")
    assert wire.request("GET", path, [("Host", "api.test"), *fields]).status == 200
    return wire


def test_a_worker_holds_a_value_while_it_is_current_and_no_other_process_does(watched, origin):
    watched.put("API_KEY", "old")
    sandbox = watched.proxy.api.sandbox(watched.store)
    with use(sandbox, origin):
        assert watched.holders() == {"old": {"worker"}}  # so the search finds what it should
        watched.put("API_KEY", "new")
        watched.until_nobody_holds("old")
    use(sandbox, origin).close()
    assert watched.holders() == {"new": {"worker"}}
    watched.proxy.api.delete(sandbox.path)
    watched.until_nobody_holds()


def echo_in_fields(stream):
    sent = stream.field("x-api-key")
    stream.answer(200, [("x-echo", sent)], sent.encode(), [("x-end", sent)])


def test_no_table_of_http2_keeps_what_an_origin_echoed(watched, h2_origin):
    watched.put("API_KEY", "old")
    sandbox = watched.proxy.api.sandbox(watched.store)
    with connect(sandbox, "h2.test") as client:
        path = h2_origin.on(echo_in_fields)
        stream = client.fetch(path, [("x-api-key", sandbox.token())])
        assert stream.field("x-echo") == sandbox.token()
        assert watched.holders() == {"old": {"worker"}}
        watched.put("API_KEY", "new")
        watched.until_nobody_holds("old")


def echo_messages(exchange):
    """Everything in halves, as text, as bytes and in a ping."""
    websocket.accept(exchange)
    while True:
        _, text = websocket.read_message(exchange.reader, masked=True)
        half = len(text) // 2
        for kind in (websocket.TEXT, websocket.BINARY):
            exchange.send(websocket.frame(text[:half], kind))
            exchange.send(websocket.frame(text[-120:], websocket.PING))
            exchange.send(websocket.frame(text[half:], websocket.LAST))


def test_a_websocket_leaves_no_value_behind(watched, origin):
    watched.put("API_KEY", "old", inject=["websocket"])
    sandbox = watched.proxy.api.sandbox(watched.store)
    token = sandbox.token().encode()
    with websocket.connect(sandbox, origin.on(echo_messages)) as wire:
        for text in (token, token + b" " * 70 + token, b"x" * 100_000 + b" " + token):
            wire.send(websocket.sent(text[:-9], websocket.TEXT) + websocket.sent(text[-9:], websocket.LAST))
            answers = [websocket.read_message(wire.reader) for _ in range(4)]
            assert [kind for kind, _ in answers] == [9, websocket.TEXT, 9, websocket.BINARY]
            assert answers[1][1] == text
        assert watched.holders() == {"old": {"worker"}}
        watched.put("API_KEY", "new")
        assert websocket.read_close(wire.reader) == 1012
        watched.until_nobody_holds("old")


def private_keys(folder):
    """The CA's scalar, in both byte orders, and the unsealing key."""
    command = ["openssl", "ec", "-in", folder / "ca-key.pem", "-noout", "-text"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    scalar = bytes.fromhex(re.sub(r"[\s:]", "", re.search(r"priv:(.*?)pub:", text, re.DOTALL)[1]))[-32:]
    sealing = next(folder.glob("sealing-*.key")).read_bytes()
    return {"scalar": scalar, "scalar in words": scalar[::-1], "sealing": sealing}


def test_private_keys_are_in_the_keyholder_alone(watched, origin):
    watched.put("API_KEY", "value")
    use(watched.proxy.api.sandbox(watched.store), origin).close()
    found = memory.holders(watched.pids(), private_keys(watched.proxy.data_dir / "keys"))
    assert found["sealing"] == {"keyholder"}
    assert found["scalar"] | found["scalar in words"] == {"keyholder"}
