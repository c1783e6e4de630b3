# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as clients and origins expect it, through the proxy."""

import hashlib
import os
import socket
import threading

import pytest

from harness.expect import refusal
from harness.message import Truncated, chunked, encode
from harness.stalls import fill, reset
from harness.wait import GENEROUS, until

HOST = ("Host", "api.test")


def ok(exchange):
    exchange.answer(200, body=exchange.request.target.encode())


def test_a_connection_is_kept_for_many_requests(origin, keyed):
    path = origin.on(ok)
    with keyed.sandbox.tunnel("api.test") as wire:
        for number in range(20):
            target = f"{path}?{number}"
            assert wire.request("GET", target, [HOST]).body.decode() == target
    assert len({request.connection for request in origin.requests(path)}) == 1


def test_pipelined_requests_are_answered_in_order(origin, keyed):
    path = origin.on(ok)
    targets = [f"{path}?{number}" for number in range(30)]
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(b"".join(encode(f"GET {target} HTTP/1.1", [HOST]) for target in targets))
        assert [wire.response().body.decode() for _ in targets] == targets
    assert [request.target for request in origin.requests(path)] == targets


def test_pipelined_requests_with_bodies_and_refusals_are_answered_in_order(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200, body=exchange.read_body()))
    bodies = [b"first" * 1000, b"", b"third" * 20_000]
    with keyed.sandbox.tunnel("api.test") as wire:
        def talk():
            for body in bodies:
                wire.send(encode(f"POST {path} HTTP/1.1", [HOST], body))
            wire.send(encode(f"GET {path} HTTP/1.1", [HOST, ("X-Key", "osb_sealed_")]))

        threading.Thread(target=talk, daemon=True).start()
        assert [wire.response().body for _ in bodies] == bodies
        refusal(wire.response(), 403, "token_unknown")


def test_a_request_byte_by_byte(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200, body=exchange.read_body()))
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send_slowly(encode(f"POST {path} HTTP/1.1", [HOST, ("X-Api-Key", keyed.token)], b"body"))
        assert wire.response().body == b"body"
    assert origin.request(path).field("x-api-key") == keyed.value


def test_a_response_byte_by_byte(origin, keyed):
    def script(exchange):
        for byte in encode("HTTP/1.1 200 OK", [("Content-Type", "text/plain")], b"slowly"):
            exchange.send(bytes([byte]))

    assert keyed.sandbox.fetch("api.test", origin.on(script)).body == b"slowly"


def test_a_chunked_request_is_chunked_upstream(origin, keyed):
    path = origin.on(lambda exchange: exchange.echo())
    pieces = [b"one", b"two" * 10_000, b"3"]
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"PUT {path} HTTP/1.1", [HOST, ("Transfer-Encoding", "chunked")]))
        wire.send(chunked(pieces))
        assert wire.response("PUT").status == 200
    seen = origin.request(path)
    assert seen.is_chunked and seen.body == b"".join(pieces)


def test_chunk_extensions_and_request_trailers_are_dropped(origin, keyed):
    path = origin.on(lambda exchange: exchange.echo())
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"PUT {path} HTTP/1.1", [HOST, ("Transfer-Encoding", "chunked")]))
        wire.send(b"3;name=value\r\nabc\r\n0\r\nX-Api-Key: " + keyed.token.encode() + b"\r\n\r\n")
        assert wire.response("PUT").status == 200
        assert wire.request("GET", path, [HOST]).status == 200
    first, _ = origin.requests(path)
    assert first.body == b"abc" and first.trailers == []


def test_trailers_of_a_response_arrive(origin, keyed):
    trailers = [("X-Checksum", "abc"), ("X-Other", "def")]
    script = lambda exchange: exchange.answer_chunked([b"data"], trailers=trailers)
    response = keyed.sandbox.fetch("api.test", origin.on(script))
    assert response.body == b"data" and response.trailers == trailers


@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_never_have_a_body(origin, keyed, status):
    def script(exchange):
        exchange.send(encode(f"HTTP/1.1 {status} Nothing", [("ETag", '"x"')]))

    path, after = origin.on(script), origin.on(ok)
    with keyed.sandbox.tunnel("api.test") as wire:
        assert wire.request("GET", path, [HOST]).status == status
        assert wire.request("GET", after, [HOST]).body.decode() == after


