# SPDX-License-Identifier: Apache-2.0
"""Captured sandboxes: programs that know of no proxy, on machines behind the delivered rules."""

import fcntl
import json
import os
import pathlib
import socket
import ssl
import struct
import threading

import pytest

from harness import network, site
from harness.api import unique
from harness.expect import refusal
from harness.message import Reader, encode, read_response
from harness.network import Namespace, connect
from harness.proxy import BINARY
from harness.wait import GENEROUS, until
from harness.wire import Wire, basic

reason = network.missing()
pytestmark = [
    pytest.mark.skipif(reason is not None, reason=str(reason)),
    pytest.mark.usefixtures("at_the_gateway"),
]

V4, V6 = "10.86.1.2", "fd86:1::2"
ALLOWED = ["api.test", "plain.test", site.WORLD4]


@pytest.fixture(scope="module")
def place(authority, folder):
    place = site.Site(authority, folder)
    yield place
    place.close()


class Captured:
    """A registered sandbox and the machine that it is."""

    def __init__(self, place, source, store):
        self.place, self.source, self.machine = place, source, place.sandbox
        self.shown = place.proxy.api.sandbox(store, source=source)
        self.id, self.ca_file = self.shown.id, self.shown.ca_file
        self.nowhere = site.NOWHERE6 if ":" in source else site.NOWHERE4

    def close(self):
        self.place.proxy.api.delete(self.shown.path)

    def curl(self, *arguments, names=None):
        """Without any variable; resolv.conf is the sandbox's own."""
        command = ["env", "-i", "PATH=" + os.environ["PATH"], "curl", "-sS", "--cacert", self.ca_file]
        command += ["--max-time", GENEROUS, *arguments]
        if names is not None:
            script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
            command = ["unshare", "-m", "sh", "-c", script, names, *command]
        return self.machine.run(*command)

    def fetch(self, url, *arguments, **options):
        ran = self.curl("-w", "\n%{http_code}", url, *arguments, **options)
        assert ran.returncode == 0, ran.stderr.decode()
        body, _, status = ran.stdout.decode().rpartition("\n")
        return int(status), body

    def wire(self, port=443, source=None):
        with self.machine.inside():
            return Wire(f"{self.nowhere}:{port}", source or self.source)

    def ends_without_a_word(self, data, port=443):
        with self.wire(port) as wire:
            wire.send(data)
            assert wire.rest() == b""


@pytest.fixture(scope="module")
def store(place):
    with place.gateway.inside():
        store = place.proxy.api.store(ALLOWED)
        place.value, _ = place.proxy.api.secret(store, allowedHosts=["api.test"])
        return store


@pytest.fixture(params=[V4, V6], ids=["ipv4", "ipv6"])
def captured(request, place, store):
    captured = Captured(place, request.param, store)
    yield captured
    captured.close()


@pytest.fixture
def captured4(place, store):
    captured = Captured(place, V4, store)
    yield captured
    captured.close()


@pytest.fixture
def tproxy(place):
    place.use("sealgate-tproxy.nft")
    yield
    place.use("sealgate.nft")


def wrong_way(captured, host, port=443):
    """The client believes that the name is at an address where nobody is."""
    return ["--resolve", f"{host}:{port}:{captured.nowhere}"]


def check_secret(captured):
    place = captured.place
    path = place.origin.on(lambda exchange: exchange.answer(200, [], b"here"))
    field = f"Authorization: Bearer {captured.shown.token()}"
    status, body = captured.fetch(
        f"https://api.test{path}", "-H", field, *wrong_way(captured, "api.test")
    )
    assert (status, body) == (200, "here")
    assert place.origin.request(path).field("authorization") == f"Bearer {place.value}"


# Where it goes.


def test_the_name_in_the_tls_greeting_decides_not_the_address(captured):
    check_secret(captured)


def test_the_host_field_decides_where_there_is_no_tls(captured):
    path = captured.place.origin.on(lambda exchange: exchange.answer(200, [], b"plain"))
    url = f"http://plain.test{path}"
    assert captured.fetch(url, *wrong_way(captured, "plain.test", 80)) == (200, "plain")
    assert captured.place.origin.request(path).tls is None


