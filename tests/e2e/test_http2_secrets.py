# SPDX-License-Identifier: Apache-2.0
"""Decision, injection and redaction are per stream; HTTP/2 without TLS is refused."""

import base64
import gzip
import os
import threading

import pytest

from harness.expect import refusal
from harness.h2 import connect
from harness.message import encode
from harness.wait import GENEROUS, until


@pytest.fixture
def keyed(keyed_with, h2_origin):
    return keyed_with(egress=["h2.test", "api.test", "other.test"], allowedHosts=["h2.test", "api.test"])


def ok(stream):
    stream.answer(200, body=stream.pseudo[":path"].encode())


# Values on their way out.


def test_a_token_arrives_as_its_value_and_no_table_keeps_it(h2_origin, h2_client, keyed):
    path = h2_origin.on(ok)
    fields = [("authorization", f"Bearer {keyed.token}"), ("x-api-key", keyed.token), ("x-plain", "open")]
    assert h2_client.fetch(path, fields).status == 200
    seen = h2_origin.request(path)
    assert seen.field("authorization") == f"Bearer {keyed.value}"
    assert seen.field("x-api-key") == keyed.value and seen.field("x-plain") == "open"
    assert {"authorization", "x-api-key"} <= seen.hidden


def test_a_request_without_a_token_may_use_the_table(h2_origin, h2_client):
    path = h2_origin.on(ok)
    assert h2_client.fetch(path, [("x-plain", "open")]).status == 200
    assert h2_origin.request(path).hidden == set()


def test_a_token_in_basic_credentials_is_found(h2_origin, h2_client, keyed):
    path = h2_origin.on(ok)
    coded = base64.b64encode(f"user:{keyed.token}".encode()).decode()
    assert h2_client.fetch(path, [("authorization", f"Basic {coded}")]).status == 200
    sent = h2_origin.request(path).field("authorization").removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"user:{keyed.value}"


def test_a_changed_secret_is_what_the_next_stream_sends(h2_origin, h2_client, keyed):
    path = h2_origin.on(ok)
    h2_client.fetch(path, [("x-api-key", keyed.token)])
    new, _ = keyed.api.secret(keyed.store)
    h2_client.fetch(path, [("x-api-key", keyed.token)])
    assert [seen.field("x-api-key") for seen in h2_origin.requests(path)] == [keyed.value, new]


# Values on their way back.


def test_a_value_in_every_part_of_an_answer_is_hidden(h2_origin, h2_client, keyed):
    text = keyed.value

    def script(stream):
        stream.hint(103, [("x-hint", text)])
        stream.answer(200, [("x-echo", f"a {text} b")], f"<{text}>".encode(), [("x-trailer", text)])

    answer = h2_client.fetch(h2_origin.on(script))
    assert answer.interim == [{":status": "103", "x-hint": keyed.token}]
    assert answer.field("x-echo") == f"a {keyed.token} b"
    assert answer.body == f"<{keyed.token}>".encode()
    assert answer.trailers == [("x-trailer", keyed.token)]


def test_a_value_split_over_frames_is_hidden(h2_origin, h2_client, keyed):
    def script(stream):
        stream.begin()
        for byte in f"<{keyed.value}>".encode():
            stream.send(bytes([byte]))
        stream.end()

    assert h2_client.fetch(h2_origin.on(script)).body == f"<{keyed.token}>".encode()


def test_a_value_in_a_gzip_body_is_hidden(h2_origin, h2_client, keyed):
    filler = os.urandom(40_000).hex()
    packed = gzip.compress(f"{filler}{keyed.value}{filler}".encode())
    fields = [("content-encoding", "gzip"), ("content-length", str(len(packed)))]
    path = h2_origin.on(lambda stream: stream.answer(200, fields, packed))
    answer = h2_client.fetch(path, [("accept-encoding", "gzip, br")])
    assert answer.body == f"{filler}{keyed.token}{filler}".encode()
    assert answer.field("content-encoding") is None and answer.field("content-length") is None


def test_values_of_parallel_streams_are_hidden(h2_origin, h2_client, keyed):
    path = h2_origin.on(lambda stream: stream.answer(200, body=stream.field("x-api-key").encode() * 2000))
    streams = [h2_client.open("GET", path, [("x-api-key", keyed.token)]) for _ in range(30)]
    for stream in streams:
        assert stream.wait_end().body == keyed.token.encode() * 2000


# Refusals.


def test_a_refused_stream_ends_alone(h2_origin, h2_client, keyed):
    go_on = threading.Event()

    def script(stream):
        stream.begin()
        stream.send(b"begun, ")
        go_on.wait(GENEROUS)
        stream.send(b"finished", end=True)

    slow, never = h2_origin.on(script), h2_origin.on(ok)
    under_way = h2_client.open("GET", slow)
    under_way.wait_body(7)
    for field in ("osb_sealed_" + "0" * 32, keyed.token + "x", keyed.token[:-1]):
        refusal(h2_client.fetch(never, [("x-api-key", field)]), 403, "token_unknown")
    refusal(h2_client.fetch(f"{never}?k={keyed.token}"), 403, "token_place_not_allowed")
    refusal(h2_client.fetch(never, [("user-agent", keyed.token)]), 403, "token_place_not_allowed")
    go_on.set()
    assert under_way.wait_end().body == b"begun, finished"
    assert h2_origin.requests(never) == []


