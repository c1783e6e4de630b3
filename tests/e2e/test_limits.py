# SPDX-License-Identifier: Apache-2.0
"""What one sandbox may use at most, and how it hears that this was too much."""

import contextlib
import math
import os
import signal
import threading
import time

import pytest

from harness.expect import refusal
from harness.h2 import connect
from harness.message import encode
from harness.wait import GENEROUS, until

HOSTS = ["api.test", "h2.test"]
BODY_BYTES = 100_000


def ok(exchange):
    exchange.answer(200, body=b"ok")


def over_limit(response, key):
    """It says which limit this was, and when to come back."""
    assert key in refusal(response, 429, "limit_exceeded")["hint"]
    assert int(response.field("retry-after")) >= 1


class Http1:
    """A client that opens a connection for each request."""

    def __init__(self, sandbox):
        self.sandbox = sandbox

    def fetch(self, path, fields=(), **options):
        return self.sandbox.fetch("api.test", path, fields, **options)

    def declare(self, path, length):
        """A request with a body that long, of which nothing is sent."""
        return self.fetch(path, [("Content-Length", str(length))], method="POST")

    def close(self):
        pass


class Http2:
    """A client that sends all its requests on one connection."""

    def __init__(self, sandbox):
        self.peer = connect(sandbox, "api.test")

    def fetch(self, path, fields=(), **options):
        return self.peer.fetch(path, fields, **options)

    def declare(self, path, length):
        return self.peer.open("POST", path, [("content-length", str(length))], end=False).wait_end()

    def close(self):
        self.peer.close()


@pytest.fixture(params=[Http1, Http2])
def client_of(request):
    clients = []

    def make(sandbox):
        clients.append(request.param(sandbox))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


# How often.


def test_a_sandbox_that_asks_too_often_is_told_when_to_come_back(origin, own_proxy, client_of):
    proxy = own_proxy(limits={"requests_per_second": 1, "request_burst": 3})
    client, path = client_of(proxy.api.sandbox()), origin.on(ok)
    statuses = []
    while 429 not in statuses:
        response = client.fetch(path)
        statuses.append(response.status)
    over_limit(response, "limits.requests_per_second")
    assert statuses.count(200) == len(origin.requests(path)) >= 3
    assert proxy.metrics()['sealgate_limited_total{limit="requests"}'] == 1
    (record,) = proxy.wait_for_audit(code="limit_exceeded")
    assert record["status"] == 429 and record["path"] == path
    until(lambda: client.fetch(path).status == 200, "there is room again")


def test_the_rate_is_that_of_the_sandbox_over_all_workers(origin, own_proxy):
    burst, asked = 10, 30
    proxy = own_proxy(workers=4, limits={"requests_per_second": 1, "request_burst": burst})
    sandbox, path = proxy.api.sandbox(), origin.on(ok)
    began = time.monotonic()
    statuses = [sandbox.fetch("api.test", path).status for _ in range(asked)]
    seconds = math.ceil(time.monotonic() - began)
    assert set(statuses) <= {200, 429}
    assert burst <= statuses.count(200) <= burst + seconds


def test_a_sandbox_that_asks_too_often_takes_nothing_from_another(origin, own_proxy):
    proxy = own_proxy(limits={"requests_per_second": 1, "request_burst": 5})
    greedy, modest, path = proxy.api.sandbox(), proxy.api.sandbox(), origin.on(ok)
    until(lambda: greedy.fetch("api.test", path).status == 429, "it is too often")
    assert [modest.fetch("api.test", path).status for _ in range(5)] == [200] * 5


def test_a_reload_changes_the_rate(origin, own_proxy):
    proxy = own_proxy(limits={"requests_per_second": 1, "request_burst": 1})
    sandbox, path = proxy.api.sandbox(), origin.on(ok)
    until(lambda: sandbox.fetch("api.test", path).status == 429, "it is too often")
    proxy.write_config({**proxy.config, "limits": {}})
    proxy.process.send_signal(signal.SIGHUP)
    until(lambda: [sandbox.fetch("api.test", path).status for _ in range(20)] == [200] * 20, "there is no limit")