def test_a_token_never_goes_out_in_the_clear(captured4):
    field = f"Authorization: Bearer {captured4.shown.token()}"
    status, body = captured4.fetch(
        "http://api.test/", "-H", field, *wrong_way(captured4, "api.test", 80)
    )
    assert status == 403 and '"token_plaintext"' in body


def test_names_come_from_the_dns_gate_whatever_server_is_asked(captured, tmp_path):
    path = captured.place.origin.on(lambda exchange: exchange.answer(200, [], b"found"))
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 8.8.8.8\n" if captured.source == V4 else "nameserver fd86:ff::8\n")
    if captured.source == V4:  # the gate has an address of IPv4 for it, and that family is captured
        assert captured.fetch(f"https://api.test{path}", names=resolver) == (200, "found")
    ran = captured.curl("https://unlisted.test/", names=resolver)
    assert ran.returncode == 6, ran.stderr.decode()


def test_an_unlisted_name_is_refused_where_the_client_can_read_it(captured):
    status, body = captured.fetch("https://other.test/", *wrong_way(captured, "other.test"))
    assert status == 403 and '"host_not_allowed"' in body
    status, body = captured.fetch("http://other.test/", *wrong_way(captured, "other.test", 80))
    assert status == 403 and '"host_not_allowed"' in body


def test_an_address_without_a_name_must_be_allowed_as_a_literal(captured4):
    path = captured4.place.world_origin.on(lambda exchange: exchange.answer(200, [], b"literal"))
    assert captured4.fetch(f"https://{site.WORLD4}{path}") == (200, "literal")
    status, body = captured4.fetch(f"https://{site.NOWHERE4}/")
    assert status == 403 and '"host_not_allowed"' in body


def test_a_name_for_an_allowed_address_does_not_borrow_it(captured4):
    aside = ["--resolve", f"other.test:443:{site.WORLD4}"]
    status, body = captured4.fetch("https://other.test/", *aside)
    assert status == 403 and '"host_not_allowed"' in body


def test_metadata_over_plain_http_is_refused_by_the_rules(captured4):
    ran = captured4.curl(f"http://{site.METADATA4}/latest/meta-data/")
    assert ran.returncode == 7, (ran.stdout, ran.stderr)


def test_another_host_inside_the_session_is_misdirected(captured):
    with captured.wire() as wire:
        wire.start_tls("api.test", captured.ca_file)
        refusal(wire.request("GET", "/", [("Host", "plain.test")]), 421, "misdirected_request")


def test_two_clients_of_one_store_are_told_apart_by_address(place, store):
    first, second = Captured(place, V4, store), Captured(place, V6, store)
    try:
        field = f"Authorization: Bearer {first.shown.token()}"
        status, body = second.fetch("https://api.test/", "-H", field, *wrong_way(second, "api.test"))
        assert status == 403 and '"token_unknown"' in body
    finally:
        first.close()
        second.close()


# What is not opened.


@pytest.fixture
def unopened(place):
    store = place.proxy.api.store(ALLOWED, passthroughHosts=["api.test", site.WORLD4])
    captured = Captured(place, V4, store)
    yield captured
    captured.close()


def test_the_name_in_the_greeting_decides_what_passes_unopened(unopened, authority):
    place = unopened.place
    path = place.origin.on(lambda exchange: exchange.answer(200, [], b"unopened"))
    trusting = ["--cacert", str(authority.file), *wrong_way(unopened, "api.test")]
    assert unopened.fetch(f"https://api.test{path}", *trusting) == (200, "unopened")
    (line,) = place.proxy.wait_for_audit(sandbox=unopened.id, protocol="tls-passthrough")
    assert (line["host"], line["decision"], line["upstream"]) == ("api.test", "allowed", site.ORIGIN)
    ran = unopened.curl(f"https://api.test{path}", *wrong_way(unopened, "api.test"))
    assert ran.returncode == 60  # our own certificate authority has nothing to do with it


def test_an_address_passes_unopened_when_it_is_listed_as_such(unopened, authority):
    path = unopened.place.world_origin.on(lambda exchange: exchange.answer(200, [], b"literal"))
    url = f"https://{site.WORLD4}{path}"
    assert unopened.fetch(url, "--cacert", str(authority.file)) == (200, "literal")