def test_head_has_the_head_alone(origin, keyed):
    def script(exchange):
        exchange.send(encode("HTTP/1.1 200 OK", [("Content-Length", "1000"), ("X-Here", "yes")]))

    path, after = origin.on(script), origin.on(ok)
    with keyed.sandbox.tunnel("api.test") as wire:
        response = wire.request("HEAD", path, [HOST])
        assert response.field("content-length") == "1000" and response.field("x-here") == "yes"
        assert wire.request("GET", after, [HOST]).body.decode() == after


def test_interim_responses_arrive_before_the_final_one(origin, keyed):
    def script(exchange):
        exchange.send(encode("HTTP/1.1 103 Early Hints", [("Link", "</style.css>")]))
        exchange.send(encode("HTTP/1.1 102 Processing"))
        exchange.answer(200, body=b"final")

    response = keyed.sandbox.fetch("api.test", origin.on(script))
    assert [interim.status for interim in response.interim] == [103, 102]
    assert response.interim[0].field("link") == "</style.css>" and response.body == b"final"


def test_more_than_ten_interim_responses_are_an_error(origin, keyed):
    def script(exchange):
        for _ in range(12):
            exchange.send(encode("HTTP/1.1 103 Early Hints"))
        exchange.answer(200)

    refusal(keyed.sandbox.fetch("api.test", origin.on(script)), 502, "upstream_protocol")


def test_expect_continue_is_asked_of_the_origin(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200, body=exchange.read_body()))
    with keyed.sandbox.tunnel("api.test") as wire:
        fields = [HOST, ("Expect", "100-continue"), ("Content-Length", "4")]
        wire.send(encode(f"POST {path} HTTP/1.1", fields))
        assert wire.reader.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        wire.send(b"body")
        assert wire.response().body == b"body"


def test_an_origin_that_answers_before_the_body_is_heard(origin, keyed):
    def script(exchange):
        exchange.close_after = True
        exchange.answer(413, [("Connection", "close")], b"too much", "Too Large")

    path = origin.on(script)
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"POST {path} HTTP/1.1", [HOST, ("Content-Length", "1000000")]))
        wire.send(b"x" * 1000)
        response = wire.response()
        assert response.status == 413 and response.body == b"too much"


@pytest.mark.parametrize("status", [200, 413])
def test_what_is_left_of_a_body_after_an_early_answer_is_no_request(origin, keyed, status):
    """Neither for us nor for an origin that would be asked on the same connection."""
    path = origin.on(lambda exchange: (exchange.answer(status, body=b"early"), late.wait(GENEROUS)))
    late, after = threading.Event(), origin.on(ok)
    smuggled = encode(f"GET {after} HTTP/1.1", [HOST])
    try:
        with keyed.sandbox.tunnel("api.test") as wire:
            wire.send(encode(f"POST {path} HTTP/1.1", [HOST, ("Content-Length", "1000")]))
            response = wire.response()
            assert (response.status, response.body) == (status, b"early")
            assert response.field("connection") == "close"
            wire.send(smuggled + b"x" * (1000 - len(smuggled)))
            assert wire.is_closed()
        assert origin.requests(after) == []
        assert keyed.sandbox.fetch("api.test", after).status == 200
        assert origin.request(after).connection != origin.request(path).connection
    finally:
        late.set()


def test_options_asterisk_goes_through(origin, keyed):
    with keyed.sandbox.tunnel("api.test") as wire:
        response = wire.request("OPTIONS", "*", [HOST])
    assert response.status == 200 and response.body.startswith(b"OPTIONS * HTTP/1.1\r\n")


def test_absolute_form_inside_a_tunnel_for_the_same_authority_is_one_and_the_same(origin, keyed_with):
    keyed = keyed_with(egress=["plain.test"])
    path = origin.on(ok)
    with keyed.sandbox.tunnel("plain.test", 80, tls=False) as wire:
        assert wire.request("GET", f"http://plain.test{path}", [("Host", "plain.test")]).status == 200
        response = wire.request("GET", f"http://other.test{path}", [("Host", "other.test")])
        assert response.status in (400, 421)


