# SPDX-License-Identifier: Apache-2.0
"""Peers that stop, stall or leave at the wrong moment cost nothing and confuse nobody."""

import os
import pathlib
import socket
import struct
import threading
import time

import pytest

from harness.expect import refusal
from harness.h2 import HEADERS, connect, frame
from harness.message import Truncated, encode
from harness.proxy import Sealgate
from harness.wait import GENEROUS, until
from harness.wire import basic

WATCHED_S = 1


def explicit(method, sandbox, path, fields=(), version="1.1"):
    """A request in absolute form."""
    lines = [f"{method} http://api.test{path} HTTP/{version}", "Host: api.test", *fields]
    lines.append(f"Proxy-Authorization: {basic(*sandbox.credentials)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def cpu_seconds(proxy):
    """What its workers have used so far."""
    ticks = 0
    for pid in proxy.pids("worker"):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def used_meanwhile(proxy):
    before = cpu_seconds(proxy)
    time.sleep(WATCHED_S)
    return cpu_seconds(proxy) - before


def queues(local=None, remote=None):
    """(to be sent, to be read) of the established connections of these ports."""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, here, there, state, held = line.split()[:5]
        ports = int(here.split(":")[1], 16), int(there.split(":")[1], 16)
        if state == "01" and ports[0] == (local or ports[0]) and ports[1] == (remote or ports[1]):
            yield tuple(int(count, 16) for count in held.split(":"))


def sent_until_held(wire, proxy, origin):
    """Chunks, until the proxy keeps some that the kernel does not take: the origin does not read."""
    steady, last = 0, None
    wire.send(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
    while steady < 3:
        wire.send(b"1000\r\n" + b"x" * 0x1000 + b"\r\n")
        until(lambda: not any(unread for _, unread in queues(local=proxy.proxy_port)), "all is read")
        waiting = max(unsent for unsent, _ in queues(remote=origin.port))
        steady = steady + 1 if waiting == last else 0
        last = waiting


def test_a_client_that_leaves_while_the_origin_does_not_read_uses_no_processor_time(origin, own_proxy):
    proxy = own_proxy(workers=1)
    store = proxy.api.store(["api.test"])
    sandbox = proxy.api.sandbox(store)
    release = threading.Event()
    path = origin.on(lambda exchange: release.wait())
    try:
        with sandbox.wire() as wire:
            wire.send(explicit("POST", sandbox, path, ["Transfer-Encoding: chunked"]))
            sent_until_held(wire, proxy, origin)
            wire.send(b"0\r\n\r\n")
            wire.sock.shutdown(socket.SHUT_WR)
            assert used_meanwhile(proxy) < WATCHED_S / 5
    finally:
        release.set()


def test_stalled_connections_use_no_processor_time(origin, own_proxy):
    proxy = own_proxy(workers=1)
    sandbox = proxy.api.sandbox(proxy.api.store(["api.test"]))
    release = threading.Event()
    hanging = explicit("GET", sandbox, origin.on(lambda exchange: release.wait()))
    wires = [sandbox.wire() for _ in range(6)]
    begun = [b"", b"GET http://api.t", hanging, hanging + hanging, hanging[:-2], hanging]
    try:
        for wire, data in zip(wires, begun):
            wire.send(data)
        wires[-1].sock.shutdown(socket.SHUT_WR)
        until(lambda: len(origin.seen) > 0, "the origin is asked")
        assert used_meanwhile(proxy) < WATCHED_S / 5
    finally:
        release.set()
        for wire in wires:
            wire.close()


def test_an_answer_that_comes_before_the_body_is_read_arrives(origin, keyed):
    """... though the origin then resets the connection that the body goes to."""

    def refuse_and_reset(exchange):
        exchange.answer(413, [("Connection", "close")], b"too much")
        exchange.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
        exchange.close_after = True

    path = origin.on(refuse_and_reset)
    with keyed.sandbox.wire() as wire:
        wire.send(explicit("POST", keyed.sandbox, path, ["Content-Length: 20000000"]))
        try:
            for _ in range(200):
                wire.send(b"x" * 100000)
        except OSError:
            pass  # it is not read to its end
        assert wire.response().status == 413


def test_a_refusal_closes_where_the_client_asked_for_that(keyed):
    with keyed.sandbox.wire() as wire:
        wire.send(explicit("GET", keyed.sandbox, "/", ["Connection: close"]).replace(b"api", b"no", 2))
        assert wire.response().status == 403
        assert wire.is_closed()


def test_a_client_that_stays_after_the_goodbye_is_let_go(own_proxy):
    proxy = own_proxy()
    with proxy.api.sandbox().wire() as silent, proxy.api.sandbox().wire() as talking:
        for wire in (silent, talking):
            wire.send(b"\r\n")
            assert wire.response().status == 400
            assert wire.is_closed()
        with pytest.raises(OSError):
            while True:
                talking.send(bytes(65536))
        until(lambda: proxy.metrics()["sealgate_connections_open"] == 0, "both are closed")


def test_an_old_client_is_told_that_the_connection_closes(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200, body=b"ok"))
    with keyed.sandbox.wire() as wire:
        wire.send(explicit("GET", keyed.sandbox, path, ["Connection: keep-alive"], version="1.0"))
        response = wire.response()
        assert response.status == 200 and response.field("connection") == "close"
        assert wire.is_closed()


def test_a_half_closed_client_gets_the_whole_answer(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200, body=b"x" * 4000000))
    with keyed.sandbox.wire() as wire:
        wire.send(explicit("GET", keyed.sandbox, path))
        wire.sock.shutdown(socket.SHUT_WR)
        assert len(wire.response().body) == 4000000


