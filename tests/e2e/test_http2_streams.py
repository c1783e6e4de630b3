# SPDX-License-Identifier: Apache-2.0
"""Streams of HTTP/2, on both sides: none holds up, ends or confuses another."""

import contextlib
import os
import threading

import pytest

from harness.expect import refusal
from harness.h2 import CANCEL, GOAWAY, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM, WINDOW, connect, frame
from harness.message import encode
from harness.wait import GENEROUS, until

BOTH = ["api.test", "h2.test"]


@pytest.fixture
def keyed(keyed_with, h2_origin):
    return keyed_with(egress=[*BOTH, "other.test"])


def ok(stream):
    stream.answer(200, body=stream.pseudo[":path"].encode())


# Many at once.


def test_sixty_streams_at_once_share_one_upstream_connection(h2_origin, h2_client):
    gate = threading.Barrier(61)

    def script(stream):
        gate.wait(GENEROUS)
        ok(stream)

    path = h2_origin.on(script)
    streams = [h2_client.open("GET", f"{path}?{number}") for number in range(60)]
    gate.wait(GENEROUS)  # all sixty have arrived before any is answered
    for number, stream in enumerate(streams):
        assert stream.wait_end().body.decode() == f"{path}?{number}"
    assert len({seen.peer for seen in h2_origin.requests(path)}) == 1


def test_a_response_that_nobody_reads_holds_up_no_other(h2_origin, h2_client):
    body = os.urandom(1_000_000)
    big = h2_origin.on(lambda stream: stream.answer(200, body=body))
    small = h2_origin.on(ok)
    stalled = h2_client.open("GET", big)
    stalled.holds = True
    stalled.wait_body(WINDOW)
    for number in range(20):
        assert h2_client.fetch(f"{small}?{number}").body.decode() == f"{small}?{number}"
    others = [h2_client.open("GET", big) for _ in range(4)]
    assert all(other.wait_end().body == body for other in others)
    assert len(stalled.body) == WINDOW
    stalled.release()
    assert stalled.wait_end().body == body


def test_an_upload_that_the_origin_does_not_read_holds_up_no_other(h2_origin, h2_client):
    read = threading.Event()

    def script(stream):
        stream.holds = True
        read.wait(GENEROUS)
        stream.release()
        stream.answer(200, body=str(len(stream.read_body())).encode())

    path, small = h2_origin.on(script), h2_origin.on(ok)
    upload = h2_client.open("POST", path, end=False)
    sender = threading.Thread(target=upload.send, args=(b"x" * 1_000_000, True), daemon=True)
    sender.start()
    until(lambda: h2_origin.requests(path), "the origin has the head")
    h2_origin.request(path).wait_body(WINDOW)
    for number in range(20):
        assert h2_client.fetch(f"{small}?{number}").body.decode() == f"{small}?{number}"
    read.set()
    assert upload.wait_end().body == b"1000000"


def test_a_stream_whose_origin_is_silent_holds_up_no_other(origin, h2_client, keyed):
    answer = threading.Event()

    def script(exchange):
        answer.wait(GENEROUS)
        exchange.answer(200, body=b"at last")

    slow, quick = origin.on(script), origin.on(lambda exchange: exchange.answer(200, body=b"quick"))
    with connect(keyed.sandbox, "api.test") as peer:
        waiting = peer.open("GET", slow)
        until(lambda: origin.requests(slow), "the origin has the request")
        for _ in range(10):
            assert peer.fetch(quick).body == b"quick"
        answer.set()
        assert waiting.wait_end().body == b"at last"


def test_bodies_of_many_streams_go_both_ways_unchanged(h2_origin, h2_client):
    path = h2_origin.on(lambda stream: stream.answer(200, body=stream.read_body()))
    bodies = [os.urandom(300_000) for _ in range(10)]
    streams = [h2_client.open("POST", path, end=False) for _ in bodies]
    senders = [
        threading.Thread(target=stream.send, args=(body, True), daemon=True)
        for stream, body in zip(streams, bodies)
    ]
    for sender in senders:
        sender.start()
    assert [stream.wait_end().body for stream in streams] == bodies


