# SPDX-License-Identifier: Apache-2.0
"""TLS sessions: resumed where they belong, on either side, and nowhere else."""

import os
import signal
import ssl
import subprocess

import pytest

from harness.h2 import connect
from harness.message import encode
from harness.wait import GENEROUS, until

CONNECTIONS = 8  # enough to meet every worker
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
PROTOCOLS = ["http/1.1", "h2"]


class Browser:
    """A client that keeps what it needs to resume its session, and may offer it anywhere."""

    def __init__(self, sandbox, version, protocol):
        self.context = ssl.create_default_context(cafile=sandbox.ca_file)
        self.context.set_alpn_protocols([protocol])
        self.context.maximum_version = version
        self.protocol, self.session = protocol, None

    def visit(self, sandbox, host, port=443):
        """Whether its session was resumed."""
        wire = sandbox.wire()
        assert wire.connect(f"{host}:{port}", sandbox.credentials).status == 200
        sock = self.context.wrap_socket(wire.sock, server_hostname=host, session=self.session)
        assert sock.selected_alpn_protocol() == self.protocol
        if self.protocol == "http/1.1":
            sock.sendall(encode("GET /visit HTTP/1.1", [("Host", host)]))
        sock.recv(1)  # tickets have come before it
        if self.session is None:
            self.session = sock.session
        is_resumed = sock.session_reused
        sock.close()
        return is_resumed


@pytest.fixture(params=VERSIONS, ids=["TLS 1.2", "TLS 1.3"])
def version(request):
    return request.param


@pytest.fixture(params=PROTOCOLS)
def protocol(request):
    return request.param


def test_every_worker_resumes_a_clients_session(own_proxy, version, protocol):
    sandbox = own_proxy(workers=4).api.sandbox()
    browser = Browser(sandbox, version, protocol)
    visits = [browser.visit(sandbox, "api.test") for _ in range(CONNECTIONS)]
    assert visits == [False] + [True] * (CONNECTIONS - 1)


def test_a_clients_session_is_not_resumed_for_another_name_port_or_sandbox(own_proxy, version, protocol):
    api = own_proxy(workers=1).api
    sandbox, stranger = api.sandbox(), api.sandbox()
    browser = Browser(sandbox, version, protocol)
    browser.visit(sandbox, "api.test")
    assert not browser.visit(sandbox, "other.test")
    assert not browser.visit(sandbox, "api.test", 8443)
    assert not browser.visit(stranger, "api.test")
    assert browser.visit(sandbox, "api.test")


def test_no_ticket_is_for_early_data(own_proxy):
    sandbox = own_proxy().api.sandbox()
    user, password = sandbox.credentials
    command = ["openssl", "s_client", "-ign_eof", "-connect", "api.test:443", "-servername", "api.test", "-tls1_3"]
    command += ["-proxy", sandbox.endpoint, "-proxy_user", user, "-proxy_pass", f"pass:{password}"]
    request = encode("GET /early HTTP/1.1", [("Host", "api.test"), ("Connection", "close")])
    said = subprocess.run(command, input=request, capture_output=True, timeout=GENEROUS).stdout
    assert b"TLS session ticket:" in said and b"Max Early Data: 0\n" in said


def test_sessions_outlive_the_keyholder_that_made_their_keys(own_proxy):
    """The next one makes new keys, which every worker takes; the former ones still open tickets."""
    proxy = own_proxy(workers=3)
    sandbox = proxy.api.sandbox()
    before, after = (Browser(sandbox, ssl.TLSVersion.TLSv1_3, "http/1.1") for _ in range(2))
    before.visit(sandbox, "api.test")
    (keyholder,) = proxy.pids("keyholder")
    os.kill(keyholder, signal.SIGKILL)
    until(lambda: proxy.pids("keyholder") not in ([], [keyholder]), "the next keyholder is there")

    def all_resume():
        after.session = None
        visits = [after.visit(sandbox, "api.test") for _ in range(CONNECTIONS)]
        return visits[1:] == [True] * (CONNECTIONS - 1)

    until(all_resume, "all workers have the new key")
    assert all(before.visit(sandbox, "api.test") for _ in range(CONNECTIONS))


def test_an_upstream_session_over_http2_is_resumed_within_a_sandbox_and_never_across(own_proxy, h2_origin):
    api = own_proxy(workers=1, limits={"upstream_idle_timeout": "1s"}).api
    store, path = api.store(["h2.test"]), h2_origin.on(lambda stream: stream.answer(200))
    first, second = api.sandbox(store), api.sandbox(store)

    def connections_of(sandbox):
        """Whether each that the origin sees for it resumes a session."""
        before = len(h2_origin.peers)
        with connect(sandbox, "h2.test") as client:
            assert client.fetch(path).status == 200
        h2_origin.requests(path)[-1].peer.wait_closed()  # it was idle
        return [peer.pipe.tls.session_reused for peer in h2_origin.peers[before:]]

    visits = [resumed for _ in range(3) for resumed in connections_of(first)]
    assert visits[0] is False and visits[-1] is True
    assert connections_of(second)[0] is False
