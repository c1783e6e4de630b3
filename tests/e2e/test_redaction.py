# SPDX-License-Identifier: Apache-2.0
"""Whatever an origin sends back, the sandbox never sees a value it may send there."""

import base64
import gzip
import json
import threading
import urllib.parse
import zlib

import brotli
import pytest
import zstandard

from harness.canary import forms
from harness.expect import refusal
from harness.message import chunked, encode
from harness.wait import GENEROUS

KIB = 1024


def fetch(origin, keyed, script, fields=(), method="GET"):
    """What the sandbox gets when the origin runs `script`."""
    path = origin.on(script)
    return keyed.sandbox.fetch("api.test", path, fields, method)


def everything(response):
    """All bytes of a response that a client can see."""
    parts = [response.head, response.body, repr(response.trailers).encode()]
    return b"\n".join(parts + [interim.head for interim in response.interim])


def check_hidden(response, value):
    seen = everything(response)
    assert not [form for form in forms(value) if form in seen]


def test_a_plain_echo_in_a_short_body_becomes_the_token_and_the_length_follows(origin, keyed):
    body = f"you sent {keyed.value} to me".encode()
    response = fetch(origin, keyed, lambda exchange: exchange.answer(200, body=body))
    expected = body.replace(keyed.value.encode(), keyed.token.encode())
    assert response.body == expected
    assert response.all("content-length") == [str(len(expected))]


@pytest.mark.parametrize("size", [64 * KIB, 64 * KIB + 1, 300 * KIB])
def test_a_declared_length_is_kept_beyond_64_kib(origin, keyed, size):
    value = keyed.value.encode()
    body = (value + b" " * 1000).ljust(size - len(value), b".") + value
    response = fetch(origin, keyed, lambda exchange: exchange.answer(200, body=body))
    check_hidden(response, keyed.value)
    if size > 64 * KIB:
        assert len(response.body) == size
        assert response.body[len(value) : -len(value)] == body[len(value) : -len(value)]
    else:
        assert response.body == body.replace(value, keyed.token.encode())


FORMS = {
    "base64": lambda value: base64.b64encode(value),
    "base64 one byte in": lambda value: base64.b64encode(b"x" + value),
    "base64 two bytes in": lambda value: base64.b64encode(b"xy" + value),
    "base64 of credentials": lambda value: base64.b64encode(b"user:" + value + b"\n"),
    "url-safe base64": lambda value: base64.urlsafe_b64encode(value),
    "percent, every byte": lambda value: b"".join(b"%%%02X" % byte for byte in value),
    "percent": lambda value: urllib.parse.quote(value, safe="").encode(),
    "json, every character": lambda value: "".join(f"\\u{ord(char):04x}" for char in value.decode()).encode(),
    "json": lambda value: json.dumps(value.decode())[1:-1].encode(),
    "hex": lambda value: value.hex().encode(),
    "upper hex": lambda value: value.hex().upper().encode(),
}
AWKWARD = 'kéy-/+?"\\&=<value>\t0123456789'


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("text", [None, AWKWARD], ids=["plain", "awkward"])
def test_another_form_of_a_value_is_masked_in_its_own_length(origin, keyed_with, form, text):
    keyed = keyed_with(text=text) if text else keyed_with()
    coded = FORMS[form](keyed.value.encode())
    body = b"before " + coded + b" after"
    response = fetch(origin, keyed, lambda exchange: exchange.answer(200, body=body))
    check_hidden(response, keyed.value)
    assert response.body.startswith(b"before ") and response.body.endswith(b" after")
    if coded != keyed.value.encode():
        assert len(response.body) == len(body)


CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_coded_body_is_decoded_and_redacted(origin, keyed, coding):
    plain = b"a" * 100_000 + keyed.value.encode() + b"z" * 100_000
    coded = CODINGS[coding](plain)
    script = lambda exchange: exchange.answer(200, [("Content-Encoding", coding)], coded)
    response = fetch(origin, keyed, script, [("Accept-Encoding", coding)])
    assert response.field("content-encoding") is None
    assert response.body == plain.replace(keyed.value.encode(), keyed.token.encode())


@pytest.mark.parametrize("coding", CODINGS)
def test_a_coded_body_in_tiny_chunks_is_decoded_and_redacted(origin, keyed, coding):
    plain = b"start " + keyed.value.encode() + b" end"
    coded = CODINGS[coding](plain)
    pieces = [coded[at : at + 1] for at in range(len(coded))]
    script = lambda exchange: exchange.answer_chunked(pieces, [("Content-Encoding", coding)])
    response = fetch(origin, keyed, script)
    assert response.body == b"start " + keyed.token.encode() + b" end"


