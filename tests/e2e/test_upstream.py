# SPDX-License-Identifier: Apache-2.0
"""Names, addresses, and the connections to origins."""

import os
import pathlib
import signal
import socket
import ssl
import threading

import pytest

from harness.expect import refusal
from harness.h2 import connect
from harness.message import encode
from harness.origin import Origin
from harness.ports import free_port
from harness.wait import GENEROUS, until


def ok(exchange):
    exchange.answer(200, body=b"ok")


@pytest.fixture(scope="module")
def anywhere(api):
    """A sandbox without restrictions of its own: only the address guard is between it and us."""
    return api.sandbox(api.store(["*:*"]))


FORBIDDEN_NAMES = ["private.test", "metadata.test", "loopback.test", "mapped.test"]


@pytest.mark.parametrize("host", FORBIDDEN_NAMES)
def test_a_name_with_an_address_that_is_not_public_is_refused(anywhere, host):
    refusal(anywhere.fetch(host, "/"), 403, "address_not_allowed", host=host)


FORBIDDEN_LITERALS = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[::]", "[fe80::1]",
    "[fc00::1]", "[ff02::1]", "[2001:db8::1]", "[64:ff9b::a00:1]", "[2002:a00:1::]",
]  # fmt: skip


@pytest.fixture(scope="module")
def literals(api):
    return api.sandbox(api.store(FORBIDDEN_LITERALS))


@pytest.mark.parametrize("host", ["127.0.0.1", "8.8.8.8", "[2001:4860:4860::8888]"])
def test_a_literal_is_matched_by_no_wildcard(anywhere, host):
    with anywhere.wire() as wire:
        assert wire.connect(f"{host}:443", anywhere.credentials).status == 200
        wire.start_blind_tls(None)
        refusal(wire.request("GET", "/", [("Host", host)]), 403, "host_not_allowed")


@pytest.mark.parametrize("host", FORBIDDEN_LITERALS)
def test_a_literal_that_is_not_public_is_refused_though_it_is_listed(literals, host):
    with literals.wire() as wire:
        answer = wire.connect(f"{host}:443", literals.credentials)
        assert answer.status == 200, answer.body
        wire.start_blind_tls(None)
        answer = wire.request("GET", "/", [("Host", host)])
        refusal(answer, 403, "address_not_allowed")


def test_an_exempt_address_is_dialled_and_a_forbidden_one_beside_it_is_not(anywhere, exempt_origin):
    path = exempt_origin.on(ok)
    for host in ("exempt.test", "mixed.test"):
        with anywhere.tunnel(host, exempt_origin.port) as wire:
            authority = f"{host}:{exempt_origin.port}"
            assert wire.request("GET", path, [("Host", authority)]).body == b"ok"
    assert len(exempt_origin.requests(path)) == 2


def test_a_name_of_the_configuration_needs_no_exemption(anywhere, origin):
    path = origin.on(ok)
    assert anywhere.fetch("only.resolve.test", path).body == b"ok"


def test_a_name_that_nobody_knows(anywhere):
    refusal(anywhere.fetch("nowhere.invalid", "/"), 502, "upstream_dns", host="nowhere.invalid")


def test_a_port_where_nobody_listens(anywhere):
    port = free_port("127.0.0.8")
    with anywhere.tunnel("exempt.test", port) as wire:
        answer = wire.request("GET", "/", [("Host", f"exempt.test:{port}")])
        refusal(answer, 502, "upstream_connect", host="exempt.test")


def test_sealgate_itself_is_never_a_target(own_proxy):
    """Not even where the configuration exempts its address."""
    proxy = own_proxy(upstream={"allow_addresses": ["127.0.0.0/8"]})
    sandbox = proxy.api.sandbox(proxy.api.store(["*:*"]))
    for own in (proxy.proxy_port, proxy.control_port):
        with sandbox.tunnel("loopback.test", own) as wire:
            answer = wire.request("GET", "/", [("Host", f"loopback.test:{own}")])
            refusal(answer, 403, "address_not_allowed")


