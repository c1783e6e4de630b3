# SPDX-License-Identifier: Apache-2.0
"""SOCKS5 as a way in: another greeting, the same decisions."""

import os

import pytest

from harness import socks
from harness.expect import refusal
from harness.socks import LOGIN, NO_LOGIN, NO_METHOD, Socks
from harness.wait import until

_sources = (f"127.1.{net}.{host}" for net in range(20, 250) for host in range(1, 250))


@pytest.fixture
def source():
    return next(_sources)


def curl(sandbox, *arguments, credentials=True, scheme="socks5h", **options):
    """Whatever the variables say, the proxy is this one."""
    login = ":".join(sandbox.credentials) + "@" if credentials else ""
    proxy = f"{scheme}://{login}{sandbox.endpoint}"
    return sandbox.curl("--proxy", proxy, *arguments, **options)


# Real clients.


def test_a_secret_goes_in_and_does_not_come_back(origin, keyed):
    path = origin.on(lambda exchange: exchange.echo())
    ran = curl(keyed.sandbox, "--fail", "-H", f"X-Key: {keyed.token}", f"https://api.test{path}")
    assert origin.request(path).field("x-key") == keyed.value
    assert keyed.token in ran.stdout.decode() and keyed.value not in ran.stdout.decode()


def test_http2_inside(h2_origin, keyed_with):
    keyed = keyed_with(egress=["h2.test"])
    path = h2_origin.on(lambda exchange: exchange.answer(body=b"two"))
    ran = curl(
        keyed.sandbox, "--http2", "-w", " %{http_version}", "-H", f"X-Key: {keyed.token}",
        f"https://h2.test{path}",
    )
    assert ran.stdout == b"two 2"
    assert h2_origin.request(path).field("x-key") == keyed.value


def test_plain_http_inside(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(body=b"plain"))
    assert curl(keyed.sandbox, f"http://api.test{path}").stdout == b"plain"
    ran = curl(keyed.sandbox, "-H", f"X-Key: {keyed.token}", f"http://api.test{path}")
    assert b"token_plaintext" in ran.stdout


def test_a_client_that_resolves_for_itself_has_lost_the_name(origin, keyed):
    """--socks5 instead of --socks5-hostname: an address does not stand for a name."""
    path = origin.on(lambda exchange: exchange.answer())
    own = ("--resolve", "api.test:80:127.0.0.1")
    ran = curl(keyed.sandbox, *own, f"http://api.test{path}", scheme="socks5")
    assert b'"code": "misdirected_request"' in ran.stdout
    assert origin.requests(path) == []


def test_a_client_that_takes_the_variable(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(body=b"by variable"))
    user, password = keyed.sandbox.credentials
    proxy = f"socks5h://{user}:{password}@{keyed.sandbox.endpoint}"
    env = {"ALL_PROXY": proxy, "HTTPS_PROXY": proxy, "https_proxy": proxy, "all_proxy": proxy}
    assert keyed.sandbox.curl(f"https://api.test{path}", env=env).stdout == b"by variable"


# Whose connection it is.


def wrong_logins(keyed, other):
    user, password = keyed.sandbox.credentials
    yield "wrong token", user, password[::-1]
    yield "no token", user, ""
    yield "another's token", user, other.credentials[1]
    yield "unknown sandbox", "sb-00000000", password
    yield "nobody", "", ""
    yield "as long as can be", "u" * 255, "p" * 255


def test_a_wrong_login_is_refused_closed_and_recorded(proxy, api, keyed):
    for what, user, password in wrong_logins(keyed, api.sandbox()):
        before = len(proxy.audit(code="identity_invalid"))
        with Socks(proxy.endpoint) as wire:
            assert not wire.log_in(user, password), what
            assert wire.is_closed(), what
        proxy.wait_for_audit(before + 1, code="identity_invalid")


@pytest.mark.parametrize("methods", [[], [NO_LOGIN], [socks.GSSAPI], [NO_LOGIN, socks.GSSAPI]])
def test_who_offers_no_login_is_told_that_nothing_else_will_do(proxy, methods):
    with Socks(proxy.endpoint) as wire:
        assert wire.greet(*methods) == NO_METHOD
        assert wire.rest() == b""


def test_a_registered_source_needs_no_login(api, origin, keyed, source):
    sandbox = api.sandbox(keyed.store, source=source)
    path = origin.on(lambda exchange: exchange.answer(body=b"known"))
    ran = curl(sandbox, "--interface", source, f"https://api.test{path}", credentials=False)
    assert ran.stdout == b"known"
    with Socks(sandbox.endpoint, source) as wire:
        assert wire.greet(NO_LOGIN) == NO_LOGIN
        assert wire.ask(socks.name("api.test")) == socks.SUCCEEDED