def test_other_hosts_of_the_same_sandbox_are_opened_and_refused_readably(unopened):
    status, body = unopened.fetch("https://other.test/", *wrong_way(unopened, "other.test"))
    assert status == 403 and '"host_not_allowed"' in body


def test_plain_http_to_an_unopened_host_stays_http(unopened):
    path = unopened.place.origin.on(lambda exchange: exchange.answer(200, [], b"plain"))
    url = f"http://api.test{path}"
    assert unopened.fetch(url, *wrong_way(unopened, "api.test", 80)) == (200, "plain")


# Greetings.


class Greeting:
    """TLS whose bytes the test carries itself."""

    def __init__(self, captured, name, protocols=("http/1.1",)):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(captured.ca_file))
        context.set_alpn_protocols(list(protocols))
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        self.hello = self.outgoing.read()

    def finish(self, wire):
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._exchange(wire)
        wire.sock.sendall(self.outgoing.read())

    def _exchange(self, wire):
        wire.sock.sendall(self.outgoing.read())
        data = wire.sock.recv(65536)
        assert data, "closed in the middle of the handshake"
        self.incoming.write(data)

    def ask(self, wire, path, host):
        self.tls.write(encode(f"GET {path} HTTP/1.1", [("Host", host)]))
        wire.sock.sendall(self.outgoing.read())
        return read_response(Reader(Decrypted(self, wire)))


class Decrypted:
    def __init__(self, greeting, wire):
        self.greeting, self.wire = greeting, wire

    def recv(self, size):
        while True:
            try:
                return self.greeting.tls.read(size)
            except ssl.SSLWantReadError:
                self.greeting._exchange(self.wire)


