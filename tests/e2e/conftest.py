# SPDX-License-Identifier: Apache-2.0
"""One sealgate and one set of origins for all tests of a pytest worker.

Tests that kill processes or need another configuration start a sealgate of their own."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import types

import pytest

from harness.certificates import Authority
from harness.h2 import ENABLE_CONNECT_PROTOCOL, H2Origin, connect
from harness.h2_servers import Program, nghttpd
from harness.names import NameServer
from harness.nginx import Nginx
from harness.origin import Origin, tls_context
from harness.ports import free_port
from harness.proxy import BINARY, Sealgate

# Started in the background by a shell, we would ignore these, and so would every command of a test.
for ignored in (signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(ignored) == signal.SIG_IGN:
        signal.signal(ignored, signal.SIG_DFL)

# Every one of these is the scripted origin; upstream.resolve sends them there.
ORIGIN_NAMES = [
    "api.test",
    "other.test",
    "third.test",
    "plain.test",
    "api.openai.test",
    "api.anthropic.test",
    "github.test",
    "example.test",
    "www.example.test",
    "a.b.example.test",
    "only.resolve.test",
]

# These start with the first test that asks for them, on ports that are theirs from the beginning.
LATE_NAMES = [
    "h2.test",
    "nginx2.test",
    "nghttpd.test",
    "node2.test",
    "grpc.test",
    "grpc-js.test",
    "ws.test",
    "ws-js.test",
    "ws-h2.test",
    "ws-node2.test",
]

# What the name server knows, for names that are not in upstream.resolve.
DNS = {
    "private.test": ["10.1.2.3"],
    "metadata.test": ["169.254.169.254"],
    "loopback.test": ["127.0.0.1"],
    "mapped.test": ["::ffff:10.0.0.1"],
    "mixed.test": ["127.0.0.8", "192.168.1.1"],
    "exempt.test": ["127.0.0.8"],
    "dual.test": ["fd00::1", "127.0.0.8"],
}


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="run the tests with bodies of 1 GiB")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if "long" in item.keywords and not config.getoption("--long"):
            item.add_marker(pytest.mark.skip(reason="needs --long"))


def pytest_sessionstart(session):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: build it first, or set SEALGATE_BINARY", 2)


@pytest.fixture(scope="session")
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="sealgate-origins-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(folder):
    authority = Authority()
    authority.file = authority.write(folder / "ca.pem")
    return authority


@pytest.fixture(scope="session")
def origin(authority, folder):
    leaf = authority.issue(ORIGIN_NAMES + ["exempt.test", "mixed.test"])
    origin = Origin(tls_context(*leaf.write(folder, "origin")))
    yield origin
    origin.close()


@pytest.fixture(scope="session")
def exempt_origin(origin):
    """The same at an address that upstream.allow_addresses exempts."""
    exempt = Origin(origin.context, "127.0.0.8")
    yield exempt
    exempt.close()


@pytest.fixture(scope="session")
def nginx(authority, folder):
    leaf = authority.issue(["nginx.test"])
    nginx = Nginx(*leaf.write(folder, "nginx"))
    yield nginx
    nginx.close()


@pytest.fixture(scope="session")
def late_ports():
    return {name: free_port() for name in LATE_NAMES}


@pytest.fixture(scope="session")
def late_leaf(authority, folder):
    """(certificate, key) of all of them."""
    return authority.issue(LATE_NAMES).write(folder, "late")


@pytest.fixture(scope="session")
def h2_origin(late_ports, late_leaf):
    """The scripted origin that speaks HTTP/2 alone."""
    origin = H2Origin(tls_context(*late_leaf), late_ports["h2.test"])
    yield origin
    origin.close()


@pytest.fixture(scope="session")
def ws_origin(late_ports, late_leaf):
    """Likewise, and it announces WebSockets (RFC 8441)."""
    settings = {ENABLE_CONNECT_PROTOCOL: 1}
    origin = H2Origin(tls_context(*late_leaf), late_ports["ws-h2.test"], settings)
    yield origin
    origin.close()


@pytest.fixture(scope="session")
def nginx2(late_ports, late_leaf):
    server = f"listen 127.0.0.1:{late_ports['nginx2.test']} ssl http2;"
    nginx = Nginx(*late_leaf, server)
    yield nginx
    nginx.close()


@pytest.fixture(scope="session")
def nghttpd_origin(late_ports, late_leaf, tmp_path_factory):
    """Gives uploads back."""
    files = tmp_path_factory.mktemp("nghttpd")
    server = nghttpd(late_ports["nghttpd.test"], *late_leaf, files, "--echo-upload", "--no-content-length")
    server.files = files
    yield server
    server.close()


@pytest.fixture(scope="session")
def node2(late_ports, late_leaf, node_modules):
    port = late_ports["node2.test"]
    server = Program(["node", node_modules / "h2_origin.mjs", port, *late_leaf], port)
    yield server
    server.close()


@pytest.fixture(scope="session")
def names():
    names = NameServer(dict(DNS))
    yield names
    names.close()


@pytest.fixture(scope="session")
def upstream(authority, origin, nginx, names, late_ports):
    """The `upstream` part of the configuration: nothing leaves loopback."""
    resolve = {name: origin.endpoint for name in ORIGIN_NAMES}
    resolve |= {name: f"127.0.0.1:{port}" for name, port in late_ports.items()}
    return {
        "trust": [str(authority.file)],
        "resolve": {**resolve, "nginx.test": nginx.endpoint},
        "allow_addresses": ["127.0.0.8/32"],
        "nameservers": [names.endpoint],
    }


@pytest.fixture(scope="session")
def proxy(upstream):
    """The sealgate that most tests share. At its end, no value may be found anywhere."""
    proxy = Sealgate({"upstream": upstream})
    proxy.start()
    yield proxy
    try:
        assert "process_exited" not in proxy.log(), proxy.log()[-3000:]
        assert proxy.leaks() == []
    finally:
        proxy.stop()


@pytest.fixture
def own_proxy(upstream):
    """Starts a sealgate for one test, with changes to the configuration."""
    started = []

    def start(env=None, **changes):
        changes["upstream"] = {**upstream, **changes.get("upstream", {})}
        proxy = Sealgate(changes, env)
        started.append(proxy)
        return proxy.start()

    yield start
    for proxy in started:
        try:
            if proxy.process is not None and proxy.process.poll() is None:
                assert proxy.leaks() == []
        finally:
            proxy.stop()


@pytest.fixture(scope="session")
def api(proxy):
    return proxy.api


@pytest.fixture
def keyed(api):
    """The usual case: a store with one secret for one host, and a sandbox that has it."""
    return make_keyed(api)


def make_keyed(api, egress=("api.test",), **secret):
    store = api.store(egress)
    text, _ = api.secret(store, **secret)
    sandbox = api.sandbox(store)
    return types.SimpleNamespace(
        api=api, store=store, value=text, sandbox=sandbox, token=sandbox.envs["API_KEY"]
    )


@pytest.fixture
def keyed_with(api):
    return lambda **options: make_keyed(api, **options)


@pytest.fixture
def at_the_gateway(place):
    """On a module's own machine between sandboxes and the world: the API and the origins are there."""
    with place.gateway.inside():
        yield


@pytest.fixture
def h2_client(keyed):
    """Speaks HTTP/2 for a module's own sandbox."""
    with connect(keyed.sandbox, "h2.test") as peer:
        yield peer


@pytest.fixture(scope="session")
def node_modules():
    """The npm packages of node/, installed once (script/test does it before)."""
    folder = pathlib.Path(__file__).parent / "node"
    if not (folder / "node_modules/@grpc/grpc-js").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=folder, check=True)
    return folder


os.umask(0o022)
