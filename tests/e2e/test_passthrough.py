# SPDX-License-Identifier: Apache-2.0
"""Hosts whose TLS goes through unopened: certificate pinning works, and no secret goes there."""

import hashlib
import socket
import ssl
import struct
import subprocess
import threading

import pytest

from harness.expect import refusal
from harness.proxy import Sealgate
from harness.scripted import Listening
from harness.stalls import fill, reset, sees_reset
from harness.wait import GENEROUS, until

PINNED = ["api.test", "h2.test", "raw.test", "closed.test"]
ALERT = {"access_denied": 49, "decode_error": 50, "internal_error": 80, "unrecognized_name": 112}


class RawOrigin(Listening):
    """Speaks no TLS at all: behind the greeting, what goes through is nobody's business."""

    def __init__(self):
        self.connections = []
        super().__init__()

    def _take(self, sock):
        sock.settimeout(GENEROUS)
        self.connections.append(sock)

    def next(self, greeting):
        """The connection that begins with this greeting, to the byte."""
        before = len(self.connections)
        sock = until(lambda: self.connections and self.connections.pop(), f"connection {before}")
        assert receive(sock, len(greeting)) == greeting
        return sock


def receive(sock, size):
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        assert part, f"closed after {len(data)} of {size} bytes"
        data += part
    return data


def rest_of(sock):
    data = b""
    while part := sock.recv(65536):
        data += part
    return data


