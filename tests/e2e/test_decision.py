# SPDX-License-Identifier: Apache-2.0
"""The order of decisions, and each refusal where a client can read it."""

import contextlib
import pathlib

import pytest

from harness.expect import refusal
from harness.message import encode
from harness.wait import until
from harness.wire import basic

FOREIGN = "osb_sealed_" + "0" * 32


def test_a_disallowed_host_is_refused_inside_the_tunnel(keyed):
    with keyed.sandbox.wire() as wire:
        answer = wire.connect("evil.test:443", keyed.sandbox.credentials)
        assert answer.status == 200
        wire.start_tls("evil.test", keyed.sandbox.ca_file)
        answer = wire.request("GET", "/", [("Host", "evil.test")])
        refusal(answer, 403, "host_not_allowed", host="evil.test", sandbox=keyed.sandbox.id)


def test_the_connection_of_a_refused_request_serves_the_next(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200, body=b"fine"))
    with keyed.sandbox.tunnel("api.test") as wire:
        host = ("Host", "api.test")
        bad = wire.request("GET", path, [host, ("X-Api-Key", FOREIGN)])
        refusal(bad, 403, "token_unknown")
        assert wire.request("GET", path, [host]).body == b"fine"
    assert len(origin.requests(path)) == 1


HOSTS = [
    # pattern, target, allowed
    ("api.test", "api.test:443", True),
    ("api.test", "API.TEST.:443", True),
    ("api.test", "other.test:443", False),
    ("api.test", "api.test:8443", False),
    ("api.test:8443", "api.test:8443", True),
    ("api.test:8443", "api.test:443", False),
    ("api.test:*", "api.test:12345", True),
    ("*.example.test", "www.example.test:443", True),
    ("*.example.test", "a.b.example.test:443", True),
    ("*.example.test", "example.test:443", False),
    ("*", "third.test:443", True),
    ("*", "third.test:8443", False),
    ("*:*", "third.test:8443", True),
]


@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding"])
def test_the_body_of_a_refused_request_is_no_request(origin, keyed, framing):
    path, smuggled = (origin.on(lambda exchange: exchange.answer(200)) for _ in range(2))
    body = encode(f"GET {smuggled} HTTP/1.1", [("Host", "api.test")])
    how = (framing, str(len(body)) if framing == "Content-Length" else "chunked")
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"POST {path} HTTP/1.1", [("Host", "api.test"), ("X-Key", "osb_sealed_"), how]))
        refusal(wire.response(), 403, "token_unknown")
        wire.send(body)
        assert wire.is_closed()
    assert origin.requests(path) == origin.requests(smuggled) == []


@pytest.mark.parametrize("pattern, target, allowed", HOSTS)
def test_a_host_pattern_decides(origin, keyed_with, pattern, target, allowed):
    sandbox = keyed_with(egress=[pattern]).sandbox
    path = origin.on(lambda exchange: exchange.answer(200))
    with sandbox.wire() as wire:
        assert wire.connect(target, sandbox.credentials).status == 200
        wire.start_tls(target.rpartition(":")[0].rstrip(".").lower(), sandbox.ca_file)
        answer = wire.request("GET", path, [("Host", target)])
    if allowed:
        assert answer.status == 200, answer.body
    else:
        refusal(answer, 403, "host_not_allowed")
    assert len(origin.requests(path)) == allowed


def test_without_any_store_every_public_host_is_allowed_on_443_and_80(origin, api):
    path = origin.on(lambda exchange: exchange.answer(200))
    sandbox = api.sandbox()
    assert sandbox.fetch("third.test", path).status == 200
    with sandbox.tunnel("third.test", 8443) as wire:
        answer = wire.request("GET", path, [("Host", "third.test:8443")])
        refusal(answer, 403, "host_not_allowed")


def test_the_host_is_decided_before_the_token(keyed):
    answer = keyed.sandbox.fetch("other.test", "/", [("X-Api-Key", FOREIGN)])
    refusal(answer, 403, "host_not_allowed")


def test_the_authority_is_checked_before_the_host(keyed):
    with keyed.sandbox.tunnel("evil.test") as wire:
        answer = wire.request("GET", "/", [("Host", "worse.test")])
        refusal(answer, 421, "misdirected_request")


def test_the_form_is_checked_before_the_authority(keyed):
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: other.test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
        refusal(wire.response(), 400, "bad_request")


def test_a_token_over_plain_http_is_refused_before_its_place(origin, keyed_with):
    keyed = keyed_with(egress=["plain.test"])
    path = origin.on(lambda exchange: exchange.answer(200))
    with keyed.sandbox.wire() as wire:
        fields = [
            ("Host", "plain.test"),
            ("Proxy-Authorization", basic(*keyed.sandbox.credentials)),
            ("User-Agent", keyed.token),
        ]
        answer = wire.request("GET", f"http://plain.test{path}", fields)
        refusal(answer, 403, "token_plaintext", host="plain.test", secret="API_KEY")
    assert origin.requests(path) == []


def test_plain_http_inside_a_tunnel_is_plain_http(origin, keyed_with):
    keyed = keyed_with(egress=["plain.test"])
    path = origin.on(lambda exchange: exchange.answer(200, body=b"hello"))
    with keyed.sandbox.tunnel("plain.test", 80, tls=False) as wire:
        assert wire.request("GET", path, [("Host", "plain.test")]).body == b"hello"
        answer = wire.request("GET", path, [("Host", "plain.test"), ("X-Api-Key", keyed.token)])
        refusal(answer, 403, "token_plaintext")
    assert len(origin.requests(path)) == 1