def padding(size):
    """Names of protocols that nobody speaks make a greeting as long as one likes."""
    return [f"x{number:03}-" + "y" * 245 for number in range(size // 251)] + ["http/1.1"]


@pytest.mark.parametrize(
    "least, slowly",
    [(0, True), (1800, False), (1800, True), (17000, False), (17000, True), (60000, False)],
    ids=["bytes", "ml-kem", "ml-kem in bytes", "two records", "two records in bytes", "four records"],
)
def test_a_greeting_may_come_in_any_pieces_and_be_long(captured4, least, slowly):
    path = captured4.place.origin.on(lambda exchange: exchange.answer(200, [], b"greeted"))
    greeting = Greeting(captured4, "api.test", padding(least))
    assert len(greeting.hello) >= least
    with captured4.wire() as wire:
        (wire.send_slowly if slowly else wire.send)(greeting.hello)
        greeting.finish(wire)
        assert greeting.ask(wire, path, "api.test").body == b"greeted"


def endless_greeting():
    """Says that it has 16 MiB, in records of 16 KiB."""
    message = b"\x01\xff\xff\xff" + b"\x03\x03" + bytes(16384 - 6)
    record = lambda body: b"\x16\x03\x01" + struct.pack("!H", len(body)) + body
    return record(message) + record(bytes(16384)) * 16


@pytest.mark.parametrize(
    "greeting",
    [
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x16\x03\x01\xff\xff" + bytes(65535),
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
        endless_greeting(),
    ],
    ids=["too short", "record too long", "not a ClientHello", "endless"],
)
def test_a_malformed_greeting_ends_the_connection(captured4, greeting):
    with captured4.wire() as wire:
        try:
            wire.send(greeting)
        except (ConnectionResetError, BrokenPipeError):
            return
        assert wire.is_closed()
    check_secret(captured4)


def sni(names):
    body = b"".join(b"\0" + struct.pack("!H", len(name)) + name for name in names)
    return struct.pack("!HHH", 0, len(body) + 2, len(body)) + body


def hello(extension):
    suites = b"\x00\x02\x13\x01\x01\x00"
    versions = b"\x00\x2b\x00\x03\x02\x03\x04"
    extensions = extension + versions
    body = b"\x03\x03" + bytes(32) + b"\0" + suites + struct.pack("!H", len(extensions)) + extensions
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack("!H", len(message)) + message


@pytest.mark.parametrize(
    "names",
    [[b"api.test", b"other.test"], [b""], [b"api..test"], [b"api.test\0.evil"], [b"10.0.0.1"], []],
    ids=["two names", "empty", "empty label", "a NUL", "a literal", "no name in the list"],
)
def test_a_name_that_is_none_is_refused_and_recorded(captured4, names):
    with captured4.wire() as wire:
        wire.send(hello(sni(names)))
        assert wire.is_closed()
    captured4.place.proxy.wait_for_audit(sandbox=captured4.id, code="misdirected_request")


# What is closed without a word.


@pytest.mark.parametrize("data", [b"\0\1\2\3", b"\x13BitTorrent", b"\xff\xfd\x01", b"ssh", b"SSH-2.0-OpenSSH_9.2\r\n"])
def test_what_is_neither_tls_nor_http_is_closed_and_recorded(captured4, data):
    captured4.ends_without_a_word(data)
    captured4.place.proxy.wait_for_audit(
        sandbox=captured4.id, code="protocol_not_allowed", decision="refused"
    )


def test_an_address_of_no_sandbox_is_closed_and_recorded(place, captured4):
    stranger = "10.86.1.66"
    place.sandbox.address("eth0", f"{stranger}/24")
    with captured4.wire(source=stranger) as wire:
        assert wire.rest() == b""
    record = place.proxy.wait_for_audit(code="identity_required")[-1]
    assert record["client"].startswith(stranger)


def test_credentials_do_not_help_on_a_captured_connection(place, store, captured4):
    """Nobody is asked for any: another sandbox's are refused, as from every registered address."""
    other = place.proxy.api.sandbox(store)
    with captured4.wire(80) as wire:
        fields = [("Host", "plain.test"), ("Proxy-Authorization", basic(*other.credentials))]
        path = place.origin.on(lambda exchange: exchange.answer(200))
        wire.request("GET", path, fields)
    seen = place.origin.requests(path)
    assert all(request.field("proxy-authorization") is None for request in seen)
    assert not place.proxy.audit(sandbox=other.id)


def test_an_address_serves_at_once_when_it_is_registered(place, store):
    """Also where a worker has just learned that it is nobody's."""
    for number in range(100, 104):
        source = f"10.86.1.{number}"
        place.sandbox.address("eth0", f"{source}/24")
        stranger = Captured.__new__(Captured)
        stranger.place, stranger.source, stranger.machine = place, source, place.sandbox
        stranger.nowhere = site.NOWHERE4
        for _ in range(8):  # so that every worker has seen it
            with stranger.wire() as wire:
                assert wire.rest() == b""
        captured = Captured(place, source, store)
        for _ in range(8):
            with captured.wire() as wire:
                wire.start_tls("api.test", captured.ca_file)
                assert wire.request("GET", "/", [("Host", "api.test")]).status == 200
        captured.close()


def test_a_fork_takes_an_address_too(place, store):
    parent = place.proxy.api.sandbox(store)
    checkpoint = parent.checkpoint(unique("checkpoint"))
    fork = place.proxy.api.fork(checkpoint, source=V4)
    captured = Captured.__new__(Captured)
    captured.place, captured.source, captured.machine = place, V4, place.sandbox
    captured.shown, captured.ca_file, captured.nowhere = fork, fork.ca_file, site.NOWHERE4
    try:
        check_secret(captured)
    finally:
        place.proxy.api.delete(fork.path)


def test_a_hibernated_sandbox_reaches_nothing_until_it_wakes(captured4):
    captured4.shown.post("hibernate")
    status, body = captured4.fetch("https://api.test/", *wrong_way(captured4, "api.test"))
    assert status == 407 and '"sandbox_suspended"' in body
    captured4.shown.post("wake")
    check_secret(captured4)


def test_a_deleted_sandbox_reaches_nothing(place, store):
    captured = Captured(place, V4, store)
    check_secret(captured)
    captured.close()
    with captured.wire() as wire:
        assert wire.rest() == b""


# Ways to capture.


def test_tproxy_captures_as_redirect_does(captured, tproxy):
    check_secret(captured)
    path = captured.place.origin.on(lambda exchange: exchange.answer(200, [], b"plain"))
    url = f"http://plain.test{path}"
    assert captured.fetch(url, *wrong_way(captured, "plain.test", 80)) == (200, "plain")
    assert captured.place.gateway.counters()["captured"] > 0


def test_a_literal_is_seen_through_tproxy(captured4, tproxy):
    path = captured4.place.world_origin.on(lambda exchange: exchange.answer(200, [], b"literal"))
    assert captured4.fetch(f"https://{site.WORLD4}{path}") == (200, "literal")


@pytest.fixture(params=["sealgate.nft", "sealgate-tproxy.nft"], ids=["redirect", "tproxy"])
def careful_kernel(place, request):
    """Forwards nothing, and checks itself where packets come from."""
    settings = {"ipv4/ip_forward": (0, 1), "ipv6/conf/all/forwarding": (0, 1)}
    settings |= {f"ipv4/conf/{name}/rp_filter": (1, 0) for name in ("all", "sg-one")}
    place.use(request.param)
    for name, (careful, _) in settings.items():
        place.gateway.set(name, careful)
    yield
    for name, (_, usual) in settings.items():
        place.gateway.set(name, usual)
    place.gateway.set("ipv4/conf/all/rp_filter", 0)
    place.use("sealgate.nft")


def test_capture_needs_no_forwarding_and_bears_a_strict_path_check(captured, careful_kernel):
    check_secret(captured)


class Bridge:
    """Two sandboxes on one bridge of the gateway."""

    def __init__(self, place, name):
        self.place, self.name = place, name
        self.first, self.second = Namespace("port"), Namespace("port")
        gateway = place.gateway
        gateway.ip("link", "add", name, "type", "bridge")
        gateway.ip("link", "set", name, "up")
        gateway.address(name, "10.86.7.1/24", "fd86:7::1/64")
        for number, machine in ((2, self.first), (3, self.second)):
            port = f"sg-port{number}"
            connect(gateway, port, machine, "eth0")
            gateway.ip("link", "set", port, "master", name)
            place.give_addresses(machine, 7, number)

    def close(self):
        for interface in ("sg-port2", "sg-port3", self.name):
            self.place.gateway.ip("link", "del", interface)
        self.first.close()
        self.second.close()


@pytest.fixture
def bridge(place):
    bridge = Bridge(place, "br-boxes")
    place.use("sealgate.nft", '{ "sg-*", "br-boxes" }')
    place.gateway.load("sealgate-bridge.nft", ports='{ "sg-port*" }')
    for number in (2, 3):
        for family, address in ((4, f"10.86.7.{number}"), (6, f"fd86:7::{number}")):
            element = f'{{ "sg-port{number}" . {address} }}'
            place.gateway.nft("add", "element", "bridge", "sealgate", f"addresses_v{family}", element)
    yield bridge
    place.gateway.nft("delete", "table", "bridge", "sealgate")
    place.use("sealgate.nft")
    bridge.close()


def on(machine, place, source, store):
    captured = Captured(place, source, store)
    captured.machine = machine
    return captured


@pytest.mark.parametrize("source", ["10.86.7.2", "fd86:7::2"], ids=["ipv4", "ipv6"])
def test_a_port_of_a_bridge_is_captured(place, store, bridge, source):
    captured = on(bridge.first, place, source, store)
    check_secret(captured)
    captured.close()


def test_a_port_of_a_bridge_does_not_reach_its_neighbour(place, bridge):
    services = network.Services(bridge.second, tcp=[8080], udp=[8080])
    before = place.gateway.counters("bridge")
    with bridge.first.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        mac = bridge.second.mac("eth0").hex(":")
        bridge.first.ip("neigh", "replace", "10.86.7.3", "lladdr", mac, "dev", "eth0", "nud", "permanent")
        sock.sendto(b"neighbour", ("10.86.7.3", 8080))
    network.rises(place.gateway, "between", before, "bridge")
    assert services.data == []
    services.close()


def test_a_port_of_a_bridge_cannot_pass_for_its_neighbour(place, store, bridge):
    victim = on(bridge.second, place, "10.86.7.3", store)
    before = place.gateway.counters("bridge")
    bridge.first.address("eth0", "10.86.7.3/24")
    with bridge.first.inside(), socket.socket() as sock:
        sock.setblocking(False)
        sock.bind(("10.86.7.3", 0))
        sock.connect_ex((site.NOWHERE4, 443))
        network.rises(place.gateway, "spoofed", before, "bridge")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) == b"\2"  # SYN sent
    assert not place.proxy.audit(sandbox=victim.id)
    victim.close()


class Tap:
    """A virtual machine's network card: frames go through a process, as in Firecracker or QEMU."""

    def __init__(self, place, interface, number):
        self.place, self.interface, self.machine = place, interface, Namespace("tap")
        self.files = [self._open(place.gateway, interface), self._open(self.machine, "eth0")]
        place.gateway.ip("link", "set", interface, "up")
        self.machine.ip("link", "set", "eth0", "up")
        place.gateway.address(interface, f"10.86.{number}.1/24", f"fd86:{number}::1/64")
        place.give_addresses(self.machine, number, 2)
        self.threads = [
            threading.Thread(target=self._carry, args=pair, daemon=True)
            for pair in (self.files, self.files[::-1])
        ]
        for thread in self.threads:
            thread.start()

    def _open(self, machine, name):
        with machine.inside():
            file = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(file, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1002))  # TAP
        return file

    def _carry(self, source, sink):
        while True:
            try:
                os.write(sink, os.read(source, 65536))
            except OSError:
                return

    def close(self):
        self.place.gateway.ip("link", "del", self.interface)  # which wakes who reads
        self.machine.ip("link", "del", "eth0")
        for thread in self.threads:
            thread.join(GENEROUS)
        for file in self.files:
            os.close(file)
        self.machine.close()


