# SPDX-License-Identifier: Apache-2.0
"""Requests that two readers of HTTP could understand differently are understood by nobody."""

import pytest

from harness.expect import refusal

LINE = b"POST %s HTTP/1.1\r\n"
HOST = b"Host: api.test\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

# What, and the bytes: %s is a path of its own.
HEADS = {
    "length and chunked": LINE + HOST + b"Content-Length: 3\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunked and length": LINE + HOST + CHUNKED + b"Content-Length: 3\r\n\r\n0\r\n\r\n",
    "an empty transfer coding and a length": LINE + HOST + b"Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc",
    "chunked twice": LINE + HOST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two lines of transfer coding": LINE + HOST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "identity": LINE + HOST + b"Transfer-Encoding: identity\r\n\r\n",
    "gzip, chunked": LINE + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked with a vertical tab": LINE + HOST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"POST %s HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n",
    "two lengths": LINE + HOST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two equal lengths": LINE + HOST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": LINE + HOST + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": LINE + HOST + b"Content-Length: +3\r\n\r\nabc",
    "a length in hex": LINE + HOST + b"Content-Length: 0x3\r\n\r\nabc",
    "a length with a space inside": LINE + HOST + b"Content-Length: 3 0\r\n\r\nabc",
    "a length beyond 64 bits": LINE + HOST + b"Content-Length: 18446744073709551619\r\n\r\nabc",
    "an empty length": LINE + HOST + b"Content-Length:\r\n\r\n",
    "a bare LF after the request line": b"POST %s HTTP/1.1\n" + HOST + b"\r\n",
    "a bare LF after a field": LINE + HOST + b"X: y\n\r\n",
    "a bare LF at the end": LINE + HOST + b"X: y\r\n\n",
    "a bare CR in a field": LINE + HOST + b"X: a\rb\r\n\r\n",
    "a leading blank line": b"\r\n" + LINE + HOST + b"\r\n",
    "a leading LF": b"\n" + LINE + HOST + b"\r\n",
    "obs-fold": LINE + HOST + b"X: a\r\n b\r\n\r\n",
    "obs-fold before a length": LINE + HOST + b"X: a\r\n\tContent-Length: 3\r\n\r\n",
    "a fold as the first line": LINE + b" X: a\r\n" + HOST + b"\r\n",
    "a space before the colon": LINE + HOST + b"Content-Length : 3\r\n\r\nabc",
    "an empty field name": LINE + HOST + b": x\r\n\r\n",
    "a field without a colon": LINE + HOST + b"nothing\r\n\r\n",
    "NUL in a field": LINE + HOST + b"X: a\x00b\r\n\r\n",
    "NUL in a name": LINE + HOST + b"X\x00: a\r\n\r\n",
    "a control character in a field": LINE + HOST + b"X: a\x01b\r\n\r\n",
    "a name with a space": LINE + HOST + b"X Y: a\r\n\r\n",
    "two spaces after the method": b"POST  %s HTTP/1.1\r\n" + HOST + b"\r\n",
    "two spaces before the version": b"POST %s  HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tab in the request line": b"POST\t%s HTTP/1.1\r\n" + HOST + b"\r\n",
    "a fragment": b"POST %s#x HTTP/1.1\r\n" + HOST + b"\r\n",
    "a control character in the target": b"POST %s\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no version": b"POST %s\r\n" + HOST + b"\r\n",
    "lower case http": b"POST %s http/1.1\r\n" + HOST + b"\r\n",
    "no host": LINE + b"X: y\r\n\r\n",
    "two hosts": LINE + HOST + HOST + b"\r\n",
    "an empty host": LINE + b"Host:\r\n\r\n",
    "userinfo in the host": LINE + b"Host: user@api.test\r\n\r\n",
    "a path in the host": LINE + b"Host: api.test/x\r\n\r\n",
    "a list of hosts": LINE + b"Host: api.test, other.test\r\n\r\n",
    "a method that is no token": b"PO(ST %s HTTP/1.1\r\n" + HOST + b"\r\n",
    "an expectation that nobody knows": LINE + HOST + b"Expect: 200-maybe\r\n\r\n",
}


@pytest.mark.parametrize("what", HEADS)
def test_a_head_that_is_not_well_formed_is_refused_and_the_connection_closed(origin, keyed, what):
    path = origin.on(lambda exchange: exchange.answer(200))
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(HEADS[what].replace(b"%s", path.encode()))
        response = wire.response()
        assert response.status in (400, 505), (what, response.start, response.body)
        assert response.code in ("bad_request", "http_version_not_supported")
        assert wire.is_closed()
    assert origin.requests(path) == []


CHUNKS = {
    "a signed size": b"+3\r\nabc\r\n0\r\n\r\n",
    "a size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "an empty size": b"\r\nabc\r\n0\r\n\r\n",
    "a size with a space before it": b" 3\r\nabc\r\n0\r\n\r\n",
    "a size of 17 digits": b"00000000000000003\r\nabc\r\n0\r\n\r\n",
    "a size beyond 64 bits": b"ffffffffffffffff3\r\nabc\r\n0\r\n\r\n",
    "a bare LF after the size": b"3\nabc\r\n0\r\n\r\n",
    "a bare LF after the data": b"3\r\nabc\n0\r\n\r\n",
    "data longer than its size": b"2\r\nabc\r\n0\r\n\r\n",
    "extensions without end": b"3;" + b"x" * 5000 + b"\r\nabc\r\n0\r\n\r\n",
    "a control character in an extension": b"3;a\x01\r\nabc\r\n0\r\n\r\n",
    "a bare CR in an extension": b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    "a bare LF in a trailer": b"3\r\nabc\r\n0\r\nX: y\n\r\n",
    "a fold in a trailer": b"3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n",
}