def test_a_listener_that_never_answers_times_out(own_proxy):
    """connect_timeout is for the connection with its handshake: nothing else is near here."""
    silent = socket.create_server(("127.0.0.1", 0))
    endpoint = "127.0.0.1:%d" % silent.getsockname()[1]
    proxy = own_proxy(
        upstream={"resolve": {"silent.test": endpoint}},
        limits={"connect_timeout": "1s", "idle_timeout": "1h", "header_timeout": "10m"},
    )
    with proxy.api.sandbox().tunnel("silent.test") as wire:
        answer = wire.request("GET", "/", [("Host", "silent.test")])
        refusal(answer, 504, "upstream_timeout", host="silent.test")
    silent.close()


@pytest.fixture
def one_worker(own_proxy):
    return own_proxy(workers=1)


def fetch_with_new_connection(sandbox, path, count):
    for _ in range(count):
        assert sandbox.fetch("api.test", path).status == 200


def test_an_upstream_connection_is_reused_within_a_sandbox_and_never_across(one_worker, origin):
    api = one_worker.api
    store = api.store(["api.test"])
    first, second = api.sandbox(store), api.sandbox(store)
    paths = {sandbox: origin.on(ok) for sandbox in (first, second)}
    for _ in range(3):
        for sandbox in (first, second):
            fetch_with_new_connection(sandbox, paths[sandbox], 1)
    used = [{request.connection for request in origin.requests(path)} for path in paths.values()]
    assert [len(connections) for connections in used] == [1, 1]
    assert not used[0] & used[1]
    assert one_worker.metrics()["sealgate_upstream_reuses_total"] >= 4


def test_an_upstream_tls_session_is_resumed_within_a_sandbox_and_never_across(one_worker, origin):
    api = one_worker.api
    store = api.store(["api.test"])
    first, second = api.sandbox(store), api.sandbox(store)

    def script(exchange):
        exchange.close_after = True
        exchange.answer(200, [("Connection", "close")])

    path, other = origin.on(script), origin.on(script)
    fetch_with_new_connection(first, path, 3)
    fetch_with_new_connection(second, other, 1)
    requests = origin.requests(path)
    assert len({request.connection for request in requests}) == 3
    assert requests[0].resumed is False and requests[2].resumed is True
    assert origin.request(other).resumed is False


def test_two_names_of_one_origin_share_no_connection_and_no_session(one_worker, origin):
    sandbox = one_worker.api.sandbox(one_worker.api.store(["api.test", "other.test"]))
    path = origin.on(ok)
    for host in ("api.test", "other.test") * 2:
        assert sandbox.fetch(host, path).status == 200
    requests = origin.requests(path)
    assert [request.field("host") for request in requests] == ["api.test", "other.test"] * 2
    used = [request.connection for request in requests]
    assert used[:2] == used[2:] and used[0] != used[1]
    assert not requests[1].resumed


def test_the_same_name_in_the_clear_is_another_upstream(one_worker, origin):
    """On the same port: what was decided for one is not sent over the other."""
    sandbox = one_worker.api.sandbox(one_worker.api.store(["api.test:8443"]))
    path = origin.on(ok)
    for is_tls in (True, False, True, False):
        with sandbox.tunnel("api.test", 8443, tls=is_tls) as wire:
            assert wire.request("GET", path, [("Host", "api.test:8443")]).status == 200
    requests = origin.requests(path)
    assert [request.tls is not None for request in requests] == [True, False, True, False]
    used = [request.connection for request in requests]
    assert used[:2] == used[2:] and used[0] != used[1]


def test_the_next_sandbox_with_an_address_inherits_nothing(one_worker, origin):
    """Neither connections nor TLS sessions; what the one before had open is closed."""
    api, address = one_worker.api, "127.77.1.1"
    store = api.store(["api.test"])
    path = origin.on(ok)
    first = api.sandbox(store, source=address)
    old = first.tunnel("api.test", source=address)
    assert old.request("GET", path, [("Host", "api.test")]).status == 200
    api.delete(first.path)
    assert old.is_closed()
    second = api.sandbox(store, source=address)
    with second.tunnel("api.test", source=address) as wire:
        assert wire.request("GET", path, [("Host", "api.test")]).status == 200
    one, other = origin.requests(path)
    assert one.connection != other.connection and not other.resumed