# How many at once.


@pytest.fixture
def held(origin):
    """A path that is answered when the test says so."""
    release = threading.Event()

    def script(exchange):
        release.wait(GENEROUS)
        ok(exchange)

    path = origin.on(script)
    yield path, release
    release.set()


def test_requests_under_way_are_limited_over_all_workers_and_versions(origin, own_proxy, held):
    proxy = own_proxy(workers=2, limits={"streams_per_sandbox": 3})
    sandbox, (path, release) = proxy.api.sandbox(), held
    free = origin.on(ok)
    with connect(sandbox, "api.test") as peer, sandbox.tunnel("api.test") as wire:
        streams = [peer.open("GET", path) for _ in range(2)]
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "api.test")]))
        until(lambda: len(origin.requests(path)) == 3, "they are under way")
        over_limit(peer.fetch(free), "limits.streams_per_sandbox")
        over_limit(sandbox.fetch("api.test", free), "limits.streams_per_sandbox")
        release.set()
        assert [stream.wait_end().status for stream in streams] == [200, 200]
        assert wire.response().status == 200
        until(lambda: peer.fetch(free).status == 200, "there is room again")
    assert proxy.metrics()['sealgate_limited_total{limit="streams"}'] >= 2


def test_what_a_dead_worker_had_under_way_is_given_back(origin, own_proxy, held):
    proxy = own_proxy(workers=1, limits={"streams_per_sandbox": 1, "connections_per_sandbox": 2})
    sandbox, (path, _) = proxy.api.sandbox(), held
    free = origin.on(ok)
    with sandbox.tunnel("api.test") as wire:
        wire.send(encode(f"GET {path} HTTP/1.1", [("Host", "api.test")]))
        until(lambda: origin.requests(path), "it is under way")
        over_limit(sandbox.fetch("api.test", free), "limits.streams_per_sandbox")
        (worker,) = proxy.pids("worker")
        os.kill(worker, signal.SIGKILL)

    def is_served():
        try:
            return sandbox.fetch("api.test", free).status == 200
        except OSError:  # the next worker is not there yet
            return False

    until(is_served, "the next worker has room")


def test_connections_over_the_limit_are_counted_and_told_when_to_come_back(own_proxy):
    proxy = own_proxy(limits={"connections_per_sandbox": 1})
    sandbox = proxy.api.sandbox()
    with sandbox.tunnel("api.test"), sandbox.wire() as wire:
        over_limit(wire.connect("api.test:443", sandbox.credentials), "limits.connections_per_sandbox")
    assert proxy.metrics()['sealgate_limited_total{limit="connections"}'] == 1


# How large.


@pytest.fixture
def small(own_proxy):
    limits = {"body_bytes": BODY_BYTES, "uri_bytes": 300, "header_fields": 20, "header_bytes": 4096}
    proxy = own_proxy(limits=limits)
    return proxy.api.sandbox(proxy.api.store(HOSTS))


def test_a_body_as_long_as_it_may_be_goes_through(origin, small, client_of):
    path = origin.on(lambda exchange: exchange.answer(200, body=b"%d" % len(exchange.read_body())))
    response = client_of(small).fetch(path, method="POST", body=bytes(BODY_BYTES))
    assert response.status == 200 and int(response.body) == BODY_BYTES