@pytest.fixture
def tap(place):
    if not pathlib.Path("/dev/net/tun").exists():
        pytest.skip("there is no /dev/net/tun")
    tap = Tap(place, "sg-tap", 8)
    yield tap
    tap.close()


@pytest.mark.parametrize("source", ["10.86.8.2", "fd86:8::2"], ids=["ipv4", "ipv6"])
def test_a_tap_device_is_captured(place, store, tap, source):
    captured = on(tap.machine, place, source, store)
    check_secret(captured)
    captured.close()


CONTAINER_ENGINE = """
table ip nat {
    chain prerouting { type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local tcp dport 8080 dnat to 10.86.7.2:80
    }
    chain postrouting { type nat hook postrouting priority srcnat; policy accept;
        ip saddr 10.86.7.0/24 oifname != "docker0" masquerade
    }
}
table ip filter {
    chain forward { type filter hook forward priority filter; policy drop;
        iifname "docker0" oifname != "docker0" accept
        oifname "docker0" ct state related,established accept
    }
}
"""


def test_rules_of_a_container_engine_open_nothing(place, store):
    bridge = Bridge(place, "docker0")
    gateway = place.gateway
    gateway.run("nft", "-f", "-", input=CONTAINER_ENGINE.encode())
    services = network.Services(place.world, tcp=[8022])
    try:
        with bridge.first.inside(), socket.socket() as sock:
            sock.settimeout(GENEROUS)
            sock.connect((site.WORLD4, 8022))  # the engine lets containers out
        place.use("sealgate.nft", '{ "docker0" }')
        for family, world in ((socket.AF_INET, site.WORLD4), (socket.AF_INET6, site.WORLD6)):
            with bridge.first.inside(), socket.socket(family) as sock:
                sock.settimeout(GENEROUS)
                assert sock.connect_ex((world, 8022)) != 0
        for source in ("10.86.7.2", "fd86:7::2"):
            captured = on(bridge.first, place, source, store)
            check_secret(captured)
            captured.close()
    finally:
        services.close()
        for table in ("nat", "filter"):
            gateway.nft("delete", "table", "ip", table)
        place.use("sealgate.nft")
        bridge.close()


