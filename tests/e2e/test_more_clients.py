# SPDX-License-Identifier: Apache-2.0
"""More programs as people run them, over every version of HTTP that they speak."""

import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import pytest

CLIENTS = pathlib.Path(__file__).parent / "clients"

pytestmark = pytest.mark.usefixtures("nginx2")


@pytest.fixture
def keyed(keyed_with):
    return keyed_with(egress=["nginx.test", "nginx2.test", "api.test"])


def check(nginx, keyed, output, version, spoken):
    """The value reached nginx, the echo of it came back as the token, over the version meant."""
    nginx.wait_for_log(f"Bearer {keyed.value}")
    assert output.decode().startswith(f"{spoken[version]} 200 ")
    assert f"authorization=Bearer {keyed.token}" in output.decode()


@pytest.fixture(scope="session")
def go_client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("go")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GO111MODULE": "off",
        "GOPROXY": "off",
    }
    program = folder / "client"
    command = ["go", "build", "-o", program, CLIENTS / "client.go"]
    subprocess.run(command, env=env, check=True, capture_output=True)
    return program


VERSIONS = ["1.1", "2"]
GO = {"1.1": "HTTP/1.1", "2": "HTTP/2.0"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("host", ["nginx.test", "nginx2.test"])
def test_go(nginx, nginx2, keyed, go_client, version, host):
    output = keyed.sandbox.run(go_client, version, f"https://{host}/echo").stdout
    check(nginx2 if host == "nginx2.test" else nginx, keyed, output, version, GO)


@pytest.mark.parametrize("version", VERSIONS)
def test_go_with_fifty_requests_at_once(origin, keyed, go_client, version):
    path = origin.on(lambda exchange: exchange.answer(200, body=b"x"))
    urls = [f"https://api.test{path}?{number}" for number in range(50)]
    lines = keyed.sandbox.run(go_client, version, *urls).stdout.decode().splitlines()
    assert lines == [f"{GO[version]} 200 x"] * 50
    targets = {request.target for request in origin.requests(path)}
    assert targets == {f"{path}?{number}" for number in range(50)}
    assert {request.field("authorization") for request in origin.requests(path)} == {f"Bearer {keyed.value}"}


@pytest.mark.parametrize("version", VERSIONS)
def test_php(nginx2, keyed, version):
    output = keyed.sandbox.run("php", CLIENTS / "client.php", version, "https://nginx2.test/echo").stdout
    check(nginx2, keyed, output, version, {"1.1": "1.1", "2": "2"})


JAVA = {"1.1": "HTTP_1_1", "2": "HTTP_2"}


@pytest.mark.parametrize("version", VERSIONS)
def test_java(origin, keyed, version):
    """Its client keeps Authorization to itself where it has an authenticator: another field."""
    path = origin.on(lambda exchange: exchange.echo())
    command = ["java", "-Djdk.http.auth.tunneling.disabledSchemes=", CLIENTS / "Client.java"]
    output = keyed.sandbox.run(*command, version, f"https://api.test{path}").stdout.decode()
    assert output.startswith(f"{JAVA[version]} 200 ")
    assert keyed.token in output and keyed.value not in output
    assert origin.request(path).field("x-api-key") == keyed.value


def test_aiohttp(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200, body=exchange.request.target.encode()))
    targets = [f"{path}?{number}" for number in range(20)]
    command = [sys.executable, CLIENTS / "aiohttp_client.py"]
    output = keyed.sandbox.run(*command, *[f"https://api.test{target}" for target in targets]).stdout
    assert output.decode().splitlines() == targets
    seen = {request.field("authorization") for request in origin.requests(path)}
    assert seen == {f"Bearer {keyed.value}"}


def test_httpx_with_http2(nginx2, keyed):
    command = [sys.executable, CLIENTS / "httpx_h2_client.py"]
    output = keyed.sandbox.run(*command, "https://nginx2.test/echo").stdout
    check(nginx2, keyed, output, "2", {"2": "HTTP/2"})


def test_node_http2(nginx2, keyed, node_modules):
    output = keyed.sandbox.run("node", node_modules / "h2_client.mjs", "https://nginx2.test/echo").stdout
    check(nginx2, keyed, output, "2", {"2": "2"})


# Package managers, with registries of our own.


