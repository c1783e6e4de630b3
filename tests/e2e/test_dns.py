# SPDX-License-Identifier: Apache-2.0
"""The DNS gate: a sandbox learns the addresses of what it may reach, and asks nobody about more."""

import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading

import pytest

from harness import dns
from harness.names import NameServer
from harness.ports import free_port
from harness.proxy import BINARY, Sealgate, environment
from harness.wait import GENEROUS, until

ADDRESSES = {
    "public.test": ["1.1.1.1", "2606:4700::1111"],
    "www.wild.test": ["1.1.1.2"],
    "port.test": ["1.1.1.3"],
    "private.test": ["10.1.2.3"],
    "half.test": ["10.1.2.3", "1.1.1.4"],
    "exempt.test": ["127.0.0.8"],
    "many.test": [f"1.1.2.{i}" for i in range(1, 17)],
    "secret-data.evil.test": ["1.1.1.5"],
}
ALLOWED = ["public.test", "*.wild.test", "port.test:8443", "private.test", "half.test"]
ALLOWED += ["exempt.test", "many.test", "nothing.test", "fixed.test", "fixed6.test", "dead.test"]


class RecordingNameServer(NameServer):
    """Knows what it was asked, and over TCP too."""

    def __init__(self, addresses):
        self.asked = []
        self._listener = None
        while self._listener is None:
            super().__init__(addresses)
            self._listener = self._listen_on_the_same_port()
        threading.Thread(target=self._serve_tcp, daemon=True).start()

    def _listen_on_the_same_port(self):
        host, port = self.endpoint.split(":")
        try:
            return socket.create_server((host, int(port)))
        except OSError:  # somebody has it
            super().close()
            return None

    def close(self):
        super().close()
        self._listener.close()

    def _serve_tcp(self):
        while True:
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            with stream, stream.makefile("rwb") as file:
                while head := file.read(2):
                    answer = self._answer(file.read(struct.unpack("!H", head)[0]))
                    file.write(struct.pack("!H", len(answer)) + answer)
                    file.flush()

    def _answer(self, query):
        end = query.index(b"\0", 12)
        self.asked.append(query[12:end])
        if b"dead" in query:
            raise ValueError  # no answer at all
        if b"mail" in query:  # there is such a name, without addresses
            return query[:2] + struct.pack("!HHHHH", 0x8180, 1, 0, 0, 0) + query[12 : end + 5]
        return super()._answer(query)

    def has_heard(self, text):
        return any(text.encode() in name for name in self.asked)


class Gate(Sealgate):
    def write_config(self, config):
        self.dns_port = free_port()
        listen = {
            "proxy": [f"127.0.0.1:{self.proxy_port}"],
            "control": [f"127.0.0.1:{self.control_port}"],
            "dns": [f"0.0.0.0:{self.dns_port}", f"[::1]:{self.dns_port}"],
        }
        super().write_config({**config, "listen": listen})


@pytest.fixture(scope="module")
def nameserver():
    server = RecordingNameServer(dict(ADDRESSES))
    yield server
    server.close()


@pytest.fixture(scope="module")
def gate(nameserver):
    upstream = {
        "resolve": {"fixed.test": "10.0.0.5", "fixed6.test": "[fd00::5]:8443"},
        "allow_addresses": ["127.0.0.8/32"],
        "nameservers": [nameserver.endpoint],
    }
    with Gate({"upstream": upstream}) as gate:
        yield gate


_sources = (f"127.1.{net}.{host}" for net in range(1, 250) for host in range(1, 250))


@pytest.fixture
def client(gate):
    """A sandbox with an address of its own, and a socket there."""
    opened = []

    def open_client(kind=dns.Udp, egress=ALLOWED, server="127.0.0.1", source=None):
        store = gate.api.store(egress)
        source = source or next(_sources)
        sandbox = gate.api.sandbox(store, source=source)
        opened.append(kind(source, (server, gate.dns_port)))
        opened[-1].sandbox, opened[-1].source = sandbox, source
        return opened[-1]

    yield open_client
    for one in opened:
        one.__exit__()
        gate.api.delete(one.sandbox.path)


