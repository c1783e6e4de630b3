# SPDX-License-Identifier: Apache-2.0
"""A network whose only way out is another proxy, which alone can resolve names."""

import ipaddress
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

from harness.expect import refusal
from harness.ports import free_port
from harness.proxy import Sealgate
from harness.run import NOBODY, PYTHON, USERS, Runner
from harness.upstream_proxy import UpstreamProxy
from harness.wait import until

OUTSIDE = ["api.test", "other.test", "plain.test"]
PASSWORD = "corp-user:pa:ss wörd-5b1f"


def hello(exchange):
    exchange.answer(200, body=b"hello")


@pytest.fixture(scope="module")
def corporate(origin, nginx):
    proxy = UpstreamProxy({**{name: origin.endpoint for name in OUTSIDE}, "nginx.test": nginx.endpoint})
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def inside(upstream, names):
    """The `upstream` part of a configuration that knows no name of the outside."""
    return {
        "trust": upstream["trust"],
        "resolve": {},
        "allow_addresses": upstream["allow_addresses"],
        "nameservers": [names.endpoint],
    }


def config(inside, proxy, **more):
    return {"upstream": {**inside, "proxy": proxy}, "limits": {"connect_timeout": "2s"}, **more}


@pytest.fixture(scope="module")
def behind(inside, corporate):
    proxy = {"url": corporate.url, "except": ["exempt.test", "127.0.0.8"]}
    sealgate = Sealgate(config(inside, proxy))
    sealgate.start()
    yield sealgate
    try:
        assert sealgate.leaks() == []
    finally:
        sealgate.stop()


@pytest.fixture(scope="module")
def sandbox(behind):
    return behind.api.sandbox(behind.api.store(["*:*", "127.0.0.8:*", "127.0.0.1:*", "10.0.0.1", "8.8.8.8"]))


def test_a_request_goes_through_it_by_name(sandbox, corporate, origin):
    path = origin.on(hello)
    assert sandbox.fetch("api.test", path).body == b"hello"
    assert "api.test:443" in corporate.targets


def test_plain_http_goes_through_a_tunnel_too(sandbox, corporate, origin):
    path = origin.on(hello)
    with sandbox.tunnel("plain.test", 80, tls=False) as wire:
        assert wire.request("GET", path, [("Host", "plain.test")]).body == b"hello"
    assert "plain.test:80" in corporate.targets


def test_nothing_of_the_sandbox_reaches_it(sandbox, corporate, origin):
    sandbox.fetch("other.test", origin.on(hello))
    head = next(head for head in corporate.heads if head.startswith(b"CONNECT other.test:443 "))
    assert head == b"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n"


def test_curl_does_not_notice(sandbox, origin):
    path = origin.on(hello)
    assert sandbox.curl(f"https://api.test{path}").stdout == b"hello"


def test_a_real_client_and_a_real_origin_do_not_notice(sandbox, nginx):
    ran = sandbox.curl("--http2", "-H", "Authorization: plain", "https://nginx.test/echo")
    assert ran.stdout == b"authorization=plain\n"


def test_a_secret_arrives_and_the_certificate_is_verified_for_the_name(behind, corporate, origin):
    store = behind.api.store(["api.test", "nginx.test"])
    text, _ = behind.api.secret(store, allowedHosts=["api.test"])
    sandbox = behind.api.sandbox(store)
    path = origin.on(hello)
    fields = [("Authorization", "Bearer " + sandbox.token())]
    assert sandbox.fetch("api.test", path, fields).status == 200
    assert text.encode() in origin.requests(path)[0].head
    corporate.resolve["nginx.test"], nginx = origin.endpoint, corporate.resolve["nginx.test"]
    try:
        refusal(sandbox.fetch("nginx.test", "/"), 502, "upstream_tls")
    finally:
        corporate.resolve["nginx.test"] = nginx


def test_what_is_excepted_is_connected_directly(sandbox, corporate, exempt_origin):
    path = exempt_origin.on(hello)
    for host in ("exempt.test", "127.0.0.8"):
        authority = f"{host}:{exempt_origin.port}"
        with sandbox.wire() as wire:
            assert wire.connect(authority, sandbox.credentials).status == 200
            assert wire.request("GET", path, [("Host", authority)]).body == b"hello"
        assert authority not in corporate.targets


FORBIDDEN = ["127.0.0.1", "10.0.0.1", "localhost", "a.localhost"]


@pytest.mark.parametrize("host", FORBIDDEN)
def test_it_is_not_asked_for_what_no_sandbox_may_reach(sandbox, corporate, host):
    before = len(corporate.heads)
    with sandbox.wire() as wire:
        assert wire.connect(f"{host}:80", sandbox.credentials).status == 200
        refusal(wire.request("GET", "/", [("Host", host)]), 403, "address_not_allowed")
    assert len(corporate.heads) == before


def test_it_is_no_target_itself(sandbox, corporate):
    with sandbox.wire() as wire:
        assert wire.connect(corporate.endpoint, sandbox.credentials).status == 200
        answer = wire.request("GET", "/", [("Host", corporate.endpoint)])
        refusal(answer, 403, "address_not_allowed")


