# SPDX-License-Identifier: Apache-2.0
"""Ways out of a captured sandbox. Each is shown to be open without the rules, and closed by the one
that it names with them."""

import dataclasses
import errno
import re
import secrets
import socket
import struct
import typing

import pytest

from harness import dns, network, site
from harness.network import Services, Sniffer
from harness.wait import GENEROUS, until

reason = network.missing()
pytestmark = pytest.mark.skipif(reason is not None, reason=str(reason))

TCP_PORTS = [22, 25, 853, 3128, 3129, 5432, 8080, 8443, 9418, 65535]
UDP_PORTS = [123, 443, 500, 3478, 51820]
HOST_TCP, HOST_UDP = [22, 5355], [5353, 111]
REFUSED = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.EACCES, errno.ENETUNREACH)


@pytest.fixture(scope="module")
def place(authority, folder):
    place = site.Site(authority, folder)
    place.gateway.set("ipv4/conf/sg-one/route_localnet", 1)  # so that it is the rule that stops it
    place.gateway.set("ipv4/icmp_ratemask", 0)
    place.gateway.set("ipv6/icmp/ratelimit", 0)
    place.gateway.set("ipv4/icmp_echo_ignore_broadcasts", 0)
    parts = [
        Services(place.world, tcp=TCP_PORTS, udp=UDP_PORTS),
        Services(place.neighbour, tcp=[8080], udp=[8080]),
        Services(place.gateway, tcp=HOST_TCP, udp=HOST_UDP),
        Sniffer(place.world, "eth0"),
        Sniffer(place.neighbour, "eth0"),
    ]
    with place.gateway.inside():
        place.store = place.proxy.api.store(["api.test"])
        place.box = place.proxy.api.sandbox(place.store, source="10.86.1.2")
    place.heard = parts
    yield place
    for part in parts:
        part.close()
    place.close()


def heard(place, marker):
    return any(part.has(marker) for part in place.heard)


# Attempts, made by a machine: each says whether it got through, or None when only what arrives says
# so; then the packets carry the marker.


def tcp(address, port, source_port=0):
    def attempt(machine, marker):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family) as sock:
            sock.settimeout(GENEROUS)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if source_port:
                sock.bind(("", source_port))
            result = sock.connect_ex((resolve(machine, address), port))
            assert result in (0, *REFUSED), errno.errorcode[result]
            return result == 0

    return attempt


def resolve(machine, address):
    return address + "%eth0" if address.startswith("fe80:") else address


def udp(address, port, size=0):
    def attempt(machine, marker):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.sendto(marker + bytes(size), (address, port))

    return attempt


def protocol(address, number, head=b""):
    """An IP protocol of its own."""

    def attempt(machine, marker):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_RAW, number) as sock:
            sock.sendto(head + marker, (address, 0))

    return attempt


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping(address):
    """Echo requests; an IPv6 socket fills the checksum in itself."""

    def attempt(machine, marker):
        if ":" in address:
            return protocol(address, socket.IPPROTO_ICMPV6, b"\x80\0\0\0\0\1\0\1")(machine, marker)
        sum_ = checksum(b"\x08\0\0\0\0\1\0\1" + marker)
        return protocol(address, socket.IPPROTO_ICMP, struct.pack("!BBHHH", 8, 0, sum_, 1, 1))(
            machine, marker
        )

    return attempt


def packet(source, destination, port):
    """A UDP packet whose addresses are all claims."""
    marker_at = lambda marker: struct.pack("!HHHH", 4444, port, 8 + len(marker), 0) + marker

    def attempt(machine, marker):
        body = marker_at(marker)
        if ":" in destination:
            addresses = socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(
                socket.AF_INET6, destination
            )
            pseudo = addresses + struct.pack("!IxxxB", len(body), 17) + body
            body = body[:6] + struct.pack("!H", checksum(pseudo)) + body[8:]
            data = struct.pack("!IHBB", 6 << 28, len(body), 17, 64) + addresses + body
            kind = 0x86DD
        else:
            head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0)
            addresses = socket.inet_aton(source) + socket.inet_aton(destination)
            sum_ = checksum(head + addresses)
            data = head[:10] + struct.pack("!H", sum_) + addresses + body
            kind = 0x0800
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("eth0", 0))
            own = sock.getsockname()[4]
            sock.send(machine.gateway_mac + own + struct.pack("!H", kind) + data)

    return attempt


@dataclasses.dataclass
class Way:
    name: str
    attempt: typing.Callable
    stopped_by: str  # the counter in the rules that says so


W4, W6 = site.WORLD4, site.WORLD6
GRE, ESP, SCTP, IPIP, SIX_IN_FOUR = 47, 50, 132, 4, 41