def test_hundred_streams_again_and_again_are_all_answered(h2_origin, keyed):
    path = h2_origin.on(lambda stream: stream.answer(200, body=b"x"))
    with connect(keyed.sandbox, "h2.test") as peer:
        for _ in range(5):
            streams = [peer.open("GET", path) for _ in range(100)]
            assert [stream.wait_end().body for stream in streams] == [b"x"] * 100


# Connections that are kept.


def test_two_sandboxes_share_no_upstream_connection(h2_origin, keyed):
    path = h2_origin.on(ok)
    for sandbox in (keyed.sandbox, keyed.api.sandbox(keyed.store)):
        with connect(sandbox, "h2.test") as peer:
            assert peer.fetch(path).status == peer.fetch(path).status == 200
    used = [seen.peer for seen in h2_origin.requests(path)]
    assert used[0] is used[1] and used[2] is used[3] and used[0] is not used[2]


def test_two_names_of_one_origin_share_no_upstream_connection(h2_origin, own_proxy):
    """Also where its certificate is good for both."""
    names = ["h2.test", "grpc.test"]
    proxy = own_proxy(workers=1, upstream={"resolve": {name: h2_origin.endpoint for name in names}})
    sandbox = proxy.api.sandbox(proxy.api.store(names))
    path = h2_origin.on(ok)
    for name in names * 2:
        with connect(sandbox, name) as peer:
            assert peer.fetch(path).status == 200
    used = [(seen.pseudo[":authority"], seen.peer) for seen in h2_origin.requests(path)]
    assert [name for name, _ in used] == names * 2
    assert used[:2] == used[2:] and used[0][1] is not used[1][1]
    assert not used[1][1].pipe.tls.session_reused


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_kept_connection_that_the_origin_has_closed_is_replaced(h2_origin, h2_client, method):
    path = h2_origin.on(ok)
    body = b"x" if method == "POST" else None
    assert h2_client.fetch(path, method=method, body=body).status == 200
    kept = h2_origin.request(path).peer
    kept.close()
    kept.wait_closed()
    answers = [h2_client.fetch(path, method=method, body=body).status for _ in range(3)]
    assert answers[-2:] == [200, 200] and answers[0] in ((200,) if method == "GET" else (200, 502))


def test_a_kept_connection_is_used_by_the_next_client(h2_origin, keyed):
    path = h2_origin.on(ok)
    for _ in range(3):
        with connect(keyed.sandbox, "h2.test") as peer:
            assert peer.fetch(path).status == 200
    connections = {seen.peer for seen in h2_origin.requests(path)}
    assert len(connections) <= 2  # each worker has its own


# Ends before the end.


def wait_reset(stream):
    """The code of a reset that comes after the request has ended; None when the connection goes."""
    stream.peer.wait(lambda: stream.reset is not None or stream.peer.is_closed, "it is reset")
    return stream.reset


@pytest.mark.parametrize("when", ["before the answer", "in the middle of it"])
def test_a_stream_that_the_client_cancels_is_cancelled_upstream(h2_origin, h2_client, when):
    resets = []

    def script(stream):
        if when == "in the middle of it":
            stream.begin()
            stream.send(b"x" * 1000)
        resets.append(wait_reset(stream))

    path, other = h2_origin.on(script), h2_origin.on(ok)
    stream = h2_client.open("GET", path)
    until(lambda: h2_origin.requests(path), "the origin has the request")
    if when == "in the middle of it":
        stream.wait_body(1000)
    stream.cancel()
    until(lambda: resets, "the origin hears of it")
    assert resets == [CANCEL]
    assert h2_client.fetch(other).body.decode() == other
    assert h2_origin.request(path).peer is h2_origin.request(other).peer


def test_a_stream_that_the_client_cancels_frees_the_http1_upstream(origin, keyed):
    left = threading.Event()

    def script(exchange):
        exchange.close_after = True
        exchange.send(encode("HTTP/1.1 200 OK", [("Content-Length", "1000000000")]))
        with contextlib.suppress(OSError):
            while True:
                exchange.send(b"x" * 65536)
        left.set()

    path, other = origin.on(script), origin.on(lambda exchange: exchange.answer(200, body=b"ok"))
    with connect(keyed.sandbox, "api.test") as peer:
        stream = peer.open("GET", path)
        stream.wait_body(1000)
        stream.cancel()
        assert left.wait(GENEROUS)
        assert peer.fetch(other).body == b"ok"