def package(name, version):
    """(tar, description) of a package of npm."""
    described = json.dumps({"name": name, "version": version, "main": "index.js"}).encode()
    files = {"package/package.json": described, "package/index.js": b"module.exports = 'installed';\n"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path, data in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def registry(key, tree):
    """A private registry: packages for whoever has the key."""
    tarball = package("inside", "1.2.3")

    def serve(exchange):
        if exchange.request.field("authorization") != f"Bearer {key}":
            return exchange.answer(401, body=b"who are you?", reason="Unauthorized")
        if exchange.request.path.endswith(".tgz"):
            return exchange.answer(200, [("Content-Type", "application/octet-stream")], tarball)
        dist = {"tarball": f"https://api.test{tree()}inside/-/inside-1.2.3.tgz"}
        versions = {"1.2.3": {"name": "inside", "version": "1.2.3", "main": "index.js", "dist": dist}}
        told = {"name": "inside", "dist-tags": {"latest": "1.2.3"}, "versions": versions}
        exchange.answer(200, [("Content-Type", "application/json")], json.dumps(told).encode())

    return serve


def test_npm_installs_from_a_private_registry(origin, keyed, authority, tmp_path):
    tree = origin.on_prefix(registry(keyed.value, lambda: tree), "npm")
    (tmp_path / "package.json").write_text('{"name": "work", "private": true}')
    config = f"registry=https://api.test{tree}\n//api.test{tree}:_authToken=${{API_KEY}}\n"
    config += f"cafile={authority.file}\n"  # which knows nothing of us: the variable wins
    quiet = "cache=cache\nupdate-notifier=false\nfund=false\naudit=false\n"
    (tmp_path / ".npmrc").write_text(config + quiet)
    env = {"HOME": str(tmp_path), "NPM_CONFIG_GLOBALCONFIG": "/nonexistent"}
    keyed.sandbox.run("npm", "install", "--no-progress", "inside", env=env, cwd=tmp_path)
    assert (tmp_path / "node_modules/inside/index.js").read_text() == "module.exports = 'installed';\n"
    assert keyed.value not in (tmp_path / "package-lock.json").read_text()


def deb(folder):
    """A package of one file, as dpkg makes it."""
    root = folder / "pool/inside"
    (root / "DEBIAN").mkdir(parents=True)
    control = "Package: inside\nVersion: 1.0\nArchitecture: all\nMaintainer: t <t@example.test>\nDescription: x\n"
    (root / "DEBIAN/control").write_text(control)
    (root / "etc").mkdir()
    (root / "etc/inside").write_text("x" * 100_000)
    subprocess.run(["dpkg-deb", "-b", root, folder / "inside.deb"], check=True, capture_output=True)
    shutil.rmtree(root)
    data = (folder / "inside.deb").read_bytes()
    index = f"{control}Filename: ./inside.deb\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n\n"
    return data, index.encode()


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt here")
def test_apt_updates_and_downloads(origin, keyed, tmp_path):
    data, index = deb(tmp_path)
    answers = {"Packages": index, "inside.deb": data}

    def serve(exchange):
        body = answers.get(exchange.request.path.rpartition("/")[2])
        if body is None or exchange.request.field("authorization") is None:
            return exchange.answer(404, body=b"no", reason="Not Found")
        exchange.answer(200, body=body)

    tree = origin.on_prefix(serve, "apt")
    for name in ("state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "etc/preferences.d"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "state/status").write_text("")
    (tmp_path / "list").write_text(f"deb [trusted=yes] https://api.test{tree} ./\n")
    host = f"machine https://api.test login user password {keyed.token}\n"
    (tmp_path / "auth").write_text(host)
    options = {
        "Dir::State": tmp_path / "state",
        "Dir::State::status": tmp_path / "state/status",
        "Dir::Cache": tmp_path / "cache",
        "Dir::Etc": tmp_path / "etc",
        "Dir::Etc::sourcelist": tmp_path / "list",
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::netrc": tmp_path / "auth",
        "APT::Sandbox::User": "root",
        "Acquire::https::CAInfo": keyed.sandbox.ca_file,
        "Acquire::Languages": "none",
    }
    apt = ["apt-get", "-q", *[part for name, text in options.items() for part in ("-o", f"{name}={text}")]]
    keyed.sandbox.run(*apt, "update")
    keyed.sandbox.run(*apt, "download", "inside", cwd=tmp_path / "cache")
    (downloaded,) = (tmp_path / "cache").glob("inside_*.deb")
    assert downloaded.read_bytes() == data