def test_an_allowed_name_has_its_addresses(client):
    udp = client()
    answer = udp.ask("public.test")
    assert (answer.rcode, answer.addresses) == (dns.NOERROR, ["1.1.1.1"])
    assert 1 <= answer.ttls[0] <= 60
    assert udp.ask("public.test", dns.AAAA).addresses == ["2606:4700::1111"]
    assert udp.ask("www.wild.test").addresses == ["1.1.1.2"]


def test_a_name_is_known_whatever_port_of_it_is_allowed(client):
    assert client().ask("port.test").addresses == ["1.1.1.3"]


def test_the_question_comes_back_in_its_own_case(client):
    answer = client().ask("PuBlIc.TeSt", id=0x1234)
    assert (answer.id, answer.rcode, answer.addresses) == (0x1234, dns.NOERROR, ["1.1.1.1"])
    assert answer.question.startswith(dns.name("PuBlIc.TeSt"))


def test_a_name_that_is_not_allowed_never_leaves_the_machine(client, gate, nameserver):
    udp = client()
    for name in ["secret-data.evil.test", "wild.test", "public.test.evil.test"]:
        answer = udp.ask(name)
        assert (answer.rcode, answer.addresses) == (dns.NXDOMAIN, [])
        assert (answer.extended, "allowlist" in answer.text) == (15, True)
        line = gate.wait_for_audit(host=name, sandbox=udp.sandbox.id)[0]
        assert (line["decision"], line["code"], line["protocol"]) == (
            "refused",
            "host_not_allowed",
            "dns",
        )
    assert udp.ask("public.test").rcode == dns.NOERROR  # whatever was asked has arrived by now
    assert not nameserver.has_heard("evil")


def test_a_client_without_edns_gets_the_refusal_alone(client):
    answer = client().ask("evil.test", edns=None)
    assert (answer.rcode, answer.extended) == (dns.NXDOMAIN, None)


def test_private_addresses_are_not_told(client, gate):
    udp = client()
    answer = udp.ask("private.test")
    assert (answer.rcode, answer.addresses, answer.extended) == (dns.REFUSED, [], 17)
    assert gate.wait_for_audit(host="private.test", code="address_not_allowed")
    assert udp.ask("half.test").addresses == ["1.1.1.4"]


def test_exempt_addresses_are(client):
    assert client().ask("exempt.test").addresses == ["127.0.0.8"]


def test_names_of_the_configuration_have_its_address_and_no_other(client):
    udp = client()
    assert udp.ask("fixed.test").addresses == ["10.0.0.5"]
    other = udp.ask("fixed.test", dns.AAAA)
    assert (other.rcode, other.addresses) == (dns.NOERROR, [])
    assert udp.ask("fixed6.test", dns.AAAA).addresses == ["fd00::5"]
    assert udp.ask("fixed6.test").addresses == []


def test_a_name_that_does_not_exist_is_said_not_to(client, gate):
    answer = client().ask("nothing.test")
    assert (answer.rcode, answer.extended) == (dns.NXDOMAIN, None)
    assert gate.wait_for_audit(host="nothing.test", decision="allowed")


def test_a_name_without_addresses_exists(client):
    answer = client().ask("mail.wild.test")
    assert (answer.rcode, answer.addresses) == (dns.NOERROR, [])


def test_a_nameserver_that_is_silent_is_a_failure(client):
    answer = client().ask("dead.test")
    assert (answer.rcode, answer.extended) == (dns.SERVFAIL, 22)


@pytest.mark.parametrize("name", ["localhost", "a.localhost", "use-application-dns.net"])
def test_names_that_nobody_may_answer_do_not_exist(client, nameserver, name):
    assert client(egress=["*"]).ask(name).rcode == dns.NXDOMAIN
    assert not nameserver.has_heard(name.split(".")[-1])