def test_a_coding_that_cannot_be_decoded_is_refused(origin, keyed):
    script = lambda exchange: exchange.answer(200, [("Content-Encoding", "compress")], b"data")
    refusal(fetch(origin, keyed, script), 502, "upstream_protocol")


WIDE = zstandard.ZstdCompressionParameters(window_log=24)


def wide_window():
    coder = zstandard.ZstdCompressor(compression_params=WIDE).compressobj()
    return coder.compress(b"x" * 200_000) + coder.flush()


UNDECODABLE = {"gzip": b"this is not gzip at all", "zstd": wide_window(), "deflate": b"\x00\x01 neither"}


@pytest.mark.parametrize("coding", UNDECODABLE)
def test_a_body_that_is_not_in_its_coding_is_refused(origin, keyed, coding):
    script = lambda exchange: exchange.answer(200, [("Content-Encoding", coding)], UNDECODABLE[coding])
    refusal(fetch(origin, keyed, script), 502, "upstream_protocol")


def test_a_coded_body_that_is_broken_never_looks_complete(origin, keyed):
    coded = gzip.compress(b"x" * 1000)[:-6]
    script = lambda exchange: exchange.answer(200, [("Content-Encoding", "gzip")], coded)
    try:
        response = fetch(origin, keyed, script)
    except Exception:
        return  # cut off in the middle: visible
    refusal(response, 502, "upstream_protocol")


def test_accept_encoding_is_reduced_to_what_is_decoded_here(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200))
    fields = [("Accept-Encoding", "gzip;q=0.5, compress, br, dcb, zstd, *;q=0.1")]
    keyed.sandbox.fetch("api.test", path, fields)
    accepted = origin.request(path).field("accept-encoding")
    codings = {part.split(";")[0].strip() for part in accepted.split(",")}
    assert codings <= {"gzip", "deflate", "br", "zstd", "identity"} and "gzip" in codings


def test_parts_are_not_asked_for_while_values_are_to_be_hidden(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200, body=b"whole"))
    fields = [("Range", "bytes=2-3"), ("If-Range", '"tag"')]
    assert keyed.sandbox.fetch("api.test", path, fields).body == b"whole"
    assert origin.request(path).field("range") is None
    assert origin.request(path).field("if-range") is None


def test_parts_are_asked_for_where_no_value_goes(origin, keyed_with):
    keyed = keyed_with(egress=["api.test", "other.test"], allowedHosts=["other.test"])
    path = origin.on(lambda exchange: exchange.answer(206, body=b"ol", reason="Partial Content"))
    response = keyed.sandbox.fetch("api.test", path, [("Range", "bytes=2-3")])
    assert response.status == 206
    assert origin.request(path).field("range") == "bytes=2-3"


def test_every_split_of_a_value_over_chunks_is_found(origin, keyed):
    value = keyed.value.encode()
    for at in range(1, len(value)):
        pieces = [b"<" + value[:at], value[at:] + b">"]
        response = fetch(origin, keyed, lambda exchange: exchange.answer_chunked(pieces))
        assert response.body == b"<" + keyed.token.encode() + b">", at


def test_a_value_in_single_bytes_is_found(origin, keyed):
    pieces = [bytes([byte]) for byte in b"x" + keyed.value.encode() + b"y"]
    response = fetch(origin, keyed, lambda exchange: exchange.answer_chunked(pieces))
    assert response.body == b"x" + keyed.token.encode() + b"y"


def test_a_body_that_ends_with_the_connection_is_redacted(origin, keyed):
    def script(exchange):
        exchange.close_after = True
        exchange.send(encode("HTTP/1.1 200 OK", [("Connection", "close")]))
        exchange.send(b"to the end " + keyed.value.encode())
        exchange.sock.unwrap()

    response = fetch(origin, keyed, script)
    assert response.body == b"to the end " + keyed.token.encode()


def test_what_might_become_a_value_is_let_go_when_it_does_not(origin, keyed):
    almost = keyed.value[:-1].encode()
    response = fetch(origin, keyed, lambda exchange: exchange.answer(200, body=almost))
    assert response.body == almost


def test_nothing_but_a_partial_match_is_held_back(origin, keyed):
    """Server-sent events arrive one by one, while the origin waits for the client."""
    gate = threading.Event()

    def script(exchange):
        fields = [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]
        exchange.send(encode("HTTP/1.1 200 OK", fields))
        for number in range(3):
            exchange.send(chunked([b"data: %d\n\n" % number])[: -len(b"0\r\n\r\n")])
            gate.wait(GENEROUS)
            gate.clear()
        exchange.send(b"0\r\n\r\n")

    path = origin.on(script)
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "api.test")]))
        wire.reader.until(b"\r\n\r\n")
        for number in range(3):
            wire.reader.until(b"data: %d\n\n" % number)
            gate.set()
        wire.reader.until(b"0\r\n\r\n")