def test_the_place_is_checked_before_the_hosts_of_the_secret(keyed_with):
    keyed = keyed_with(egress=["api.test", "other.test"], allowedHosts=["other.test"])
    answer = keyed.sandbox.fetch("api.test", "/", [("User-Agent", keyed.token)])
    refusal(answer, 403, "token_place_not_allowed", secret="API_KEY")


def test_a_secret_goes_only_to_its_own_hosts(origin, keyed_with):
    keyed = keyed_with(egress=["api.test", "other.test"], allowedHosts=["other.test"])
    path = origin.on(lambda exchange: exchange.answer(200))
    answer = keyed.sandbox.fetch("api.test", path, [("X-Api-Key", keyed.token)])
    refusal(answer, 403, "secret_host_not_allowed", host="api.test", secret="API_KEY")
    assert origin.requests(path) == []
    assert keyed.sandbox.fetch("other.test", path, [("X-Api-Key", keyed.token)]).status == 200
    assert origin.request(path).field("x-api-key") == keyed.value


def test_a_secret_without_hosts_goes_wherever_the_allowlist_lets_it(origin, keyed_with):
    keyed = keyed_with(egress=["api.test", "*.example.test"])
    path = origin.on(lambda exchange: exchange.answer(200))
    for host in ("api.test", "www.example.test"):
        assert keyed.sandbox.fetch(host, path, [("X-Api-Key", keyed.token)]).status == 200
    assert {request.field("x-api-key") for request in origin.requests(path)} == {keyed.value}


def test_one_bad_token_refuses_the_request_whole(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200))
    fields = [("Authorization", f"Bearer {keyed.token}"), ("X-Other", FOREIGN)]
    refusal(keyed.sandbox.fetch("api.test", path, fields), 403, "token_unknown")
    assert origin.requests(path) == []


NEITHER_TLS_NOR_HTTP = [
    b"\x00\x01SSH-ish\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"get / HTTP/1.1\r\n", b"-A / ",
    b"A" * 40, b"EHLO\r\n",
]  # fmt: skip


def unread(sock):
    """How many bytes wait at the other end of this connection, on this machine."""
    ends = [f":{port:04X}" for port in (sock.getpeername()[1], sock.getsockname()[1])]
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if [word[-5:] for word in words[1:3]] == ends:
            return int(words[4].partition(":")[2], 16)
    return 0


def byte_by_byte(wire, data):
    """Each is read before the next is sent, until the proxy has heard enough."""
    with contextlib.suppress(OSError):
        for byte in data:
            wire.send(bytes([byte]))
            until(lambda: unread(wire.sock) == 0, "the byte is read")


@pytest.mark.parametrize("send", [lambda wire, data: wire.send(data), byte_by_byte], ids=["whole", "in bytes"])
@pytest.mark.parametrize("hello", NEITHER_TLS_NOR_HTTP)
def test_anything_but_tls_and_http_is_refused(proxy, authority, hello, send):
    sandbox = proxy.api.sandbox()
    with sandbox.wire() as wire:
        assert wire.connect("api.test:443", sandbox.credentials).status == 200
        send(wire, hello)
        assert wire.is_closed()
    (line,) = proxy.wait_for_audit(sandbox=sandbox.id)
    assert line["code"] == "protocol_not_allowed"


def test_http_in_a_tunnel_is_recognized_byte_by_byte(proxy, origin):
    sandbox = proxy.api.sandbox()
    path = origin.on(lambda exchange: exchange.answer(200, body=b"plain"))
    with sandbox.wire() as wire:
        assert wire.connect("plain.test:80", sandbox.credentials).status == 200
        byte_by_byte(wire, encode(f"GET {path} HTTP/1.1", [("Host", "plain.test")]))
        assert wire.response().body == b"plain"


def test_connect_inside_a_tunnel_is_refused(keyed):
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(encode("CONNECT api.test:443 HTTP/1.1", [("Host", "api.test:443")]))
        refusal(wire.response(), 405, "method_not_allowed")
        assert wire.is_closed()


@pytest.mark.parametrize("method", ["TRACE", "TRACK"])
def test_methods_that_send_the_head_back_are_refused(origin, keyed, method):
    path = origin.on(lambda exchange: exchange.echo())
    with keyed.sandbox.tunnel("api.test") as wire:
        fields = [("Host", "api.test"), ("X-Api-Key", keyed.token)]
        refusal(wire.request(method, path, fields), 405, "method_not_allowed")
    assert origin.requests(path) == []


def test_max_forwards_is_refused(keyed):
    answer = keyed.sandbox.fetch("api.test", "/", [("Max-Forwards", "0")], method="OPTIONS")
    refusal(answer, 400, "bad_request")


SIZES = [
    ("a target of 70,000 bytes", b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n", {414, 431}),
    ("a field of 70,000 bytes", b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n", {431}),
    ("too many fields", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 14_000, {431}),
]


@pytest.mark.parametrize("start, statuses", [row[1:] for row in SIZES], ids=[row[0] for row in SIZES])
def test_what_is_too_large_is_refused(keyed, start, statuses):
    with keyed.sandbox.tunnel("api.test") as wire:
        try:
            wire.send(start + b"Host: api.test\r\n\r\n")
        except OSError:
            pass  # it need not read all of it
        answer = wire.response()
        assert answer.status in statuses
        assert answer.code in ("uri_too_long", "header_too_large")
        assert wire.is_closed()


VERSIONS = [("HTTP/2.0", 505), ("HTTP/0.9", 505), ("HTTP/1.2", 505), ("RTSP/1.0", 400), ("ICE/1.0", 400)]


@pytest.mark.parametrize("version, status", VERSIONS)
def test_other_versions_are_refused(keyed, version, status):
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(f"GET / {version}\r\nHost: api.test\r\n\r\n".encode())
        assert wire.response().status in {status, 400, 501, 505}
        assert wire.is_closed()