def test_an_http1_client_that_leaves_cancels_its_stream_alone(h2_origin, keyed):
    resets = []

    def script(stream):
        stream.begin()
        stream.send(b"x")
        resets.append(wait_reset(stream))

    path = h2_origin.on(script)
    with keyed.sandbox.tunnel("h2.test") as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "h2.test")]))
        wire.reader.until(b"\r\n\r\n")
    until(lambda: resets, "the origin hears of it")
    assert resets == [CANCEL] and not h2_origin.request(path).peer.is_closed


def test_a_client_that_leaves_with_many_streams_cancels_them_all(h2_origin, keyed):
    resets = []

    def script(stream):
        resets.append(wait_reset(stream))

    path = h2_origin.on(script)
    with connect(keyed.sandbox, "h2.test") as peer:
        for _ in range(20):
            peer.open("GET", path)
        until(lambda: len(h2_origin.requests(path)) == 20, "the origin has all requests")
    until(lambda: len(resets) == 20, "the origin hears of all")
    assert set(resets) == {CANCEL}


def test_an_origin_that_resets_before_its_answer_is_a_502(h2_origin, h2_client):
    path, other = h2_origin.on(lambda stream: stream.cancel(INTERNAL_ERROR)), h2_origin.on(ok)
    refusal(h2_client.fetch(path, method="POST", body=b"x"), 502, "upstream_closed")
    assert h2_client.fetch(other).body.decode() == other


def test_an_origin_that_resets_in_the_middle_is_visibly_cut_off(h2_origin, h2_client):
    def script(stream):
        stream.begin()
        stream.send(b"half")
        stream.peer.flushed()
        sent.wait(GENEROUS)
        stream.cancel(INTERNAL_ERROR)

    sent = threading.Event()
    path, other = h2_origin.on(script), h2_origin.on(ok)
    stream = h2_client.open("GET", path)
    stream.wait_body(4)
    sent.set()
    stream.wait()
    assert stream.reset is not None and not stream.has_ended and stream.body == b"half"
    assert h2_client.fetch(other).body.decode() == other


def test_an_http1_client_sees_that_an_origin_has_reset_in_the_middle(h2_origin, keyed):
    sent = threading.Event()

    def script(stream):
        stream.begin()
        stream.send(b"half")
        sent.wait(GENEROUS)
        stream.cancel(INTERNAL_ERROR)

    path = h2_origin.on(script)
    with keyed.sandbox.tunnel("h2.test") as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "h2.test")]))
        assert "transfer-encoding: chunked" in wire.reader.until(b"\r\n\r\n").decode().lower()
        assert wire.reader.until(b"half\r\n") == b"4\r\nhalf\r\n"
        sent.set()
        assert wire.rest() == b""


def test_a_refused_stream_is_tried_again_on_another_connection(h2_origin, h2_client):
    refused = []

    def script(stream):
        if not refused:
            refused.append(stream)
            return stream.cancel(REFUSED_STREAM)
        ok(stream)

    warm, path = h2_origin.on(ok), h2_origin.on(script)
    h2_client.fetch(warm)
    assert h2_client.fetch(path).body.decode() == path
    assert len(h2_origin.requests(path)) == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("how", ["reset", "goodbye"])
def test_the_first_request_of_a_connection_that_was_not_looked_at_is_sent_again(h2_origin, keyed_with, method, how):
    """Whatever its method: the origin says that it did nothing with it."""
    refused = []

    def script(stream):
        if refused:
            return ok(stream)
        refused.append(stream.peer)
        if how == "reset":
            stream.cancel(REFUSED_STREAM)
        else:
            say_goodbye(stream.peer, 0)

    path = h2_origin.on(script)
    with connect(keyed_with(egress=["h2.test"]).sandbox, "h2.test") as client:
        assert client.fetch(path, method=method).body.decode() == path
    assert [seen.peer is refused[0] for seen in h2_origin.requests(path)] == [True, False]


def test_a_request_that_is_refused_again_is_not_sent_a_third_time(h2_origin, h2_client):
    path = h2_origin.on(lambda stream: stream.cancel(REFUSED_STREAM))
    refusal(h2_client.fetch(path), 502, "upstream_closed")
    assert len(h2_origin.requests(path)) == 2