def test_idle_connections_do_not_hold_up_the_end(origin, own_proxy):
    proxy = own_proxy(limits={"drain_timeout": "1h"})
    sandbox = proxy.api.sandbox(proxy.api.store(["api.test"]))
    path = origin.on(lambda exchange: exchange.answer(200, body=b"ok"))
    wires = [sandbox.wire() for _ in range(8)]
    for wire in wires:
        wire.send(explicit("GET", sandbox, path))
        assert wire.response().status == 200
    assert proxy.terminate() == 0
    for wire in wires:
        assert wire.is_closed()
        wire.close()


# A peer that stalls, in every state that a connection can be in: it is let go of, and told why where it can be.


@pytest.fixture(scope="module")
def impatient(upstream, origin):
    limits = {"header_timeout": "500ms", "connect_timeout": "500ms", "idle_timeout": "1s"}
    silent = socket.create_server(("127.0.0.1", 0))
    resolve = {**upstream["resolve"], "silent.test": "127.0.0.1:%d" % silent.getsockname()[1]}
    with Sealgate({"upstream": {**upstream, "resolve": resolve}, "limits": limits}) as proxy:
        sandbox = proxy.api.sandbox()
        sandbox.wait_for_audit = proxy.wait_for_audit
        yield sandbox
    silent.close()


HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(20)


@pytest.mark.parametrize("begun", [b"", b"CONNECT api.te", HALF_A_HELLO, b"\5\1"])
def test_a_client_that_says_nothing_whole_at_first(impatient, begun):
    with impatient.wire() as wire:
        wire.send(begun)
        assert wire.is_closed()


@pytest.mark.parametrize("begun", [b"", b"\x16", HALF_A_HELLO, b"GET / HT"])
def test_a_client_that_stalls_at_the_beginning_of_its_tunnel(impatient, begun):
    with impatient.tunnel("api.test", tls=False) as wire:
        wire.send(begun)
        assert wire.is_closed()


def test_a_client_that_sends_half_a_head(impatient):
    with impatient.tunnel("api.test") as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: api.te")
        refusal(wire.response(), 408, "request_timeout")


@pytest.fixture
def patient(own_proxy):
    """With a client at rest, but with no head that has begun."""
    proxy = own_proxy(limits={"header_timeout": "500ms", "idle_timeout": "1h"})
    return proxy.api.sandbox()