# What an operator sees.


def doctor(place):
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1"}
    ran = place.gateway.run(
        BINARY, "doctor", "--json", "--config", place.proxy.config_file, env=environment
    )
    return ran.returncode, json.loads(ran.stdout)


def about(findings, words):
    return [finding for finding in findings if words in finding["finding"]]


@pytest.mark.parametrize("rules", ["sealgate.nft", "sealgate-tproxy.nft"])
def test_the_doctor_is_content_with_the_delivered_rules(place, rules):
    place.use(rules)
    _, findings = doctor(place)
    place.use("sealgate.nft")
    about_capture = ("nftables", "packets", "TPROXY")
    found = [finding for words in about_capture for finding in about(findings, words)]
    assert len(found) >= 5 and {finding["verdict"] for finding in found} == {"ok"}, findings


def test_the_doctor_says_what_to_do_without_rules(place):
    place.gateway.nft("delete", "table", "inet", "sealgate")
    try:
        status, findings = doctor(place)
        found = about(findings, "nftables")[0]
        assert status == 1 and found["verdict"] == "broken"
        assert "sealgate.nft" in found["advice"]
    finally:
        place.use("sealgate.nft")


def without_a_redirect_for_names(place):
    place.gateway.load("sealgate.nft", sandboxes='{ "sg-*" }', dns_port="9999")