def test_a_request_that_was_refused_after_a_hint_is_not_sent_again(h2_origin, h2_client):
    """The client has the hint: of another attempt it would get it twice."""

    def script(stream):
        stream.hint(103)
        stream.cancel(REFUSED_STREAM)

    path = h2_origin.on(script)
    stream = h2_client.open("GET", path)
    refusal(stream.wait_end(), 502, "upstream_closed")
    assert len(stream.interim) == 1
    h2_origin.request(path)


def test_a_body_of_which_some_is_gone_is_not_sent_again(h2_origin, h2_client):
    def script(stream):
        stream.wait_body(4)
        stream.cancel(REFUSED_STREAM)

    path = h2_origin.on(script)
    refusal(h2_client.fetch(path, method="POST", body=b"body"), 502, "upstream_closed")
    h2_origin.request(path)


def say_goodbye(peer, last, code=NO_ERROR):
    peer.raw(frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big")))


def test_an_origin_that_says_goodbye_finishes_what_it_has_and_gets_no_more(h2_origin, h2_client):
    go_on = threading.Event()

    def script(stream):
        say_goodbye(stream.peer, stream.number)
        stream.begin()
        stream.send(b"first half, ")
        go_on.wait(GENEROUS)
        stream.send(b"second half", end=True)

    path, other = h2_origin.on(script), h2_origin.on(ok)
    stream = h2_client.open("GET", path)
    stream.wait_body(10)
    assert h2_client.fetch(other).body.decode() == other
    go_on.set()
    assert stream.wait_end().body == b"first half, second half"
    first, second = h2_origin.request(path), h2_origin.request(other)
    assert first.peer is not second.peer
    first.peer.wait_closed()


def test_a_request_that_a_goodbye_leaves_out_is_sent_again(h2_origin, h2_client):
    warm = h2_origin.on(ok)
    h2_client.fetch(warm)
    gone = h2_origin.request(warm).peer

    def script(stream):
        if stream.peer is gone:
            return say_goodbye(stream.peer, stream.number - 2)
        ok(stream)

    path = h2_origin.on(script)
    assert h2_client.fetch(path).body.decode() == path
    assert [seen.peer is gone for seen in h2_origin.requests(path)] == [True, False]


def test_an_origin_that_closes_without_a_word_fails_only_what_was_under_way(h2_origin, h2_client):
    path, other = h2_origin.on(lambda stream: stream.peer.close()), h2_origin.on(ok)
    refusal(h2_client.fetch(path, method="POST", body=b"x"), 502, "upstream_closed")
    assert h2_client.fetch(other).body.decode() == other


# Heads, interim responses, trailers.


def test_a_sandbox_can_go_while_the_answer_of_a_dead_connection_waits_for_its_client(h2_origin, own_proxy):
    proxy = own_proxy(workers=1)
    store, small = proxy.api.store(["h2.test"]), h2_origin.on(ok)
    sandbox, other = proxy.api.sandbox(store), proxy.api.sandbox(store)
    path = h2_origin.on(lambda stream: stream.answer(200, body=b"x" * 4_000_000))

    def turn():
        """The worker has seen all that came before."""
        return other.fetch("h2.test", small).status == 200

    with connect(sandbox, "h2.test") as client:
        stalled = client.open("GET", path)
        stalled.holds = True
        stalled.wait_body(WINDOW)
        told = h2_origin.request(path)
        until(lambda: told.window == 0 and turn() and told.window == 0, "nothing more is taken")
        told.peer.close()
        assert turn()
        proxy.api.delete(sandbox.path)
        assert turn()
    assert "process_" not in proxy.log()


def test_trailers_go_through_between_every_version(origin, h2_origin, keyed):
    trailers = [("x-checksum", "abc"), ("x-other", "def")]
    paths = {
        "api.test": origin.on(lambda exchange: exchange.answer_chunked([b"data"], trailers=trailers)),
        "h2.test": h2_origin.on(lambda stream: stream.answer(200, body=b"data", trailers=trailers)),
    }
    for host, path in paths.items():
        over_h1 = keyed.sandbox.fetch(host, path)
        assert over_h1.body == b"data"
        assert [(name.lower(), text) for name, text in over_h1.trailers] == trailers
        with connect(keyed.sandbox, host) as peer:
            over_h2 = peer.fetch(path)
            assert over_h2.body == b"data" and over_h2.trailers == trailers


def test_trailers_without_a_body(h2_origin, h2_client):
    path = h2_origin.on(lambda stream: stream.answer(200, trailers=[("grpc-status", "5")]))
    answer = h2_client.fetch(path)
    assert answer.body == b"" and answer.trailers == [("grpc-status", "5")]


def test_interim_responses_go_through_between_every_version(origin, h2_origin, keyed):
    def script_h1(exchange):
        exchange.send(encode("HTTP/1.1 103 Early Hints", [("Link", "</a.css>")]))
        exchange.send(encode("HTTP/1.1 103 Early Hints", [("Link", "</b.css>")]))
        exchange.answer(200, body=b"final")

    def script_h2(stream):
        stream.hint(103, [("link", "</a.css>")])
        stream.hint(103, [("link", "</b.css>")])
        stream.answer(200, body=b"final")

    for host, path in (("api.test", origin.on(script_h1)), ("h2.test", h2_origin.on(script_h2))):
        over_h1 = keyed.sandbox.fetch(host, path)
        assert [interim.field("link") for interim in over_h1.interim] == ["</a.css>", "</b.css>"]
        with connect(keyed.sandbox, host) as peer:
            over_h2 = peer.fetch(path)
            assert [interim["link"] for interim in over_h2.interim] == ["</a.css>", "</b.css>"]
            assert over_h1.body == over_h2.body == b"final"


def test_more_than_ten_interim_responses_are_an_error(h2_origin, h2_client):
    def script(stream):
        for _ in range(12):
            stream.hint(103)
        stream.answer(200)

    refusal(h2_client.fetch(h2_origin.on(script)), 502, "upstream_protocol")


BODILESS = [("HEAD", 200, "1000"), ("GET", 304, "1000"), ("GET", 204, None)]


@pytest.mark.parametrize("method, status, length", BODILESS)
def test_answers_that_never_have_a_body(origin, h2_origin, keyed, method, status, length):
    fields = [("x-here", "yes")] + ([("content-length", length)] if length else [])
    paths = {
        "api.test": origin.on(lambda exchange: exchange.send(encode(f"HTTP/1.1 {status} X", fields))),
        "h2.test": h2_origin.on(lambda stream: stream.begin(status, fields, end=True)),
    }
    for host, path in paths.items():
        over_h1 = keyed.sandbox.fetch(host, path, method=method)
        assert (over_h1.status, over_h1.field("content-length")) == (status, length)
        how = ["--head"] if method == "HEAD" else ["--include"]
        url = f"https://{host}{path}"
        over_h2 = keyed.sandbox.curl("--http2", *how, url, url).stdout.decode()
        assert over_h2.count(f"HTTP/2 {status}") == over_h2.count("x-here: yes") == 2
        assert over_h2.count("content-length: 1000") == (2 if length else 0)
        assert over_h2.replace("\r", "").endswith("\n\n")


def test_a_length_that_is_not_that_of_the_data_is_an_error(h2_origin, h2_client):
    def too_little(stream):
        stream.begin(200, [("content-length", "10")])
        stream.send(b"x", end=True)

    def too_much(stream):
        stream.begin(200, [("content-length", "1")])
        stream.send(b"xxxxxxxxxx", end=True)

    other = h2_origin.on(ok)
    for script in (too_little, too_much):
        answer = h2_client.open("GET", h2_origin.on(script)).wait()
        assert answer.status == 502 or not answer.has_ended
    assert h2_client.fetch(other).body.decode() == other


def test_http1_framing_fields_do_not_reach_an_http2_client(origin, keyed):
    def script(exchange):
        fields = [("Connection", "keep-alive, X-Hop"), ("X-Hop", "1"), ("Keep-Alive", "x")]
        exchange.answer_chunked([b"data"], fields)

    with connect(keyed.sandbox, "api.test") as peer:
        answer = peer.fetch(origin.on(script))
    named = {name for name, _ in answer.fields}
    assert answer.body == b"data"
    assert not named & {"connection", "keep-alive", "transfer-encoding", "x-hop", "upgrade"}


def test_that_trailers_are_welcome_is_said_over_http2_alone(origin, h2_origin, keyed):
    """Servers of gRPC insist on it; over HTTP/1.1 it is a field for one hop."""
    paths = {"api.test": origin.on(lambda exchange: exchange.answer(200)), "h2.test": h2_origin.on(ok)}
    for host, path in paths.items():
        with connect(keyed.sandbox, host) as peer:
            assert peer.fetch(path, [("te", "trailers")]).status == 200
        fields = [("TE", "gzip, trailers"), ("Connection", "TE")]
        assert keyed.sandbox.fetch(host, path, fields).status == 200
    assert [request.field("te") for request in origin.requests(paths["api.test"])] == [None, None]
    assert [stream.field("te") for stream in h2_origin.requests(paths["h2.test"])] == ["trailers"] * 2


def test_cookies_in_pieces_are_one_field_for_http1(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200))
    with connect(keyed.sandbox, "api.test") as peer:
        assert peer.fetch(path, [("cookie", "a=1"), ("cookie", "b=2")]).status == 200
    assert origin.request(path).all("cookie") == ["a=1; b=2"]