def test_a_registered_source_may_log_in_as_itself_alone(api, keyed, source):
    sandbox = api.sandbox(keyed.store, source=source)
    with Socks(sandbox.endpoint, source) as wire:
        assert wire.log_in(*sandbox.credentials)
    with Socks(sandbox.endpoint, source) as wire:
        assert not wire.log_in(*keyed.sandbox.credentials)
    with Socks(sandbox.endpoint) as wire:
        assert not wire.log_in(*sandbox.credentials)


def test_a_hibernated_sandbox_is_told_so_inside(keyed, origin):
    path = origin.on(lambda exchange: exchange.answer(body=b"awake"))
    keyed.sandbox.post("hibernate")
    with socks.tunnel(keyed.sandbox, "api.test", 80) as wire:
        refusal(wire.request("GET", path, [("Host", "api.test")]), 407, "sandbox_suspended")
    keyed.sandbox.post("wake")
    with socks.tunnel(keyed.sandbox, "api.test", 80) as wire:
        assert wire.request("GET", path, [("Host", "api.test")]).body == b"awake"


# What is asked for.


def test_a_refused_host_is_refused_inside_where_the_client_can_read_it(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer())
    with socks.tunnel(keyed.sandbox, "other.test") as wire:
        wire.start_tls("other.test", keyed.sandbox.ca_file)
        answer = wire.request("GET", path, [("Host", "other.test")])
        refusal(answer, 403, "host_not_allowed", host="other.test", sandbox=keyed.sandbox.id)
    with socks.tunnel(keyed.sandbox, "other.test", 80) as wire:
        answer = wire.request("GET", path, [("Host", "other.test")])
        refusal(answer, 403, "host_not_allowed", host="other.test")
    assert origin.requests(path) == []


def test_the_name_that_was_asked_for_binds_what_follows(origin, keyed_with):
    keyed = keyed_with(egress=["api.test", "other.test"])
    path = origin.on(lambda exchange: exchange.answer())
    with socks.tunnel(keyed.sandbox, "api.test") as wire:
        wire.start_tls("api.test", keyed.sandbox.ca_file)
        answer = wire.request("GET", path, [("Host", "other.test")])
        refusal(answer, 421, "misdirected_request")
    assert origin.requests(path) == []


@pytest.mark.parametrize(
    "address, code",
    [
        ("127.0.0.1", "address_not_allowed"),
        ("169.254.169.254", "address_not_allowed"),
        ("::1", "address_not_allowed"),
        ("::ffff:127.0.0.1", "host_not_allowed"),  # another spelling is another host
        ("192.0.2.1", "host_not_allowed"),
    ],
)
def test_a_literal_is_no_way_to_an_inside_address(keyed_with, address, code):
    keyed = keyed_with(egress=["127.0.0.1", "::1", "169.254.169.254"])
    with Socks(keyed.sandbox.endpoint) as wire:
        assert wire.log_in(*keyed.sandbox.credentials)
        assert wire.ask(socks.literal(address), 80) == socks.SUCCEEDED
        shown = f"[{address}]" if ":" in address else address
        refusal(wire.request("GET", "/", [("Host", shown)]), 403, code)


def test_an_allowed_literal_is_reached(exempt_origin, api):
    sandbox = api.sandbox(api.store([f"127.0.0.8:{exempt_origin.port}"]))
    path = exempt_origin.on(lambda exchange: exchange.answer(body=b"eight"))
    with Socks(sandbox.endpoint) as wire:
        assert wire.log_in(*sandbox.credentials)
        assert wire.ask(socks.literal("127.0.0.8"), exempt_origin.port) == socks.SUCCEEDED
        answer = wire.request("GET", path, [("Host", f"127.0.0.8:{exempt_origin.port}")])
        assert (answer.status, answer.body) == (200, b"eight")


@pytest.mark.parametrize("command", [socks.BIND, socks.UDP_ASSOCIATE, 0, 4, 255])
def test_only_connect_is_supported(proxy, keyed, command):
    before = len(proxy.audit(sandbox=keyed.sandbox.id))
    with Socks(keyed.sandbox.endpoint) as wire:
        assert wire.log_in(*keyed.sandbox.credentials)
        assert wire.ask(socks.literal("0.0.0.0"), 0, command) == socks.COMMAND_NOT_SUPPORTED
        assert wire.rest() == b""
    proxy.wait_for_audit(before + 1, sandbox=keyed.sandbox.id, code="protocol_not_allowed")