def test_a_pooled_connection_that_the_origin_closed_is_replaced(one_worker, origin):
    """The request is sent again on a new connection: the client sees nothing of it."""
    sandbox = one_worker.api.sandbox()

    def script(exchange):
        exchange.answer(200)
        exchange.close_after = True  # without saying so

    path = origin.on(script)
    with sandbox.tunnel("api.test") as wire:
        for _ in range(5):
            assert wire.request("GET", path, [("Host", "api.test")]).status == 200


def test_a_pooled_connection_that_has_just_been_closed_is_not_written_to(one_worker, origin):
    """Its end is there, but the request came first, and may not be repeated."""
    close, closed = threading.Event(), threading.Event()

    def answer_and_close(exchange):
        exchange.close_after = True
        exchange.answer(200)
        close.wait(GENEROUS)
        exchange.sock.close()
        closed.set()

    sandbox = one_worker.api.sandbox()
    first, path = origin.on(answer_and_close), origin.on(ok)
    (worker,) = one_worker.pids("worker")
    with sandbox.tunnel("api.test") as wire:
        assert wire.request("GET", first, [("Host", "api.test")]).status == 200
        os.kill(worker, signal.SIGSTOP)
        try:
            wire.send(encode(f"POST {path} HTTP/1.1", [("Host", "api.test")], b"once"))
            close.set()
            assert closed.wait(GENEROUS)
        finally:
            os.kill(worker, signal.SIGCONT)
        assert wire.response().status == 200
    assert origin.request(path).connection != origin.request(first).connection


@pytest.mark.parametrize("host", ["api.test", "h2.test"])
def test_an_idle_upstream_connection_is_closed_in_good_time(own_proxy, origin, h2_origin, host):
    """The origin sees the end of it without having done anything."""
    proxy = own_proxy(workers=1, limits={"upstream_idle_timeout": "500ms"})
    sandbox = proxy.api.sandbox(proxy.api.store([host]))
    ended = threading.Event()

    def script(exchange):
        exchange.answer(200)
        exchange.close_after = exchange.sock.recv(1) == b""
        ended.set()

    if host == "h2.test":
        path = h2_origin.on(lambda stream: stream.answer(200))
        assert sandbox.fetch(host, path).status == 200
        h2_origin.request(path).peer.wait_closed()
    else:
        assert sandbox.fetch(host, origin.on(script)).status == 200
        assert ended.wait(GENEROUS)


@pytest.mark.parametrize("method, body", [("POST", b"once"), ("POST", None), ("PATCH", None), ("PUT", b"once")])
def test_a_request_that_may_not_be_repeated_is_not(one_worker, origin, method, body):
    sandbox = one_worker.api.sandbox()
    bodies = []

    def script(exchange):
        bodies.append(exchange.read_body())
        exchange.close_after = True

    first, path = origin.on(ok), origin.on(script)
    with sandbox.tunnel("api.test") as wire:
        host = ("Host", "api.test")
        assert wire.request("GET", first, [host]).status == 200
        refusal(wire.request(method, path, [host], body), 502, "upstream_closed")
    assert bodies == [body or b""]
    assert origin.request(path).connection == origin.request(first).connection


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_request_that_may_be_repeated_is_repeated_once(one_worker, origin, method):
    """And not where the connection was a new one: then the origin means it."""
    sandbox = one_worker.api.sandbox()

    def script(exchange):
        exchange.close_after = True

    first, path = origin.on(ok), origin.on(script)
    with sandbox.tunnel("api.test") as wire:
        host = ("Host", "api.test")
        assert wire.request("GET", first, [host]).status == 200
        refusal(wire.request(method, path, [host]), 502, "upstream_closed")
        assert len(origin.requests(path)) == 2
        refusal(wire.request(method, path, [host]), 502, "upstream_closed")
        assert len(origin.requests(path)) == 3
    assert len({request.connection for request in origin.requests(path)}) == 3