def greeting(name, protocols=("http/1.1",)):
    """What OpenSSL says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.set_alpn_protocols(list(protocols))
    if name is None:
        context.check_hostname = False
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def padded(name, size):
    """Names of protocols that nobody speaks make it as long as one likes."""
    return greeting(name, [f"x{number:03}-" + "y" * 245 for number in range(size // 251)])


@pytest.fixture(scope="module")
def raw_origin():
    origin = RawOrigin()
    yield origin
    origin.close()


@pytest.fixture(scope="module")
def passing(upstream, raw_origin):
    """A sealgate that also knows the way to raw.test, and to where nobody listens."""
    more = {"raw.test": raw_origin.endpoint, "closed.test": "127.0.0.1:1"}
    proxy = Sealgate({"upstream": {**upstream, "resolve": {**upstream["resolve"], **more}}, "workers": 1})
    proxy.start()
    try:
        yield proxy
        assert "process_exited" not in proxy.log(), proxy.log()[-3000:]
        assert proxy.leaks() == []
    finally:
        proxy.stop()


@pytest.fixture(scope="module")
def store(passing):
    store = passing.api.store([*PINNED, "other.test"], passthroughHosts=PINNED)
    passing.api.secret(store)
    return store


@pytest.fixture
def sandbox(passing, store):
    sandbox = passing.api.sandbox(store)
    yield sandbox
    passing.api.call("DELETE", sandbox.path)


@pytest.fixture
def opened(sandbox, raw_origin):
    """Both ends of a tunnel that is open: (wire, socket of the origin)."""
    hello = greeting("raw.test")
    with sandbox.tunnel("raw.test", tls=False) as wire:
        wire.send(hello)
        with raw_origin.next(hello) as far:
            yield wire, far


def is_cut(sock):
    """The other side sees a reset, not an end that looks like one."""
    try:
        return sock.recv(1) != b"" and False
    except ConnectionResetError:
        return True


# What goes through.


def test_the_client_sees_the_certificate_of_the_origin(sandbox, authority, origin):
    path = origin.on(lambda exchange: exchange.answer(200, [], b"pinned"))
    trusting = ["--cacert", str(authority.file), f"https://api.test{path}"]
    assert sandbox.curl(*trusting).stdout == b"pinned"
    ran = sandbox.curl("--cacert", sandbox.ca_file, f"https://api.test{path}", check=False)
    assert ran.returncode == 60  # nobody made a certificate for it
    intercepted = ["--cacert", str(authority.file), "https://other.test/"]
    assert sandbox.curl(*intercepted, check=False).returncode == 60


def test_http2_is_between_the_two_ends(sandbox, authority, h2_origin):
    written = ["-o", "/dev/null", "-w", "%{http_version} %{http_code}"]
    ran = sandbox.curl("--cacert", str(authority.file), *written, "https://h2.test/")
    assert ran.stdout == b"2 200"


def test_a_token_goes_through_as_the_text_that_it_is(sandbox, authority, origin):
    path = origin.on(lambda exchange: exchange.echo())
    field = f"Authorization: Bearer {sandbox.token()}"
    url = f"https://api.test{path}"
    body = sandbox.curl("--cacert", str(authority.file), "-H", field, url).stdout.decode()
    assert f"Bearer {sandbox.token()}" in body


def test_through_socks_it_is_the_same(passing, sandbox, authority, origin):
    path = origin.on(lambda exchange: exchange.answer(200, [], b"by socks"))
    user, password = sandbox.credentials
    proxy = ["--proxy", f"socks5h://{user}:{password}@{passing.endpoint}"]
    ran = sandbox.curl(*proxy, "--cacert", str(authority.file), f"https://api.test{path}")
    assert ran.stdout == b"by socks"


def test_plain_http_to_such_a_host_is_http(sandbox):
    wire = sandbox.tunnel("api.test", 80, tls=False)
    field = ("Authorization", f"Bearer {sandbox.token()}")
    refusal(wire.request("GET", "/", [("Host", "api.test"), field]), 403, "token_plaintext")


def test_one_audit_line_says_how_much_went_through(passing, opened, sandbox):
    wire, far = opened
    said = len(greeting("raw.test"))
    wire.send(b"x" * 1000)
    assert receive(far, 1000) == b"x" * 1000
    far.sendall(b"y" * 3000)
    assert receive(wire.sock, 3000) == b"y" * 3000
    far.close()
    wire.close()
    (line,) = passing.wait_for_audit(sandbox=sandbox.id, host="raw.test")
    assert line["decision"] == "allowed" and line["protocol"] == "tls-passthrough"
    assert line["bytes_in"] >= said + 1000 - 64 and line["bytes_out"] == 3000
    assert line["port"] == 443 and line["upstream"] == "127.0.0.1" and line["secrets"] == []
    assert passing.metrics()["sealgate_passthroughs_total"] >= 1


# Greetings.


@pytest.mark.parametrize(
    "least, slowly",
    [(0, True), (1800, True), (17000, True), (60000, False)],
    ids=["bytes", "ml-kem in bytes", "two records in bytes", "four records"],
)
def test_the_greeting_arrives_as_it_was_said(sandbox, raw_origin, least, slowly):
    hello = padded("raw.test", least)
    assert len(hello) >= least
    with sandbox.tunnel("raw.test", tls=False) as wire:
        (wire.send_slowly if slowly else wire.send)(hello)
        with raw_origin.next(hello) as far:
            far.sendall(b"heard")
            assert receive(wire.sock, 5) == b"heard"


def test_what_follows_the_greeting_at_once_is_not_lost(sandbox, raw_origin):
    hello = greeting("raw.test")
    early = bytes(range(256)) * 512
    with sandbox.tunnel("raw.test", tls=False) as wire:
        wire.send(hello + early)
        with raw_origin.next(hello) as far:
            assert receive(far, len(early)) == early


def alert_of(wire):
    """The one thing that a client hears which is not let through."""
    said = wire.rest()
    assert len(said) == 7 and said[:6] == b"\x15\x03\x01\x00\x02\x02", said
    return said[6]


@pytest.mark.parametrize("name", ["other.test", "www.api.test", None])
def test_the_name_in_the_greeting_must_be_that_of_the_tunnel(passing, sandbox, name):
    with sandbox.tunnel("raw.test", tls=False) as wire:
        wire.send(greeting(name))
        assert alert_of(wire) == ALERT["unrecognized_name"]
    passing.wait_for_audit(sandbox=sandbox.id, code="misdirected_request", host="raw.test")


def endless():
    """Says that it has 16 MiB, in records of 16 KiB."""
    record = lambda body: b"\x16\x03\x01" + struct.pack("!H", len(body)) + body
    return record(b"\x01\xff\xff\xff" + bytes(16380)) + record(bytes(16384)) * 3


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x16\x03\x01\xff\xff" + bytes(1000),
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        endless(),
    ],
    ids=["too short", "record too long", "not a ClientHello", "endless"],
)
def test_a_malformed_greeting_hears_an_alert(passing, sandbox, data):
    with sandbox.tunnel("raw.test", tls=False) as wire:
        wire.send(data)
        assert alert_of(wire) == ALERT["decode_error"]
    passing.wait_for_audit(sandbox=sandbox.id, code="bad_request", host="raw.test")


# What does not go through.


def test_a_host_off_the_allowlist_is_refused_where_the_client_can_read_it(passing):
    sandbox = passing.api.sandbox(passing.api.store(["other.test"], passthroughHosts=["api.test"]))
    refusal(sandbox.fetch("api.test"), 403, "host_not_allowed")


def test_an_origin_that_is_not_there_ends_the_handshake(passing, sandbox):
    with sandbox.tunnel("closed.test", tls=False) as wire:
        wire.send(greeting("closed.test"))
        assert alert_of(wire) == ALERT["internal_error"]
    (line,) = passing.wait_for_audit(sandbox=sandbox.id, host="closed.test")
    assert (line["decision"], line["code"]) == ("refused", "upstream_connect")
    assert line["protocol"] == "tls-passthrough"


def test_a_private_address_ends_the_handshake(passing):
    sandbox = passing.api.sandbox(passing.api.store(["private.test"], passthroughHosts=["*"]))
    with sandbox.tunnel("private.test", tls=False) as wire:
        wire.send(greeting("private.test"))
        assert alert_of(wire) == ALERT["access_denied"]
    passing.wait_for_audit(sandbox=sandbox.id, code="address_not_allowed")


# The ends.


def test_each_side_may_stop_talking_and_go_on_listening(opened):
    wire, far = opened
    wire.sock.shutdown(socket.SHUT_WR)
    assert rest_of(far) == b""
    far.sendall(b"still here")
    far.shutdown(socket.SHUT_WR)
    assert rest_of(wire.sock) == b"still here"


def test_a_reset_is_passed_on(opened):
    wire, far = opened
    reset(far)
    assert is_cut(wire.sock)


def test_a_client_that_resets_frees_the_origin(opened):
    wire, far = opened
    reset(wire.sock)
    assert is_cut(far)


def test_a_client_that_resets_while_the_origin_reads_nothing_frees_it(opened):
    wire, far = opened
    fill(wire.sock)
    reset(wire.sock)
    assert sees_reset(far, 4)


def test_a_tunnel_without_traffic_ends(upstream, raw_origin, own_proxy):
    resolve = {**upstream["resolve"], "raw.test": raw_origin.endpoint}
    proxy = own_proxy(limits={"idle_timeout": "1s"}, upstream={"resolve": resolve})
    sandbox = proxy.api.sandbox(proxy.api.store(["raw.test"], passthroughHosts=["raw.test"]))
    hello = greeting("raw.test")
    with sandbox.tunnel("raw.test", tls=False) as wire:
        wire.send(hello)
        with raw_origin.next(hello) as far:
            assert is_cut(far)
            assert is_cut(wire.sock)
    proxy.wait_for_audit(sandbox=sandbox.id, protocol="tls-passthrough")


# Changes.


def test_hibernation_cuts_it(passing, sandbox, opened):
    wire, far = opened
    sandbox.post("hibernate")
    assert is_cut(wire.sock) and is_cut(far)
    (line,) = passing.wait_for_audit(sandbox=sandbox.id, protocol="tls-passthrough")
    assert (line["decision"], line["code"]) == ("allowed", "sandbox_suspended")


def test_deletion_cuts_it(passing, sandbox, opened):
    wire, far = opened
    passing.api.delete(sandbox.path)
    assert is_cut(wire.sock) and is_cut(far)


@pytest.mark.parametrize(
    "change, code",
    [({"egressAllowlist": ["other.test"]}, "host_not_allowed"), ({"passthroughHosts": []}, None)],
    ids=["off the allowlist", "to be intercepted"],
)
def test_a_change_of_the_store_cuts_what_it_allows_no_more(passing, raw_origin, change, code):
    store = passing.api.store(["raw.test"], passthroughHosts=["raw.test"])
    sandbox = passing.api.sandbox(store)
    hello = greeting("raw.test")
    with sandbox.tunnel("raw.test", tls=False) as wire:
        wire.send(hello)
        with raw_origin.next(hello) as far:
            path = f"/api/secret-stores/{store['id']}"
            passing.api.ok("PUT", path, {"egressAllowlist": ["raw.test", "more.test"]})
            far.sendall(b"alive")
            assert receive(wire.sock, 5) == b"alive"
            passing.api.ok("PUT", path, change)
            assert is_cut(wire.sock) and is_cut(far)
    (line,) = passing.wait_for_audit(sandbox=sandbox.id, protocol="tls-passthrough")
    assert line["decision"] == "allowed" and line.get("code") == code


# A lot.


def resident_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def pour(sock, size, digest):
    block = hashlib.sha256(b"block").digest() * 2048
    for _ in range(size // len(block)):
        sock.sendall(block)
        digest.update(block)
    sock.shutdown(socket.SHUT_WR)


def drain(sock, digest, on_start):
    first = True
    while part := sock.recv(1 << 18):
        if first:
            on_start()
            first = False
        digest.update(part)


def test_two_hundred_megabytes_each_way_take_no_memory(passing, opened):
    wire, far = opened
    (worker,) = passing.pids("worker")
    before, peak = resident_kib(worker), []
    sent, got = [hashlib.sha256(), hashlib.sha256()], [hashlib.sha256(), hashlib.sha256()]
    for sock in (wire.sock, far):
        sock.settimeout(4 * GENEROUS)
    measure = lambda: peak.append(resident_kib(worker))
    threads = [
        threading.Thread(target=pour, args=(wire.sock, 200 << 20, sent[0])),
        threading.Thread(target=pour, args=(far, 200 << 20, sent[1])),
        threading.Thread(target=drain, args=(far, got[0], measure)),
        threading.Thread(target=drain, args=(wire.sock, got[1], measure)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
        measure()
    assert [one.digest() for one in sent] == [one.digest() for one in got]
    assert max(peak) - before < 16 * 1024, (before, peak)


def test_a_reader_that_does_not_read_stops_the_other_side(opened):
    wire, far = opened
    wire.sock.settimeout(2)
    written = 0
    with pytest.raises(TimeoutError):
        while written < 256 << 20:
            written += wire.sock.send(bytes(1 << 16))
    assert written < 64 << 20  # what the kernel's buffers hold
    wire.sock.settimeout(GENEROUS)
    assert len(receive(far, written)) == written


# What is said about it.


def test_explain_says_that_it_passes_without_interception(sandbox):
    answer = sandbox.explain("https://api.test/")
    assert answer["allowed"] and answer["passthrough"] and answer["pattern"] == "api.test"
    assert "passes without interception" in answer["sentence"]
    secret = sandbox.explain("https://api.test/", "API_KEY")
    assert not secret["allowed"] and secret["code"] == "secret_host_not_allowed"
    assert "passes without interception" in secret["sentence"]
    assert "passthrough" not in sandbox.explain("https://other.test/")
    assert "passthrough" not in sandbox.explain("http://api.test/")


def test_allowed_hosts_lists_them_only_where_there_are_some(passing, sandbox):
    assert sandbox.allowed_hosts()["passthroughHosts"] == PINNED
    assert "passthroughHosts" not in passing.api.sandbox(passing.api.store(["a.test"])).allowed_hosts()


def test_layers_are_united_and_a_passthrough_of_any_wins(passing, sandbox, authority, origin):
    top = passing.api.store(["third.test"], passthroughHosts=["third.test", "api.test"])
    passing.api.secret(top, allowedHosts=["other.test"])
    fork = passing.api.fork(sandbox.checkpoint(), top)
    assert fork.allowed_hosts()["passthroughHosts"] == [*PINNED, "third.test"]
    path = origin.on(lambda exchange: exchange.answer(200, [], b"layered"))
    for host in ("api.test", "third.test"):
        ran = fork.curl("--cacert", str(authority.file), f"https://{host}{path}")
        assert ran.stdout == b"layered"


def test_a_secret_for_such_a_host_is_refused_either_way_round(passing):
    api = passing.api
    store = api.store(["*.a.test", "b.test"], passthroughHosts=["*.a.test"])
    path = f"/api/secret-stores/{store['id']}"
    body = {"value": "some value", "allowedHosts": ["b.test", "x.a.test"]}
    answer = api.call("PUT", path + "/secrets/KEY", body)
    assert answer.status_code == 400 and "x.a.test" in answer.json()["error"]
    api.ok("PUT", path + "/secrets/KEY", {**body, "allowedHosts": ["b.test"]})
    answer = api.call("PUT", path, {"passthroughHosts": ["b.test:443"]})
    assert answer.status_code == 400 and "KEY" in answer.json()["error"]
    assert api.get(path)["passthroughHosts"] == ["*.a.test"]


def test_a_store_that_does_not_allow_the_host_itself_is_warned_about(passing):
    shown = passing.api.store(["other.test"], passthroughHosts=["api.test"])
    assert "egressAllowlist" in shown["warnings"][0]
    assert "warnings" not in passing.api.store(["*.a.test"], passthroughHosts=["b.a.test"])
    assert "warnings" not in passing.api.store([], passthroughHosts=["api.test"])


def test_the_command_line_sets_and_shows_them(passing):
    name = "from-the-command-line"
    ran = passing.cli("store", "create", name, "--allow", "a.test", "--passthrough", "b.test")
    assert b"passthrough        b.test" in ran.stdout and b"egressAllowlist" in ran.stderr
    passing.cli("store", "update", name, "--passthrough", "a.test,*.c.test")
    assert passing.cli_json("store", "show", name)["passthroughHosts"] == ["a.test", "*.c.test"]
    passing.cli("store", "update", name, "--passthrough", "")
    assert passing.cli_json("store", "show", name)["passthroughHosts"] == []


def test_a_declared_store_has_them_too(own_proxy, authority, origin):
    declared = {"name": "declared", "egress": ["api.test"], "passthroughHosts": ["api.test"]}
    proxy = own_proxy(stores=[declared])
    sandbox = proxy.api.sandbox({"name": "declared"})
    path = origin.on(lambda exchange: exchange.answer(200, [], b"declared"))
    ran = sandbox.curl("--cacert", str(authority.file), f"https://api.test{path}")
    assert ran.stdout == b"declared"