WAYS = [
    Way("ssh", tcp(W4, 22), "forwarded"),
    Way("ssh over IPv6", tcp(W6, 22), "forwarded"),
    Way("mail", tcp(W4, 25), "forwarded"),
    Way("git's own protocol", tcp(W4, 9418), "forwarded"),
    Way("a database", tcp(W4, 5432), "forwarded"),
    Way("DNS over TLS", tcp(W4, 853), "forwarded"),
    Way("DNS over TLS over IPv6", tcp(W6, 853), "forwarded"),
    Way("HTTP at another port", tcp(W4, 8080), "forwarded"),
    Way("HTTPS at another port", tcp(W4, 8443), "forwarded"),
    Way("HTTPS at another port over IPv6", tcp(W6, 8443), "forwarded"),
    Way("the last port", tcp(W4, 65535), "forwarded"),
    Way("another proxy", tcp(W4, 3128), "forwarded"),
    Way("a foreign port with the listener's number", tcp(W4, 3129), "forwarded"),
    Way("from port 443", tcp(W4, 8443, 443), "forwarded"),
    Way("from port 53", tcp(W4, 22, 53), "forwarded"),
    Way("QUIC", udp(W4, 443), "forwarded"),
    Way("QUIC over IPv6", udp(W6, 443), "forwarded"),
    Way("QUIC in fragments", udp(W4, 443, 4000), "forwarded"),
    Way("QUIC in fragments over IPv6", udp(W6, 443, 4000), "forwarded"),
    Way("time", udp(W4, 123), "forwarded"),
    Way("STUN", udp(W4, 3478), "forwarded"),
    Way("IPsec's key exchange", udp(W4, 500), "forwarded"),
    Way("WireGuard", udp(W4, 51820), "forwarded"),
    Way("WireGuard over IPv6", udp(W6, 51820), "forwarded"),
    Way("ping", ping(W4), "forwarded"),
    Way("ping over IPv6", ping(W6), "forwarded"),
    Way("GRE", protocol(W4, GRE), "forwarded"),
    Way("ESP", protocol(W4, ESP), "forwarded"),
    Way("SCTP", protocol(W4, SCTP), "forwarded"),
    Way("IP in IP", protocol(W4, IPIP), "forwarded"),
    Way("IPv6 in IP", protocol(W4, SIX_IN_FOUR), "forwarded"),
    Way("a protocol without a number", protocol(W6, 253), "forwarded"),
    Way("a neighbour", tcp("10.86.2.2", 8080), "forwarded"),
    Way("a neighbour over IPv6", tcp("fd86:2::2", 8080), "forwarded"),
    Way("a neighbour over UDP", udp("10.86.2.2", 8080), "forwarded"),
    Way("metadata's own port range", udp(site.METADATA4, 123), "metadata"),
    Way("metadata over IPv6 at another port", tcp(site.METADATA6, 22), "metadata"),
    Way("the host's ssh", tcp("10.86.1.1", 22), "host"),
    Way("the host's ssh over IPv6", tcp("fd86:1::1", 22), "host"),
    Way("the host's ssh by its address outside", tcp("198.51.100.1", 22), "host"),
    Way("the host's ssh by its address outside, IPv6", tcp("fd86:ff::1", 22), "host"),
    Way("the host's LLMNR", tcp("10.86.1.1", 5355), "host"),
    Way("the host's mDNS", udp("10.86.1.1", 5353), "host"),
    Way("the host's portmapper over IPv6", udp("fd86:1::1", 111), "host"),
    Way("the host by broadcast", udp("10.86.1.255", 5353), "host"),
    Way("sealgate's API", tcp("10.86.1.1", site.CONTROL), "host"),
    Way("sealgate's explicit port", tcp("10.86.1.1", site.PROXY), "host"),
    Way("the listener without having been redirected", tcp("10.86.1.1", site.TRANSPARENT), "host"),
    Way("the DNS gate by its port", tcp("10.86.1.1", site.DNS), "host"),
    Way("the host's loopback", packet("10.86.1.2", "127.0.0.1", 5353), "host"),
    Way("a neighbour's address", packet("10.86.2.2", W4, 443), "spoofed"),
    Way("a neighbour's address over IPv6", packet("fd86:2::2", W6, 443), "spoofed"),
    Way("the world's address", packet("198.51.100.2", "10.86.2.2", 8080), "spoofed"),
    Way("an address of nobody", packet("203.0.113.7", W4, 443), "spoofed"),
    Way("a neighbour's address to the host", packet("10.86.2.2", "10.86.1.1", 5353), "spoofed"),
]


@pytest.fixture(params=WAYS, ids=lambda way: way.name.replace(" ", "-"))
def way(request):
    return request.param


@pytest.fixture
def without_rules(place):
    place.gateway.nft("delete", "table", "inet", "sealgate")
    yield
    place.use("sealgate.nft")