@pytest.mark.parametrize("kind", [dns.HTTPS, dns.SVCB])
def test_service_bindings_do_not_exist(client, kind):
    udp = client()
    answer = udp.ask("public.test", kind)
    assert (answer.rcode, answer.addresses) == (dns.NOERROR, [])
    assert udp.ask("evil.test", kind).rcode == dns.NXDOMAIN


@pytest.mark.parametrize(
    "kind", [dns.TXT, dns.NULL, dns.ANY, dns.MX, dns.SRV, dns.PTR, 2, 5, 6, 251, 252, 257, 65280]
)
def test_other_types_are_refused(client, nameserver, kind):
    lookups = lambda: nameserver.asked.count(b"\6public\4test")
    before = lookups()
    answer = client().ask("public.test", kind)
    assert (answer.rcode, answer.extended) == (dns.REFUSED, 21)
    assert lookups() == before


def test_what_is_no_host_is_refused(client, gate):
    udp = client(egress=[])  # no restriction
    for name in [b"\4_dns\4test\0", b"\0", b"\7a.b.com\4test\0", b"\x031.2\x033.4\0"]:
        assert udp.ask(name).rcode == dns.REFUSED, name
    assert gate.wait_for_audit(host="_dns.test", code="protocol_not_allowed")


def test_no_list_means_no_restriction(client):
    assert client(egress=[]).ask("public.test").addresses == ["1.1.1.1"]


def test_malformed_queries_are_told_so(client, gate):
    udp = client()
    good = dns.query("public.test")
    for what, message in {
        "cut off": good[:-1],
        "left over": good + b"x",
        "a pointer": dns.query(b"\xc0\x0c"),
        "two questions": good[:4] + b"\0\2" + good[6:],
    }.items():
        udp.send(message)
        answer = udp.receive()
        assert (answer.id, answer.rcode, answer.question) == (0x4242, dns.FORMERR, b""), what
    assert gate.wait_for_audit(4, sandbox=udp.sandbox.id, code="bad_request")
    udp.send(dns.query("public.test", flags=0x2800))
    assert udp.receive().rcode == dns.NOTIMP


def test_what_is_no_query_has_no_answer(client, gate):
    udp = client()
    before = gate.metrics()['sealgate_dns_queries_total{decision="dropped"}']
    for message in [b"", b"\0" * 11, dns.query("public.test", flags=0x8180), b"\0" * 5000]:
        udp.send(message)
    assert udp.ask("public.test", id=7).id == 7  # the first answer is this one's
    dropped = 'sealgate_dns_queries_total{decision="dropped"}'
    until(lambda: gate.metrics()[dropped] >= before + 4, "all four are counted")


def test_a_stranger_has_no_answer(gate, nameserver):
    before = gate.metrics()['sealgate_dns_queries_total{decision="dropped"}']
    with dns.Udp(next(_sources), ("127.0.0.1", gate.dns_port)) as udp:
        udp.send(dns.query("stranger.test"))
        dropped = 'sealgate_dns_queries_total{decision="dropped"}'
        until(lambda: gate.metrics()[dropped] > before, "it is counted")
        udp.socket.setblocking(False)
        with pytest.raises(BlockingIOError):
            udp.receive()
    with dns.Tcp(next(_sources), ("127.0.0.1", gate.dns_port)) as tcp:
        assert tcp.ask("stranger.test") is None  # closed
    assert not nameserver.has_heard("stranger")


def test_a_hibernated_sandbox_learns_nothing(client):
    udp = client()
    assert udp.ask("public.test").rcode == dns.NOERROR
    udp.sandbox.post("hibernate")
    answer = udp.ask("public.test")
    assert (answer.rcode, answer.extended) == (dns.REFUSED, 18)
    udp.sandbox.post("wake")
    assert udp.ask("public.test").rcode == dns.NOERROR