def test_a_value_in_a_field_is_hidden(origin, keyed):
    fields = [
        ("X-Echo", keyed.value),
        ("Location", f"https://api.test/?key={urllib.parse.quote(keyed.value)}"),
        ("X-Basic", base64.b64encode(f"user:{keyed.value}".encode()).decode()),
        ("Set-Cookie", f"session={keyed.value}; Secure"),
    ]
    response = fetch(origin, keyed, lambda exchange: exchange.answer(302, fields, reason="Found"))
    check_hidden(response, keyed.value)
    assert response.field("x-echo") == keyed.token
    assert response.field("set-cookie") == f"session={keyed.token}; Secure"


def test_a_value_in_the_reason_is_hidden(origin, keyed):
    script = lambda exchange: exchange.answer(200, reason=f"Hello {keyed.value}")
    response = fetch(origin, keyed, script)
    check_hidden(response, keyed.value)


def test_a_value_in_a_trailer_is_hidden(origin, keyed):
    trailers = [("X-Sum", "1"), ("X-Echo", keyed.value)]
    script = lambda exchange: exchange.answer_chunked([b"body"], [("Trailer", "X-Echo")], trailers)
    response = fetch(origin, keyed, script)
    check_hidden(response, keyed.value)
    assert ("X-Echo", keyed.token) in response.trailers


def test_a_value_in_an_interim_response_is_hidden(origin, keyed):
    def script(exchange):
        exchange.send(encode("HTTP/1.1 103 Early Hints", [("Link", f"</{keyed.value}>")]))
        exchange.answer(200, body=b"done")

    response = fetch(origin, keyed, script)
    check_hidden(response, keyed.value)
    assert response.body == b"done"


def test_the_length_in_an_answer_to_head_is_kept(origin, keyed):
    def script(exchange):
        exchange.send(encode("HTTP/1.1 200 OK", [("Content-Length", "12345")]))

    response = fetch(origin, keyed, script, method="HEAD")
    assert response.all("content-length") == ["12345"]


def test_every_secret_of_the_sandbox_that_may_go_there_is_hidden(origin, api):
    """Not only the one that this request sent."""
    store = api.store(["api.test", "other.test"])
    here, _ = api.secret(store, "HERE")
    also, _ = api.secret(store, "ALSO", allowedHosts=["api.test"])
    elsewhere, _ = api.secret(store, "ELSEWHERE", allowedHosts=["other.test"])
    sandbox = api.sandbox(store)
    body = f"{here} {also} {elsewhere}".encode()
    path = origin.on(lambda exchange: exchange.answer(200, body=body))
    response = sandbox.fetch("api.test", path)
    expected = f"{sandbox.token('HERE')} {sandbox.token('ALSO')} {elsewhere}"
    assert response.body.decode() == expected


def test_a_store_may_switch_redaction_off(origin, api):
    store = api.store(["api.test"], redactResponses=False)
    value, _ = api.secret(store)
    path = origin.on(lambda exchange: exchange.answer(200, body=value.encode()))
    assert api.sandbox(store).fetch("api.test", path).body == value.encode()


def test_a_value_under_8_bytes_is_sent_but_not_hidden(origin, api):
    store = api.store(["api.test"])
    _, answer = api.secret(store, text="short12")
    assert answer["warnings"]
    sandbox = api.sandbox(store)
    path = origin.on(lambda exchange: exchange.answer(200, body=b"short12"))
    response = sandbox.fetch("api.test", path, [("X-Api-Key", sandbox.token())])
    assert response.body == b"short12"
    assert origin.request(path).field("x-api-key") == "short12"


def test_a_value_many_times_over_in_a_large_chunked_body(origin, keyed):
    value, token = keyed.value.encode(), keyed.token.encode()
    whole = b"".join(b"%d" % number + value for number in range(20_000))
    pieces = [whole[at : at + 7919] for at in range(0, len(whole), 7919)]
    response = fetch(origin, keyed, lambda exchange: exchange.answer_chunked(pieces))
    assert response.body == whole.replace(value, token)


def test_nginx_zipped_answers_are_read(nginx, keyed_with):
    keyed = keyed_with(egress=["nginx.test"])
    nginx.write("echo.txt", b"the value is " + keyed.value.encode() + b"\n" * 1000)
    ran = keyed.sandbox.curl("--compressed", "--fail", "https://nginx.test/zipped/echo.txt")
    assert ran.stdout == b"the value is " + keyed.token.encode() + b"\n" * 1000