def test_what_is_written_upstream_is_written_anew(origin, keyed):
    path = origin.on(ok)
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(f"GET {path} HTTP/1.1\r\nhOsT:api.test\r\nX-Spaces:   a  b   \r\n\r\n".encode())
        assert wire.response().status == 200
    head = origin.request(path).head.decode()
    assert head.startswith(f"GET {path} HTTP/1.1\r\n") and head.endswith("\r\n\r\n")
    assert "Host: api.test\r\n" in head and "X-Spaces: a  b\r\n" in head


def test_alt_svc_is_removed(origin, keyed):
    fields = [("Alt-Svc", 'h3=":443"'), ("X-Kept", "yes")]

    def script(exchange):
        exchange.send(encode("HTTP/1.1 103 Early Hints", fields))
        exchange.answer_chunked([b"data"], fields, trailers=fields)

    response = keyed.sandbox.fetch("api.test", origin.on(script))
    for part in (response.interim[0].fields, response.fields, response.trailers):
        assert "alt-svc" not in {name.lower() for name, _ in part}
        assert ("X-Kept", "yes") in part


def test_fields_for_one_hop_do_not_come_back(origin, keyed):
    fields = [("Connection", "X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "timeout=9"), ("Proxy-Authenticate", "Basic")]
    script = lambda exchange: exchange.answer(200, fields)
    response = keyed.sandbox.fetch("api.test", origin.on(script))
    assert {name.lower() for name, _ in response.fields} <= {"content-length", "connection"}


def test_an_http_10_client_gets_no_chunks(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer_chunked([b"one", b"two"]))
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(f"GET {path} HTTP/1.0\r\nHost: api.test\r\n\r\n".encode())
        response = wire.response()
        assert not response.is_chunked and response.body == b"onetwo"


def test_an_http_10_client_gets_no_interim_response(origin, keyed):
    """It would take it for the answer (RFC 9110, 15.2)."""

    def script(exchange):
        exchange.send(encode("HTTP/1.1 103 Early Hints", [("Link", "</a.css>")]))
        exchange.answer(200, body=b"final")

    path = origin.on(script)
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(f"GET {path} HTTP/1.0\r\nHost: api.test\r\n\r\n".encode())
        assert wire.rest().startswith(b"HTTP/1.1 200 ")


def test_an_answer_that_is_cut_off_is_visibly_cut_off(origin, keyed):
    def script(exchange):
        exchange.close_after = True
        exchange.send(encode("HTTP/1.1 200 OK", [("Content-Length", "200000")]) + b"x" * 100_000)

    with pytest.raises((Truncated, ConnectionError, OSError)):
        keyed.sandbox.fetch("api.test", origin.on(script))


def test_a_chunked_answer_that_is_cut_off_is_visibly_cut_off(origin, keyed):
    def script(exchange):
        exchange.close_after = True
        exchange.send(encode("HTTP/1.1 200 OK", [("Transfer-Encoding", "chunked")]) + b"5\r\nhello\r\n")

    with pytest.raises((Truncated, ConnectionError, OSError)):
        keyed.sandbox.fetch("api.test", origin.on(script))


def test_an_answer_that_ends_with_the_connection_but_without_close_notify_is_cut_off(origin, keyed):
    def script(exchange):
        exchange.close_after = True
        exchange.send(encode("HTTP/1.1 200 OK", [("Connection", "close")]) + b"is this all")

    with pytest.raises((Truncated, OSError)):
        keyed.sandbox.fetch("api.test", origin.on(script))


BAD_ANSWERS = {
    "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "length and chunked": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nx",
    "an unknown transfer coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "obs-fold": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "NUL in a field": b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
    "a bare CR": b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "an upgrade that nobody asked for": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    "a head of 100,000 bytes": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("what", BAD_ANSWERS)
def test_an_answer_that_is_no_good_http_is_refused(origin, keyed, what):
    def script(exchange):
        exchange.close_after = True
        exchange.send(BAD_ANSWERS[what])

    refusal(keyed.sandbox.fetch("api.test", origin.on(script)), 502, "upstream_protocol")


def test_an_origin_that_closes_without_an_answer(origin, keyed):
    def script(exchange):
        exchange.close_after = True

    answer = keyed.sandbox.fetch("api.test", origin.on(script), method="POST", body=b"x")
    refusal(answer, 502, "upstream_closed")


def test_surplus_after_an_answer_reaches_nobody(origin, keyed):
    def script(exchange):
        mine = encode("HTTP/1.1 200 OK", body=b"mine")
        exchange.send(mine + encode("HTTP/1.1 200 OK", body=b"smuggled"))

    path, after = origin.on(script), origin.on(ok)
    with keyed.sandbox.tunnel("api.test") as wire:
        assert wire.request("GET", path, [HOST]).body == b"mine"
        assert wire.request("GET", after, [HOST]).body.decode() == after


def test_a_client_that_leaves_frees_the_upstream(origin, keyed):
    left = threading.Event()

    def script(exchange):
        exchange.close_after = True
        exchange.send(encode("HTTP/1.1 200 OK", [("Content-Length", "1000000000")]))
        try:
            while True:
                exchange.send(b"x" * 65536)
        except OSError:
            left.set()

    path = origin.on(script)
    wire = keyed.sandbox.tunnel("api.test")
    wire.send(encode(f"GET {path} HTTP/1.1", [HOST]))
    wire.reader.until(b"\r\n\r\n")
    wire.close()
    assert left.wait(GENEROUS)


def test_a_half_closed_client_is_given_a_moment_for_a_short_answer_and_no_more(origin, keyed_with):
    """It may have gone for good: an origin that thinks for long is not held for it."""
    left = threading.Event()

    def script(exchange):
        exchange.close_after = exchange.sock.recv(1) == b""
        left.set()

    path = origin.on(script)
    with keyed_with(egress=["plain.test"]).sandbox.tunnel("plain.test", 80, tls=False) as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "plain.test")]))
        until(lambda: origin.requests(path), "the origin is asked")
        wire.sock.shutdown(socket.SHUT_WR)
        assert left.wait(GENEROUS) and wire.is_closed()