NO_ADDRESS = {
    "a name that is none": socks.request(socks.name("a b")),
    "a name without letters": socks.request(socks.name("")),
    "a name with a zero byte": socks.request(socks.name("api.test\0.evil.test")),
    "an address in place of a name": socks.request(socks.name("127.0.0.1")),
    "an odd spelling of an address": socks.request(socks.name("0x7f.1")),
    "port 0": socks.request(socks.name("api.test"), 0),
    "an unknown kind of address": bytes([5, 1, 0, 2]) + b"api.test",
    "a reserved byte that is set": bytes([5, 1, 1]) + socks.name("api.test") + b"\1\273",
    "another version": bytes([4, 1, 0]) + socks.name("api.test") + b"\1\273",
}


@pytest.mark.parametrize("sent", NO_ADDRESS.values(), ids=NO_ADDRESS.keys())
def test_what_is_no_address_is_refused_and_closed(keyed, sent):
    with Socks(keyed.sandbox.endpoint) as wire:
        assert wire.log_in(*keyed.sandbox.credentials)
        wire.send(sent)
        assert wire.rest() == bytes([5, socks.ADDRESS_NOT_SUPPORTED, 0, 1]) + bytes(6)


@pytest.mark.parametrize("sent", [b"\5\1\0\3", b"\0", b"\2\1a\1b", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_login_is_refused_and_closed(keyed, sent):
    with Socks(keyed.sandbox.endpoint) as wire:
        assert wire.greet(LOGIN) == LOGIN
        wire.send(sent)
        assert wire.rest() == b"\1\1"


@pytest.mark.parametrize("sent", [b"\4\1\1\273\177\0\0\1\0", b"\0\1\0", b"\xff" * 64 + b"\r\n\r\n"])
def test_another_protocol_is_not_taken_for_it(proxy, sent):
    """SOCKS4 among them."""
    with Socks(proxy.endpoint) as wire:
        wire.send(sent)
        assert b"\5" not in wire.rest()[:1]


# How it arrives.


def whole_conversation(sandbox, host):
    hello = socks.greeting(NO_LOGIN, LOGIN) + socks.login(*sandbox.credentials)
    return hello + socks.request(socks.name(host), 80)


def get(host, path):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize("way", ["send", "send_slowly"])
def test_a_conversation_may_come_at_once_or_byte_by_byte(origin, keyed, way):
    path = origin.on(lambda exchange: exchange.answer(body=b"arrived"))
    with Socks(keyed.sandbox.endpoint) as wire:
        getattr(wire, way)(whole_conversation(keyed.sandbox, "api.test") + get("api.test", path))
        assert wire.reader.exactly(14) == b"\5\2" b"\1\0" b"\5\0\0\1" + bytes(6)
        assert wire.response().body == b"arrived"


def test_a_conversation_may_end_anywhere(proxy, keyed):
    """Nothing of it stays behind."""
    everything = whole_conversation(keyed.sandbox, "api.test")
    for length in range(1, len(everything)):
        with Socks(keyed.sandbox.endpoint) as wire:
            wire.send(everything[:length])
    until(lambda: proxy.metrics()["sealgate_connections_open"] == 0, "all are closed")


# Limits.


def test_its_connections_count_like_any_other(own_proxy):
    proxy = own_proxy(limits={"connections_per_sandbox": 2})
    sandbox = proxy.api.sandbox()
    taken = [socks.tunnel(sandbox, "api.test"), sandbox.tunnel("api.test")]
    with Socks(sandbox.endpoint) as wire:
        assert not wire.log_in(*sandbox.credentials)
    proxy.wait_for_audit(1, code="limit_exceeded")
    for wire in taken:
        wire.close()


def test_it_works_from_a_program_that_knows_nothing_else(keyed, origin, tmp_path):
    """Python's standard library over a socket that a few lines have opened."""
    path = origin.on(lambda exchange: exchange.answer(body=b"from python"))
    program = tmp_path / "client.py"
    program.write_text(PROGRAM)
    os.chmod(program, 0o644)
    endpoint, (user, password) = keyed.sandbox.endpoint, keyed.sandbox.credentials
    ran = keyed.sandbox.run("/usr/bin/python3", program, endpoint, user, password, path)
    assert ran.stdout == b"from python\n"


PROGRAM = """
import http.client, socket, ssl, sys

endpoint, user, password, path = sys.argv[1:]
host, port = endpoint.rsplit(":", 1)
sock = socket.create_connection((host, int(port)))
sock.sendall(b"\\5\\1\\2")
assert sock.recv(2) == b"\\5\\2"
sock.sendall(bytes([1, len(user)]) + user.encode() + bytes([len(password)]) + password.encode())
assert sock.recv(2) == b"\\1\\0"
sock.sendall(b"\\5\\1\\0\\3\\10api.test\\1\\273")
assert sock.recv(10)[1] == 0
connection = http.client.HTTPSConnection("api.test")
connection.sock = ssl.create_default_context().wrap_socket(sock, server_hostname="api.test")
connection.request("GET", path)
print(connection.getresponse().read().decode())
"""