def test_an_answer_to_an_upload_that_is_not_read_comes_at_once(h2_origin, h2_client):
    def script(stream):
        stream.answer(413, body=b"too much")
        stream.cancel(NO_ERROR)

    other = h2_origin.on(ok)
    upload = h2_client.open("POST", h2_origin.on(script), end=False)
    threading.Thread(target=_send_until_reset, args=(upload,), daemon=True).start()
    upload.wait()
    assert upload.status == 413 and upload.body == b"too much" and upload.has_ended
    assert h2_client.fetch(other).body.decode() == other


def _send_until_reset(stream):
    with contextlib.suppress(Exception):
        while not stream.is_over:
            stream.send(b"x" * 10_000)


def test_expect_continue_is_asked_of_an_http2_origin(h2_origin, keyed):
    def script(stream):
        stream.hint(100)
        stream.answer(200, body=stream.read_body())

    path = h2_origin.on(script)
    with keyed.sandbox.tunnel("h2.test") as wire:
        fields = [("Host", "h2.test"), ("Expect", "100-continue"), ("Content-Length", "4")]
        wire.send(encode(f"POST {path} HTTP/1.1", fields))
        assert wire.reader.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100")
        wire.send(b"body")
        assert wire.response().body == b"body"


# The end of the proxy.