@pytest.mark.parametrize("what", CHUNKS)
def test_chunks_that_are_not_well_formed_are_refused_and_the_connection_closed(origin, keyed, what):
    bodies = []

    def script(exchange):
        bodies.append(exchange.read_body())
        exchange.answer(200)

    path = origin.on(script)
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(LINE.replace(b"%s", path.encode()) + HOST + CHUNKED + b"\r\n" + CHUNKS[what])
        response = wire.response()
        refusal(response, 400, "bad_request")
        assert wire.is_closed()
    assert bodies == [], "the origin was told that the body is complete"


MISDIRECTED = {
    "another host": b"Host: other.test\r\n",
    "another port": b"Host: api.test:444\r\n",
    "the scheme's other port": b"Host: api.test:80\r\n",
    "a name below": b"Host: www.api.test\r\n",
}


@pytest.mark.parametrize("what", MISDIRECTED)
def test_a_host_other_than_the_tunnels_is_misdirected(origin, keyed_with, what):
    keyed = keyed_with(egress=["*"])
    path = origin.on(lambda exchange: exchange.answer(200))
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(b"GET " + path.encode() + b" HTTP/1.1\r\n" + MISDIRECTED[what] + b"\r\n")
        refusal(wire.response(), 421, "misdirected_request")
        assert wire.is_closed()
    assert origin.requests(path) == []


def test_absolute_form_with_the_tunnels_own_scheme_and_authority_passes(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200))
    with keyed.sandbox.tunnel("api.test") as wire:
        assert wire.request("GET", f"https://api.test{path}", [("Host", "api.test")]).status == 200
    assert origin.request(path).start == f"GET {path} HTTP/1.1"


@pytest.mark.parametrize("target", ["https://other.test/", "http://api.test/", "http://api.test:443/", "https://u@api.test/"])
def test_absolute_form_that_is_not_the_tunnels_is_refused(keyed_with, target):
    keyed = keyed_with(egress=["*"])
    with keyed.sandbox.tunnel("api.test") as wire:
        refusal(wire.request("GET", target, [("Host", "api.test")]), 400, "bad_request")
        assert wire.is_closed()


@pytest.mark.parametrize("spelling", ["api.test", "API.test", "api.test.", "api.test:443"])
def test_a_host_in_another_spelling_is_the_same(origin, keyed, spelling):
    path = origin.on(lambda exchange: exchange.answer(200))
    with keyed.sandbox.tunnel("api.test") as wire:
        assert wire.request("GET", path, [("Host", spelling)]).status == 200
    assert origin.request(path).field("host") == "api.test"


def test_a_server_name_other_than_the_tunnels_is_misdirected(origin, keyed_with):
    keyed = keyed_with(egress=["*"])
    path = origin.on(lambda exchange: exchange.answer(200))
    with keyed.sandbox.wire() as wire:
        assert wire.connect("api.test:443", keyed.sandbox.credentials).status == 200
        try:
            wire.start_tls("other.test", keyed.sandbox.ca_file)
        except OSError:
            return  # the leaf is for the tunnel's name, and this client looked
        refusal(wire.request("GET", path, [("Host", "api.test")]), 421, "misdirected_request")
    assert origin.requests(path) == []


def test_a_server_name_other_than_the_tunnels_is_misdirected_for_clients_that_do_not_look(origin, keyed_with):
    keyed = keyed_with(egress=["*"])
    path = origin.on(lambda exchange: exchange.answer(200))
    for host in ("api.test", "other.test"):
        with keyed.sandbox.wire() as wire:
            assert wire.connect("api.test:443", keyed.sandbox.credentials).status == 200
            wire.start_blind_tls("other.test")
            answer = wire.request("GET", path, [("Host", host), ("X-Api-Key", keyed.token)])
            refusal(answer, 421, "misdirected_request")
    assert origin.requests(path) == []


@pytest.mark.parametrize("target", ["api.test", "api.test:", "api.test:0", "api.test:65536", ":443", "a b:443", "user@api.test:443", "http://api.test:443"])
def test_connect_to_what_is_no_authority_is_refused(keyed, target):
    with keyed.sandbox.wire() as wire:
        refusal(wire.connect(target, keyed.sandbox.credentials), 400, "bad_request")


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "127.1", "0177.0.0.1", "127.0.0.1.", "[::ffff:127.0.0.1]"])
def test_odd_spellings_of_addresses_are_refused(api, host):
    """They are no host names, and no literals in their standard spelling either."""
    sandbox = api.sandbox()
    with sandbox.wire() as wire:
        answer = wire.connect(f"{host}:443", sandbox.credentials)
        if answer.status == 200:
            wire.start_blind_tls(None)
            answer = wire.request("GET", "/", [("Host", host)])
            assert answer.code in ("address_not_allowed", "host_not_allowed", "upstream_dns")
        else:
            refusal(answer, 400, "bad_request")