@pytest.mark.parametrize("host", ["127.0.0.1", "corporate.test", "unknown.test"])
def test_it_is_no_target_by_another_name_either(own_proxy, corporate, names, host):
    """Where the private-address check would let it through, and when its own name was never asked for."""
    names.addresses["alias.test"] = names.addresses["corporate.test"] = ["127.0.0.1"]
    port = corporate.endpoint.rpartition(":")[2]
    proxy = own_proxy(
        upstream={
            "allow_addresses": ["127.0.0.0/8"],
            "proxy": {"url": f"http://{host}:{port}", "except": ["alias.test"]},
        }
    )
    sandbox = proxy.api.sandbox(proxy.api.store(["*:*"]))
    with sandbox.tunnel("alias.test", int(port), tls=False) as wire:
        answer = wire.request("GET", "/", [("Host", f"alias.test:{port}")])
        refusal(answer, 403, "address_not_allowed")


def endless(client):
    client.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        client.sendall(b"X-Padding: " + b"a" * 1000 + b"\r\n")


ANSWERS = {
    "forbidden": (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "status 403"),
    "unavailable": (b"HTTP/1.1 503 Nope\r\n\r\n", "status 503"),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n\r\n", "status 302"),
    "wants-credentials": (b"HTTP/1.1 407 X\r\nProxy-Authenticate: Basic\r\n\r\n", "status 407"),
    "interim": (b"HTTP/1.1 100 Continue\r\n\r\n", "status 100"),
    "garbage": (b"\x16\x03\x01 I am no proxy\r\n\r\n", "did not answer in HTTP"),
    "bare-lf": (b"HTTP/1.1 200 OK\n\n", "did not answer in HTTP"),
    "surplus": (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "did not answer in HTTP"),
    "endless": (endless, "did not answer in HTTP"),
    "closing": (lambda client: client.close(), "broke"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_whatever_else_it_answers_is_a_clear_refusal(sandbox, corporate, kind):
    answer, sentence = ANSWERS[kind]
    corporate.answers[f"{kind}.test:443"] = answer
    body = refusal(sandbox.fetch(f"{kind}.test", "/"), 502, "upstream_connect", host=f"{kind}.test")
    assert sentence in body["error"] or sentence in body["hint"], body
    assert corporate.endpoint not in str(body)


def test_one_that_never_answers_times_out(sandbox, corporate):
    corporate.answers["silent.test:443"] = None
    refusal(sandbox.fetch("silent.test", "/"), 504, "upstream_timeout", host="silent.test")


def test_one_that_is_not_there(own_proxy, inside):
    url = f"http://127.0.0.1:{free_port()}"
    proxy = own_proxy(upstream={**inside, "proxy": url})
    answer = proxy.api.sandbox().fetch("api.test", "/")
    assert "refused" in refusal(answer, 502, "upstream_connect")["error"]


def test_explain_names_the_way(behind, corporate, sandbox):
    answer = sandbox.explain("https://api.test/")
    assert answer["allowed"] and answer["upstreamProxy"] and "upstream.proxy" in answer["sentence"]


def test_explain_takes_the_proxy_s_address_for_nobody_s_private_one(behind):
    """It lies on loopback here, and privateHosts is not what lets anybody go there."""
    sandbox = behind.api.sandbox(behind.api.store(["api.test"], privateHosts=["api.test"]))
    answer = sandbox.explain("https://api.test/")
    assert answer["allowed"] and "privateHost" not in answer and "private" not in answer["sentence"]


# Credentials.


@pytest.fixture
def strict(origin):
    proxy = UpstreamProxy({name: origin.endpoint for name in OUTSIDE}, PASSWORD)
    yield proxy
    proxy.close()


@pytest.fixture
def password_file(tmp_path):
    file = tmp_path / "corp"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    return file


def test_credentials_come_from_a_file_and_stay_nowhere(own_proxy, inside, strict, password_file, origin):
    proxy = own_proxy(**config(inside, {"url": strict.url, "credentials": str(password_file)}))
    proxy.canaries.add(PASSWORD)
    path = origin.on(hello)
    assert proxy.api.sandbox().fetch("api.test", path).body == b"hello"
    assert proxy.leaks() == []


def test_credentials_are_read_again_with_a_reload(own_proxy, inside, strict, password_file, origin):
    password_file.write_text("corp-user:stale")
    proxy = own_proxy(**config(inside, {"url": strict.url, "credentials": str(password_file)}))
    sandbox, path = proxy.api.sandbox(), origin.on(hello)
    body = refusal(sandbox.fetch("api.test", path), 502, "upstream_connect")
    assert "407" in body["error"] and "stale" not in str(body)
    password_file.write_text(PASSWORD)
    proxy.process.send_signal(signal.SIGHUP)
    until(lambda: sandbox.fetch("api.test", path).status == 200, "the new credentials are in force")


def test_other_credentials_take_no_pooled_connection(own_proxy, inside, strict, password_file, origin):
    # One worker, so that every request finds the connections of the one before.
    proxy = own_proxy(**config(inside, {"url": strict.url, "credentials": str(password_file)}, workers=1))
    sandbox, path = proxy.api.sandbox(), origin.on(hello)

    fetch = lambda: sandbox.fetch("api.test", path).status

    def reload_with(credentials):
        strict.credentials, before = credentials, len(proxy.log())
        password_file.write_text(credentials)
        proxy.process.send_signal(signal.SIGHUP)
        until(lambda: " reloaded\n" in proxy.log()[before:], "it was read again")

    assert fetch() == 200
    for _ in range(2):
        reload_with(PASSWORD)
        assert fetch() == 200 and len(strict.heads) == 1, "the same ones change nothing"
    reload_with("corp-user:another")
    until(lambda: fetch() == 200 and len(strict.heads) == 2, "a new connection is made with them")


def test_a_file_that_others_may_read_changes_nothing(own_proxy, inside, strict, password_file, origin):
    proxy = own_proxy(**config(inside, {"url": strict.url, "credentials": str(password_file)}))
    password_file.chmod(0o644)
    proxy.process.send_signal(signal.SIGHUP)
    until(lambda: "reload_refused" in proxy.log(), "the reload was refused")
    assert "chmod 0600" in proxy.log() and str(password_file) in proxy.log()
    assert proxy.api.sandbox().fetch("other.test", origin.on(hello)).status == 200


def test_the_dialer_restarts_with_its_credentials(own_proxy, inside, strict, password_file, origin):
    proxy = own_proxy(**config(inside, {"url": strict.url, "credentials": str(password_file)}))
    (dialer,) = proxy.pids("dialer")
    subprocess.run(["kill", "-KILL", str(dialer)], check=True)
    until(lambda: proxy.pids("dialer") not in ([], [dialer]), "there is a new dialer")
    path = origin.on(hello)
    assert proxy.api.sandbox().fetch("api.test", path).body == b"hello"


# Names.

PLACEHOLDERS = ipaddress.ip_network("198.18.0.0/15")


def test_run_needs_no_nameserver(folder, inside, corporate, origin):
    place = folder / "run-behind"
    place.mkdir(mode=0o755)
    nowhere = {**inside, "nameservers": [f"127.0.0.1:{free_port()}"]}
    run = Runner(place, config(nowhere, corporate.url), USERS[-1])
    path = origin.on(hello)
    ran = run("env", "-i", "/usr/bin/curl", "-sS", "-m", "20", f"https://api.test{path}", flags=["--allow", "api.test"])
    assert (ran.returncode, ran.stdout) == (0, "hello"), ran
    code = "import socket; print(*{i[4][0] for i in socket.getaddrinfo('api.test', 443)})"
    ran = run(PYTHON, "-c", code, flags=["--allow", "api.test"])
    (address,) = ran.stdout.split()
    assert ipaddress.ip_address(address) in PLACEHOLDERS
    assert run(PYTHON, "-c", code, flags=["--allow", "other.test"]).returncode != 0


# A real one.

SQUID = """
http_port 127.0.0.1:{port}
shutdown_lifetime 0 seconds
pid_filename {folder}/squid.pid
shared_memory_locking off
memory_cache_shared off
access_log stdio:{folder}/access.log
cache_log {folder}/cache.log
cache deny all
coredump_dir {folder}
hosts_file {folder}/hosts
acl denied dstdomain denied.test
http_access deny denied
http_access allow all
"""


@pytest.fixture(scope="module")
def squid():
    program = shutil.which("squid", path="/usr/sbin:/usr/bin:/sbin")
    if program is None:
        pytest.skip("there is no squid here")
    folder, port = pathlib.Path(tempfile.mkdtemp(prefix="sealgate-squid-")), free_port()
    (folder / "hosts").write_text("127.0.0.1 api.test denied.test\n")
    (folder / "squid.conf").write_text(SQUID.format(port=port, folder=folder))
    account = {}
    if os.geteuid() == 0:  # squid will not be root
        account = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        os.chown(folder, NOBODY, NOBODY)
    log = open(folder / "start.log", "wb")
    name = f"sealgate{port}"  # of its shared memory
    command = [program, "-N", "-n", name, "-f", folder / "squid.conf"]
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **account)
    until(lambda: listens(port, process, folder), "squid listens")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(60)
    shutil.rmtree(folder, ignore_errors=True)


def listens(port, process, folder):
    assert process.poll() is None, (folder / "start.log").read_text()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_squid_is_gone_through(own_proxy, inside, squid, origin):
    proxy = own_proxy(**config(inside, squid))
    sandbox = proxy.api.sandbox(proxy.api.store(["*:*"]))
    path = origin.on(hello)
    with sandbox.tunnel("api.test", origin.port) as wire:
        authority = f"api.test:{origin.port}"
        assert wire.request("GET", path, [("Host", authority)]).body == b"hello"
    body = refusal(sandbox.fetch("denied.test", "/"), 502, "upstream_connect")
    assert "403" in body["error"]