def test_open_streams_are_finished_when_the_proxy_stops(h2_origin, own_proxy):
    go_on, under_way = threading.Event(), threading.Event()

    def script(stream):
        stream.begin()
        stream.send(b"begun, ")
        under_way.set()
        go_on.wait(GENEROUS)
        stream.send(b"finished", end=True)

    proxy = own_proxy(limits={"drain_timeout": "1m"})
    sandbox = proxy.api.sandbox(proxy.api.store(["h2.test"]))
    path = h2_origin.on(script)
    answers = []
    run = lambda: answers.append(sandbox.curl("--http2", "--fail", f"https://h2.test{path}").stdout)
    curl = threading.Thread(target=run)
    curl.start()
    assert under_way.wait(GENEROUS)
    stopping = threading.Thread(target=proxy.terminate)
    stopping.start()
    until(lambda: "drain" in proxy.log() or not proxy.is_ready(), "it is stopping")
    go_on.set()
    curl.join()
    stopping.join()
    assert answers == [b"begun, finished"] and proxy.process.returncode == 0


def test_a_client_that_keeps_its_connection_does_not_hold_up_the_end(h2_origin, own_proxy):
    go_on, under_way = threading.Event(), threading.Event()

    def script(stream):
        stream.begin()
        under_way.set()
        go_on.wait(GENEROUS)
        stream.send(b"finished", end=True)

    proxy = own_proxy(limits={"drain_timeout": "1h"})
    sandbox = proxy.api.sandbox(proxy.api.store(["h2.test"]))
    with connect(sandbox, "h2.test") as client:
        stream = client.open("GET", h2_origin.on(script))
        assert under_way.wait(GENEROUS)
        stopping = threading.Thread(target=proxy.terminate)
        stopping.start()
        client.wait(lambda: client.goaway is not None, "the proxy is stopping")
        go_on.set()
        assert stream.wait_end().body == b"finished"
        client.wait_closed()
        stopping.join()
    assert proxy.process.returncode == 0