def test_the_answer_comes_from_the_address_that_was_asked(client):
    # The socket is connected: an answer from another address would not arrive.
    assert client(server="127.0.0.53").ask("public.test").rcode == dns.NOERROR
    assert client(server="127.9.9.9").ask("public.test").rcode == dns.NOERROR


def test_ipv6_works_too(client):
    udp = client(server="::1", source="::1")
    assert udp.ask("public.test").addresses == ["1.1.1.1"]


def test_a_connection_takes_many_queries(client):
    tcp = client(dns.Tcp)
    for number in range(40):
        tcp.send(dns.query("public.test" if number % 2 else "evil.test", id=number))
    answers = [tcp.receive() for _ in range(40)]
    assert sorted(answer.id for answer in answers) == list(range(40))
    for answer in answers:
        assert answer.rcode == (dns.NOERROR if answer.id % 2 else dns.NXDOMAIN)


def test_a_connection_may_be_cut_anywhere(client):
    tcp = client(dns.Tcp)
    message = dns.query("public.test")
    framed = struct.pack("!H", len(message)) + message
    for i in range(len(framed)):
        tcp.socket.sendall(framed[i : i + 1])
    assert tcp.receive().addresses == ["1.1.1.1"]
    tcp.send(message)
    tcp.socket.shutdown(socket.SHUT_WR)  # what was asked is answered even so
    assert tcp.receive().addresses == ["1.1.1.1"]
    assert tcp.receive() is None


@pytest.mark.parametrize("head", [b"\0\0", b"\0\x0b", b"\xff\xff"])
def test_a_connection_that_says_no_message_is_closed(client, head):
    tcp = client(dns.Tcp)
    tcp.socket.sendall(head + b"x" * 32)
    try:
        assert tcp.receive() is None
    except ConnectionResetError:
        pass  # it had not read everything


@pytest.mark.parametrize("said", [b"", b"\0\x20half a message"])
def test_a_connection_that_stalls_is_closed(client, said):
    tcp = client(dns.Tcp)
    tcp.socket.sendall(said)
    assert tcp.receive() is None


def test_what_does_not_fit_a_datagram_is_asked_again_over_tcp(client, nameserver):
    name = ".".join(letter * 50 for letter in "abcd") + ".wild.test"
    addresses = [f"2606:4700::{i}" for i in range(1, 10)] + [f"2606:4701::{i}" for i in range(1, 8)]
    nameserver.addresses[name] = addresses
    udp = client()
    short = udp.ask(name, dns.AAAA, edns=None)
    assert (short.truncated, short.addresses) == (True, [])
    assert len(udp.ask(name, dns.AAAA).addresses) == 16  # 1232 bytes are enough
    with dns.Tcp(udp.source, udp.socket.getpeername()) as tcp:
        whole = tcp.ask(name, dns.AAAA, edns=None)
    assert (whole.truncated, sorted(whole.addresses)) == (False, sorted(addresses))


def test_a_flood_is_refused_and_harms_nobody_else(client, gate):
    flooding, other = client(), client()
    limited = 0
    for _ in range(5):
        for _ in range(400):
            flooding.send(dns.query("evil.test"))
        flooding.socket.settimeout(1)
        try:
            while True:
                limited += flooding.receive().extended == 18
        except TimeoutError:
            pass
        assert other.ask("public.test").rcode == dns.NOERROR
        if limited:
            break
    assert limited > 0
    assert gate.wait_for_audit(sandbox=flooding.sandbox.id, code="limit_exceeded")


def test_only_so_many_names_are_looked_up_at_a_time(client):
    waiting, other = client(), client()
    for number in range(100):
        waiting.send(dns.query(f"dead-{number}.wild.test", id=number))
    answers = [waiting.receive() for _ in range(100)]
    assert [answer.extended for answer in answers[:36]] == [18] * 36  # at once
    assert [answer.rcode for answer in answers[36:]] == [dns.SERVFAIL] * 64
    assert other.ask("public.test").rcode == dns.NOERROR