def without_a_check_of_sources(place):
    place.gateway.nft("flush", "chain", "inet", "sealgate", "identify")


def without_refusals_of_what_is_forwarded(place):
    place.gateway.nft("flush", "chain", "inet", "sealgate", "onwards")
    place.gateway.nft("flush", "chain", "inet", "sealgate", "refuse_metadata")


def with_loopback_from_the_network(place):
    place.gateway.set("ipv4/conf/sg-two/route_localnet", 1)


def without_a_route_for_marks(place, family="-4"):
    place.use("sealgate-tproxy.nft")
    place.gateway.ip(family, "rule", "del", "fwmark", site.MARK, "lookup", site.TABLE)


def without_a_route_for_marks_v6(place):
    without_a_route_for_marks(place, "-6")


def with_marks_in_the_path_check(place):
    place.use("sealgate-tproxy.nft")
    place.gateway.set("ipv4/conf/all/src_valid_mark", 1)
    place.gateway.set("ipv4/conf/all/rp_filter", 1)


PITFALLS = [
    (without_a_redirect_for_names, "broken", "nothing to listen.dns port"),
    (without_a_check_of_sources, "note", "nothing checks the source addresses"),
    (without_refusals_of_what_is_forwarded, "broken", "no rule refuses those of sandboxes"),
    (with_loopback_from_the_network, "note", "packets to 127.0.0.0/8 are taken from the network"),
    (without_a_route_for_marks, "broken", "no route delivers marked IPv4 packets"),
    (without_a_route_for_marks_v6, "broken", "no route delivers marked IPv6 packets"),
    (with_marks_in_the_path_check, "broken", "rp_filter looks at marks"),
]


@pytest.fixture
def afterwards_as_before(place):
    yield
    for setting in ("sg-two/route_localnet", "all/src_valid_mark", "all/rp_filter"):
        place.gateway.set(f"ipv4/conf/{setting}", 0)
    for family in ("-4", "-6"):
        rule = ("rule", "del", "fwmark", site.MARK, "lookup", site.TABLE)
        place.gateway.run("ip", family, *rule)
        place.gateway.ip(family, "rule", "add", *rule[2:])
    place.use("sealgate.nft")


@pytest.mark.parametrize("pitfall, verdict, words", PITFALLS, ids=[case[0].__name__ for case in PITFALLS])
def test_the_doctor_sees_what_is_missing(place, afterwards_as_before, pitfall, verdict, words):
    assert about(doctor(place)[1], words) == []
    pitfall(place)
    [found] = about(doctor(place)[1], words)
    assert found["verdict"] == verdict and found["advice"]


def test_marks_in_the_path_check_break_what_the_doctor_says(place, captured4, afterwards_as_before):
    with_marks_in_the_path_check(place)
    with captured4.machine.inside(), socket.socket() as sock:
        sock.settimeout(2)
        with pytest.raises(TimeoutError):
            sock.connect((site.NOWHERE4, 443))