def test_a_head_after_a_request_has_the_time_of_a_head(patient, origin):
    path = origin.on(lambda exchange: exchange.answer(200))
    with patient.tunnel("api.test") as wire:
        assert wire.request("GET", path, [("Host", "api.test")]).status == 200
        wire.send(b"GET / HTTP/1.1\r\nHost: api.te")
        refusal(wire.response(), 408, "request_timeout")


@pytest.mark.parametrize("missing", ["the end of its frame", "a continuation"])
def test_a_head_over_http2_has_the_time_of_a_head(patient, origin, missing):
    path = origin.on(lambda exchange: exchange.answer(200))
    half = {"the end of its frame": frame(HEADERS, 5, 3, b"\x82" * 100)[:50], "a continuation": frame(HEADERS, 1, 3)}
    with connect(patient, "api.test") as client:
        assert client.fetch(path).status == 200
        client.raw(half[missing])
        client.wait_closed()


def test_a_client_that_keeps_a_connection_for_nothing(impatient, origin):
    path = origin.on(lambda exchange: exchange.answer(200, body=b"ok"))
    with impatient.tunnel("api.test") as wire:
        assert wire.request("GET", path, [("Host", "api.test")]).status == 200
        assert wire.is_closed()


def test_an_http2_client_that_keeps_a_connection_for_nothing(impatient):
    with connect(impatient, "api.test") as client:
        client.wait_closed()


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_a_client_whose_body_does_not_go_on(impatient, origin, framing):
    path = origin.on(lambda exchange: exchange.read_body())
    with impatient.tunnel("api.test") as wire:
        wire.send(f"POST {path} HTTP/1.1\r\nHost: api.test\r\n{framing}\r\n\r\n".encode())
        refusal(wire.response(), 408, "request_timeout")


def test_an_http2_client_whose_body_does_not_go_on(impatient, origin):
    path = origin.on(lambda exchange: exchange.read_body())
    with connect(impatient, "api.test") as client:
        stream = client.open("POST", path, end=False)
        stream.send(b"some")
        refusal(stream.wait_end(), 408, "request_timeout")


def test_an_origin_that_does_not_greet(impatient):
    refusal(impatient.fetch("silent.test"), 504, "upstream_timeout")


def test_an_origin_that_does_not_answer(impatient, origin):
    release = threading.Event()
    path = origin.on(lambda exchange: release.wait(GENEROUS))
    refusal(impatient.fetch("api.test", path), 504, "upstream_timeout")
    release.set()


def test_an_origin_whose_answer_does_not_go_on(impatient, origin):
    release = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        release.wait(GENEROUS)

    path = origin.on(script)
    with impatient.tunnel("api.test") as wire:
        with pytest.raises(Truncated):
            wire.request("GET", path, [("Host", "api.test")])
    release.set()
    impatient.wait_for_audit(path=path, status=200, code="upstream_timeout")


# What an origin does after a head and half a body, and whose doing the audit says it was.
BROKEN_OFF = {
    "closed": (b"Content-Length: 10\r\n\r\nhalf", "upstream_closed"),
    "malformed": (b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nno length\r\n", "upstream_protocol"),
}


@pytest.mark.parametrize("kind", BROKEN_OFF)
def test_an_origin_that_breaks_off_its_answer(impatient, origin, kind):
    rest, code = BROKEN_OFF[kind]

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\n" + rest)
        exchange.close_after = True

    path = origin.on(script)
    with impatient.tunnel("api.test") as wire:
        with pytest.raises(Truncated):
            wire.request("GET", path, [("Host", "api.test")])
    impatient.wait_for_audit(path=path, status=200, code=code)


def test_a_client_that_does_not_read_its_answer(impatient, origin):
    """The origin gets rid of it, and the audit does not say that it was the origin's doing."""
    ended = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                exchange.send(bytes(100000))
        finally:
            ended.set()

    path = origin.on(script)
    with impatient.tunnel("api.test") as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "api.test")]))
        assert ended.wait(GENEROUS)
        impatient.wait_for_audit(path=path, code="request_timeout")