def try_it(place, attempt):
    """True when it got through, False when it was refused, None when that is still to be seen."""
    box = place.sandbox
    box.gateway_mac = place.gateway.mac("sg-one")
    marker = secrets.token_bytes(16)
    with box.inside():
        return attempt(box, marker), marker


def test_it_is_open_without_rules(place, way, without_rules):
    outcome, marker = try_it(place, way.attempt)
    if outcome is None:
        until(lambda: heard(place, marker), f"{way.name} arrives")
    else:
        assert outcome


@pytest.fixture(params=["sealgate.nft", "sealgate-tproxy.nft"], ids=["redirect", "tproxy"])
def rules(request, place):
    place.use(request.param)
    yield
    place.use("sealgate.nft")


def test_it_is_closed_to_a_sandbox(place, way, rules):
    before = place.gateway.counters()
    outcome, marker = try_it(place, way.attempt)
    assert not outcome
    network.rises(place.gateway, way.stopped_by, before)
    assert not heard(place, marker)


# What is not refused is captured: it ends at sealgate, and never where it was addressed to.


@pytest.mark.parametrize("address", [W4, W6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("port", [80, 443])
def test_http_to_any_address_arrives_at_sealgate_alone(place, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    before, world = place.gateway.counters(), place.heard[3]
    heard_before = len(world.data)
    with place.sandbox.inside():
        socket.create_connection((address, port), GENEROUS).close()
    assert place.gateway.counters()["captured"] == before["captured"] + 1
    target = re.escape(socket.inet_pton(family, address)) + b".." + re.escape(struct.pack("!H", port))
    frames = world.data[heard_before:]
    assert not any(re.search(target, data, re.DOTALL) for data in frames)


@pytest.mark.parametrize("file", ["sealgate.nft", "sealgate-tproxy.nft"])
@pytest.mark.parametrize("address", [W4, W6, "10.86.1.1"])
def test_while_sealgate_is_down_nobody_else_gets_what_was_for_it(place, file, address):
    services = Services(place.gateway, tcp=[443])
    place.gateway.load(file, sandboxes='{ "sg-*" }', transparent_port=9)
    try:
        with place.sandbox.inside():
            assert not tcp(address, 443)(place.sandbox, b"")
        assert services.accepted == []
    finally:
        place.use("sealgate.nft")
        services.close()


@pytest.mark.parametrize("server", [W4, "8.8.8.8", "10.86.1.1"])
@pytest.mark.parametrize("transport", [dns.Udp, dns.Tcp])
def test_dns_to_any_server_is_answered_by_the_gate_alone(place, server, transport):
    before = place.gateway.counters()
    with place.sandbox.inside():
        connection = transport("10.86.1.2", (server, 53))
    with connection:
        assert connection.ask("api.test").addresses == [site.ORIGIN]
        assert connection.ask(f"{secrets.token_hex(8)}.evil.test").rcode in (dns.NXDOMAIN, dns.REFUSED)
    assert place.gateway.counters()["resolved"] > before["resolved"]


@pytest.mark.parametrize("kind", [dns.TXT, dns.NULL, dns.ANY, dns.SRV])
def test_dns_carries_nothing_out(place, kind):
    marker = secrets.token_hex(8)
    with place.sandbox.inside():
        connection = dns.Udp("10.86.1.2", ("8.8.8.8", 53))
    with connection:
        assert connection.ask(f"{marker}.evil.test", kind).addresses == []
    assert not heard(place, marker.encode())


def test_nothing_comes_in_but_what_the_gateway_began(place):
    """A connection from outside would be a way out for answers."""
    services = Services(place.sandbox, tcp=[8022])
    before = place.gateway.counters()
    try:
        with place.world.inside(), socket.socket() as sock:
            sock.setblocking(False)
            sock.connect_ex(("10.86.1.2", 8022))
            network.rises(place.gateway, "forwarded", before)
        with place.gateway.inside():
            socket.create_connection(("10.86.1.2", 8022), GENEROUS).close()
        until(lambda: services.accepted == [("10.86.1.1", 8022)], "only the gateway got in")
    finally:
        services.close()


def test_a_new_interface_is_no_way_around(place):
    """A sandbox that is root in its own network adds a VLAN, a tunnel and a route: all for nothing."""
    box = place.sandbox
    box.ip("link", "add", "link", "eth0", "name", "eth0.7", "type", "macvlan")
    box.ip("link", "set", "eth0.7", "up")
    box.address("eth0.7", "198.51.100.200/24")
    before = place.gateway.counters()
    marker = secrets.token_bytes(16)
    with box.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind(("eth0.7", 0))
        box.gateway_mac = place.gateway.mac("sg-one")
        packet("198.51.100.200", W4, 443)(box, marker)
    network.rises(place.gateway, "spoofed", before)
    assert not heard(place, marker)
    box.ip("link", "del", "eth0.7")