def test_a_client_that_resets_while_the_origin_reads_nothing_ends_the_exchange(proxy, origin, keyed):
    has_begun, is_over = threading.Event(), threading.Event()

    def script(exchange):
        exchange.close_after = True
        has_begun.set()
        is_over.wait(2 * GENEROUS)

    path = origin.on(script)
    wire = keyed.sandbox.tunnel("api.test")
    wire.send(encode(f"POST {path} HTTP/1.1", [HOST, ("Content-Length", "1000000000")]))
    assert has_begun.wait(GENEROUS)
    fill(wire.sock)
    reset(wire.sock)
    proxy.wait_for_audit(sandbox=keyed.sandbox.id, path=path)
    is_over.set()


def test_a_body_of_some_megabytes_goes_both_ways_unchanged(origin, keyed):
    body = os.urandom(5_000_000)
    digest = hashlib.sha256(body).hexdigest()

    def script(exchange):
        exchange.answer(200, [("X-Digest", hashlib.sha256(exchange.read_body()).hexdigest())], body)

    path = origin.on(script)
    ran = keyed.sandbox.curl("-D", "/dev/stderr", "--data-binary", "@-", f"https://api.test{path}", input=body)
    assert ran.stdout == body
    assert digest.encode() in ran.stderr


def test_many_clients_at_once(origin, keyed):
    path = origin.on(ok)
    answers = []

    def client(number):
        with keyed.sandbox.tunnel("api.test") as wire:
            for step in range(5):
                target = f"{path}?{number}-{step}"
                answers.append(wire.request("GET", target, [HOST]).body.decode() == target)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [True] * 200


def test_a_client_that_pauses_gets_the_end_of_an_answer_that_closes(origin, keyed):
    body = os.urandom(20_000_000)

    def script(exchange):
        exchange.close_after = True
        exchange.answer(200, [("Connection", "close")], body)

    path = origin.on(script)
    with keyed.sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [HOST]))
        head = wire.reader.until(b"\r\n\r\n")
        threading.Event().wait(4)  # longer than any lingering
        assert b"200 OK" in head and wire.reader.exactly(len(body)) == body


def test_a_client_that_half_closes_still_gets_its_answer(origin, keyed_with):
    keyed = keyed_with(egress=["plain.test"])
    path = origin.on(ok)
    with keyed.sandbox.tunnel("plain.test", 80, tls=False) as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "plain.test")]))
        wire.sock.shutdown(socket.SHUT_WR)
        assert wire.response().body.decode() == path


def test_open_connections_return_to_where_they_were(proxy, keyed):
    for _ in range(20):
        keyed.sandbox.tunnel("api.test").close()
    until(lambda: proxy.metrics()["sealgate_connections_open"] == 0, "no connection is open")