def test_a_client_session_is_resumed_for_its_own_name_alone(one_worker):
    sandbox = one_worker.api.sandbox()

    def session_of(host, session=None):
        context = ssl.create_default_context(cafile=sandbox.ca_file)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        wire = sandbox.wire()
        assert wire.connect(f"{host}:443", sandbox.credentials).status == 200
        if session is not None:
            context = session[1]
        sock = context.wrap_socket(wire.sock, server_hostname=host, session=session and session[0])
        sock.sendall(encode("GET / HTTP/1.1", [("Host", host)]))
        sock.recv(1)
        result = (sock.session, context), sock.session_reused
        sock.close()
        return result

    first, _ = session_of("api.test")
    assert session_of("api.test", first)[1] is True
    assert session_of("other.test", first)[1] is False


POOL_MAX = 64


def test_only_so_many_idle_connections_are_kept(own_proxy, origin):
    count = POOL_MAX + 16
    all_there = threading.Barrier(count)

    def script(exchange):
        all_there.wait(GENEROUS)
        exchange.answer(200)

    lone = Origin(origin.context)
    proxy = own_proxy(workers=1, upstream={"resolve": {"api.test": lone.endpoint}}, limits={"upstream_idle_timeout": "1h"})
    sandbox = proxy.api.sandbox(proxy.api.store(["api.test"]))
    with connect(sandbox, "api.test") as peer:
        path = lone.on(script)
        streams = [peer.open("GET", path) for _ in range(count)]
        assert {stream.wait_end().status for stream in streams} == {200}
        until(lambda: len(established(lone.port)) == POOL_MAX, "the others are closed")
    lone.close()


def established(port):
    """Connections to that port, as the kernel knows them."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return [line for line in lines if line.split()[2].endswith(f":{port:04X}") and line.split()[3] == "01"]


@pytest.mark.parametrize("host", ["api.test", "h2.test"])
def test_a_reload_closes_idle_connections_to_the_former_address(own_proxy, origin, h2_origin, host):
    former = h2_origin if host == "h2.test" else origin
    proxy = own_proxy(
        workers=1, upstream={"resolve": {host: former.endpoint}}, limits={"upstream_idle_timeout": "1h"}
    )
    sandbox = proxy.api.sandbox(proxy.api.store([host]))
    ended = threading.Event()

    def script(exchange):
        exchange.answer(200)
        exchange.close_after = exchange.sock.recv(1) == b""
        ended.set()

    path = former.on(script if former is origin else lambda stream: stream.answer(200))
    assert sandbox.fetch(host, path).status == 200
    moved = {host: "127.0.0.1:%d" % free_port("127.0.0.1")}
    proxy.write_config({**proxy.config, "upstream": {**proxy.config["upstream"], "resolve": moved}})
    proxy.process.send_signal(signal.SIGHUP)
    if former is origin:
        assert ended.wait(GENEROUS)
    else:
        former.request(path).peer.wait_closed()


@pytest.mark.parametrize("host", ["api.test", "h2.test"])
def test_after_a_reload_no_connection_leads_to_the_former_address(own_proxy, origin, h2_origin, host):
    is_h2 = host == "h2.test"
    former = h2_origin if is_h2 else origin
    proxy = own_proxy(workers=1, upstream={"resolve": {host: former.endpoint}})
    sandbox = proxy.api.sandbox(proxy.api.store([host]))
    path = former.on(lambda exchange: exchange.answer(200))
    with sandbox.tunnel(host) as wire:
        fetch = lambda: wire.request("GET", path, [("Host", host)]).status
        assert [fetch(), fetch()] == [200, 200]
        moved = {host: "127.0.0.1:%d" % free_port("127.0.0.1")}
        config = {**proxy.config, "upstream": {**proxy.config.get("upstream", {}), "resolve": moved}}
        proxy.write_config(config)
        proxy.process.send_signal(signal.SIGHUP)
        until(lambda: fetch() == 502, "nothing is where the name leads now")
        assert fetch() == 502