def test_one_client_has_only_so_many_connections(client, gate):
    first = client(dns.Tcp)
    others = [dns.Tcp(first.source, ("127.0.0.1", gate.dns_port)) for _ in range(99)]
    answered = 0
    for tcp in [first, *others]:
        try:
            answered += tcp.ask("public.test") is not None
        except OSError:
            pass  # closed before it could ask
    for tcp in others:
        tcp.__exit__()
    assert 32 <= answered <= 64  # there are two workers
    assert client(dns.Tcp).ask("public.test").rcode == dns.NOERROR


def test_a_change_is_seen_by_the_next_query(client, gate):
    udp = client(egress=["public.test"])
    assert udp.ask("www.wild.test").rcode == dns.NXDOMAIN
    store = udp.sandbox.shown["secretStore"]
    stores = gate.api.get("/api/secret-stores")
    id = next(one["id"] for one in stores if one["name"] == store)
    gate.api.ok("PUT", f"/api/secret-stores/{id}", {"egressAllowlist": ["*.wild.test"]})
    assert udp.ask("www.wild.test").rcode == dns.NOERROR
    assert udp.ask("public.test").rcode == dns.NXDOMAIN


def test_allowed_queries_are_recorded_with_what_was_told(client, gate):
    udp = client()
    before = gate.metrics()['sealgate_dns_queries_total{decision="allowed"}']
    udp.ask("public.test", dns.AAAA)
    line = gate.wait_for_audit(sandbox=udp.sandbox.id)[0]
    assert line["host"] == "public.test"
    assert (line["method"], line["decision"], line["upstream"]) == (
        "AAAA",
        "allowed",
        "2606:4700::1111",
    )
    assert line["client"] == udp.source
    assert gate.metrics()['sealgate_dns_queries_total{decision="allowed"}'] == before + 1


def test_a_dialer_that_died_is_asked_again(client, gate):
    udp = client()
    for pid in gate.pids("dialer"):
        os.kill(pid, signal.SIGKILL)
    assert udp.ask("many.test").rcode == dns.NOERROR


ASK = """
import json
from harness import dns

def show(answer):
    return [answer.rcode, answer.addresses]

def ask(kind, source, server, *question):
    with kind(source, (server, 53)) as client:
        return show(client.ask(*question))

print(json.dumps({
    "udp": ask(dns.Udp, "0.0.0.0", "8.8.8.8", "fixed.test"),
    "other": ask(dns.Udp, "0.0.0.0", "192.0.2.53", "evil.test"),
    "tcp": ask(dns.Tcp, "0.0.0.0", "9.9.9.9", "fixed.test"),
    "ipv6": ask(dns.Udp, "::", "2001:4860:4860::8888", "fixed.test"),
    "AAAA": ask(dns.Udp, "::", "2620:fe::fe", "fixed.test", dns.AAAA),
}))
"""


def can_unshare():
    return subprocess.run(["unshare", "-Urn", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_unshare(), reason="namespaces are not permitted here")
def test_inside_run_every_server_is_the_gate(tmp_path):
    config = tmp_path / "sealgate.yaml"
    config.write_text('{"upstream": {"resolve": {"fixed.test": "10.0.0.5"}}}')
    ran = subprocess.run(
        [BINARY, "run", "--config", config, "--allow", "fixed.test", "--", sys.executable, "-c", ASK],
        env=environment(PYTHONPATH=str(pathlib.Path(__file__).parent)),
        capture_output=True,
        timeout=2 * GENEROUS,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert json.loads(ran.stdout) == {
        "udp": [dns.NOERROR, ["10.0.0.5"]],
        "other": [dns.NXDOMAIN, []],
        "tcp": [dns.NOERROR, ["10.0.0.5"]],
        "ipv6": [dns.NOERROR, ["10.0.0.5"]],
        "AAAA": [dns.NOERROR, []],
    }
    assert b"evil.test" in ran.stderr