def test_a_secret_for_another_host_is_refused_on_its_stream(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200))
    with connect(keyed.sandbox, "other.test") as peer:
        refusal(peer.fetch(path, [("x-api-key", keyed.token)]), 403, "secret_host_not_allowed")
        assert peer.fetch(path).status == 200
    assert len(origin.requests(path)) == 1


def test_a_refused_upload_is_answered_and_the_other_streams_go_on(h2_origin, h2_client):
    never, other = h2_origin.on(ok), h2_origin.on(ok)
    upload = h2_client.open("POST", never, [("x-api-key", "osb_sealed_bad")], end=False)
    upload.wait_head()
    assert upload.status == 403
    upload.wait()
    assert upload.code == "token_unknown"
    for _ in range(5):
        assert h2_client.fetch(other).status == 200
    assert h2_origin.requests(never) == []


@pytest.mark.parametrize("spelled", ["other.test", "h2.test:444", "h2.test:80", "www.h2.test", "H2.test."])
def test_another_authority_is_misdirected_on_its_stream_alone(h2_origin, h2_client, spelled):
    path = h2_origin.on(ok)
    answer = h2_client.fetch(path, authority=spelled)
    if spelled == "H2.test.":
        assert answer.status == 200  # one and the same name
        assert h2_origin.request(path).pseudo[":authority"] == "h2.test"
    else:
        refusal(answer, 421, "misdirected_request")
        assert h2_origin.requests(path) == []
    assert h2_client.fetch(h2_origin.on(ok)).status == 200


def test_a_suspended_sandbox_is_refused_on_its_open_connection(h2_origin, h2_client, keyed):
    path = h2_origin.on(ok)
    assert h2_client.fetch(path).status == 200
    keyed.sandbox.post("hibernate")
    refusal(h2_client.fetch(path), 407, "sandbox_suspended")
    keyed.sandbox.post("wake")
    assert h2_client.fetch(path).status == 200


@pytest.mark.parametrize("method, status", [("TRACE", 405), ("TRACK", 405), ("CONNECT", 405)])
def test_methods_that_are_not_allowed(h2_origin, h2_client, method, status):
    path = h2_origin.on(ok)
    if method == "CONNECT":
        stream = h2_client._new(h2_client.h2.get_next_available_stream_id())
        stream.head([(":method", "CONNECT"), (":authority", "h2.test:443")], end=True)
    else:
        stream = h2_client.open(method, path)
    refusal(stream.wait_end(), status, "method_not_allowed")
    assert h2_client.fetch(path).status == 200 and len(h2_origin.requests(path)) == 1


def test_streams_are_audited_one_by_one(proxy, h2_origin, h2_client, keyed):
    path = h2_origin.on(ok)
    h2_client.fetch(path, [("x-api-key", keyed.token)])
    h2_client.fetch(path, [("x-api-key", "osb_sealed_")])
    allowed, refused = proxy.wait_for_audit(2, sandbox=keyed.sandbox.id, path=path)
    assert (allowed["status"], allowed["secrets"]) == (200, ["API_KEY"])
    assert (refused["status"], refused["code"]) == (403, "token_unknown")


# Without TLS.


def test_an_upgrade_to_h2c_is_not_passed_on(origin, keyed_with):
    keyed = keyed_with(egress=["plain.test"])
    path = origin.on(lambda exchange: exchange.answer(200, body=b"over HTTP/1.1"))
    fields = [
        ("Host", "plain.test"),
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ]
    with keyed.sandbox.tunnel("plain.test", 80, tls=False) as wire:
        answer = wire.request("GET", path, fields)
    if answer.status == 200:
        seen = origin.request(path)
        assert answer.body == b"over HTTP/1.1"
        assert not [seen.field(name) for name in ("upgrade", "http2-settings", "connection") if seen.field(name)]
    else:
        refusal(answer, 400, "bad_request")


def test_curl_that_wants_h2c_is_served_http1_or_refused(origin, keyed_with):
    keyed = keyed_with(egress=["plain.test"])
    path = origin.on(lambda exchange: exchange.answer(200, body=b"over HTTP/1.1"))
    ran = keyed.sandbox.curl("--http2", "-p", "-w", "%{http_version}", f"http://plain.test{path}", check=False)
    assert ran.stdout in (b"over HTTP/1.11.1",) or b"bad_request" in ran.stdout


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@pytest.mark.parametrize("where", ["to the proxy", "in a tunnel", "in a tunnel with TLS of HTTP/1.1"])
def test_prior_knowledge_of_h2c_is_refused(origin, keyed_with, where):
    keyed = keyed_with(egress=["plain.test", "api.test"])
    seen = len(origin.seen)
    if where == "to the proxy":
        wire = keyed.sandbox.wire()
    elif where == "in a tunnel":
        wire = keyed.sandbox.tunnel("plain.test", 80, tls=False)
    else:
        wire = keyed.sandbox.tunnel("api.test")
    with wire:
        wire.send(PREFACE + b"\0\0\0\4\0\0\0\0\0")
        assert wire.response().status in (400, 505)
        assert wire.is_closed()
    assert len(origin.seen) == seen


def test_curl_with_prior_knowledge_is_refused(origin, keyed_with):
    keyed = keyed_with(egress=["plain.test"])
    path = origin.on(lambda exchange: exchange.answer(200))
    ran = keyed.sandbox.curl("--http2-prior-knowledge", "-p", f"http://plain.test{path}", check=False)
    assert ran.returncode != 0 and origin.requests(path) == []