def test_a_body_that_is_declared_too_long_reaches_nobody(origin, small, client_of):
    path = origin.on(ok)
    response = client_of(small).declare(path, BODY_BYTES + 1)
    assert "limits.body_bytes" in refusal(response, 413, "body_too_large")["hint"]
    assert origin.requests(path) == []


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize("version", ["http1", "http2"])
@pytest.mark.parametrize("host", HOSTS)
def test_a_body_that_grows_too_long_is_cut_off_upstream(origin, h2_origin, small, host, version):
    """The origin sees that it is not all, and the client why."""
    seen, servers = [], {"api.test": origin, "h2.test": h2_origin}

    def script(side):
        try:
            seen.append(("whole", len(side.read_body())))
        except Exception as error:  # the harness has one for each protocol
            seen.append(("cut off", type(error).__name__))

    path = servers[host].on(script)
    piece = bytes(BODY_BYTES // 2)
    if version == "http2":
        with connect(small, host) as peer:
            stream = peer.open("POST", path, end=False)
            with contextlib.suppress(ConnectionError):  # answered before the last piece
                for _ in range(3):
                    stream.send(piece)
            refusal(stream.wait_end(), 413, "body_too_large")
    else:
        with small.tunnel(host) as wire:
            wire.send(encode(f"POST {path} HTTP/1.1", [("Host", host), ("Transfer-Encoding", "chunked")]))
            wire.send(chunk(piece) * 3)
            refusal(wire.response(), 413, "body_too_large")
            assert wire.is_closed()
    until(lambda: seen, "the origin has seen the end")
    assert seen[0][0] == "cut off"


def test_a_response_that_has_begun_is_cut_off_with_its_request(origin, small):
    begun = threading.Event()

    def script(exchange):
        exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"begun"))
        begun.set()
        exchange.close_after = True
        exchange.read_body()

    path = origin.on(script)
    with small.tunnel("api.test") as wire:
        wire.send(encode(f"POST {path} HTTP/1.1", [("Host", "api.test"), ("Transfer-Encoding", "chunked")]))
        wire.send(chunk(b"x"))
        assert begun.wait(GENEROUS)
        assert b"begun" in wire.reader.until(b"begun\r\n")
        wire.send(chunk(bytes(BODY_BYTES)))
        assert wire.is_closed()


@pytest.mark.parametrize(
    "path, fields, status, code",
    [
        ("/" + "x" * 300, [], 414, "uri_too_long"),
        ("/", [(f"x-{number}", "y") for number in range(30)], 431, "header_too_large"),
        ("/", [("x-long", "y" * 5000)], 431, "header_too_large"),
    ],
    ids=["a long target", "many fields", "a long field"],
)
def test_a_head_that_is_too_large_reaches_nobody(origin, small, client_of, path, fields, status, code):
    before = len(origin.seen)
    hint = refusal(client_of(small).fetch(path, fields), status, code)["hint"]
    assert "limits." in hint and len(origin.seen) == before


# When a part of the proxy does not answer.


def test_a_request_whose_secrets_nobody_opens_is_told_so(origin, own_proxy, client_of):
    proxy = own_proxy(workers=1, limits={"idle_timeout": "2s"})
    store = proxy.api.store(["api.test", "other.test"])
    sandbox = proxy.api.sandbox(store)
    path = origin.on(ok)
    client = client_of(sandbox)
    assert client.fetch(path).status == 200  # the leaf is there
    (keyholder,) = proxy.pids("keyholder")
    proxy.api.secret(store)
    os.kill(keyholder, signal.SIGSTOP)
    try:
        refusal(client.fetch(path), 503, "overloaded")
    finally:
        os.kill(keyholder, signal.SIGCONT)
    until(lambda: client_of(sandbox).fetch(path).status == 200, "the secrets are opened")


def test_few_streams_of_a_sandbox_may_have_much_on_its_way(h2_origin, own_proxy):
    """Uploads that their origin does not read: however many connections they come on."""
    connections, most, much = 20, 16, 600_000
    proxy = own_proxy(workers=1)
    sandbox = proxy.api.sandbox(proxy.api.store(["h2.test"]))
    path = h2_origin.on(lambda stream: stream.wait(), holds=True)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(connect(sandbox, "h2.test")) for _ in range(connections)]
        streams = [peer.open("POST", path, end=False) for peer in peers for _ in range(2)]
        taken = [0] * len(streams)

        def send_all():
            for number, stream in enumerate(streams):
                while room := stream.window:
                    stream.send(b"x" * room)
                    taken[number] += room
            return sum(taken)

        def turn():
            """The worker has seen all that came before."""
            return all(peer.fetch(h2_origin.on(lambda stream: stream.answer(200))).status == 200 for peer in peers)

        until(lambda: send_all() == (turn() and send_all()), "nothing more is taken")
        wide = [count for count in taken if count > much]
        assert 0 < len(wide) <= most, sorted(taken)
        assert max(taken) < 1_400_000
