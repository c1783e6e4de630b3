# SPDX-License-Identifier: Apache-2.0
"""Bodies of 1 GiB over HTTP/2 on either side: they arrive whole, and memory stays where it was."""

import hashlib
import os
import threading

import pytest

GIB, MIB = 1 << 30, 1 << 20
GROWTH = 6 * MIB

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("nginx2", "node2")]


@pytest.fixture
def running(own_proxy):
    """One worker, so that it is the one; a secret, so that bodies are searched."""
    proxy = own_proxy(workers=1)
    store = proxy.api.store(["nginx2.test", "node2.test"])
    proxy.api.secret(store)
    proxy.sandbox = proxy.api.sandbox(store)
    return proxy


class Watch(threading.Thread):
    """The highest resident memory of the worker while it is looked at."""

    def __init__(self, proxy):
        super().__init__()
        self.proxy, self.before, self.done = proxy, proxy.resident(), threading.Event()
        self.highest = self.before

    def run(self):
        while not self.done.wait(0.05):
            self.highest = max(self.highest, self.proxy.resident())

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()

    @property
    def growth(self):
        return self.highest - self.before


def zeros_digest():
    digest = hashlib.sha256()
    for _ in range(GIB // MIB):
        digest.update(bytes(MIB))
    return digest.hexdigest()


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_a_download(running, nginx2, version):
    nginx2.write("huge", b"")
    os.truncate(nginx2.folder / "files/huge", GIB)
    nginx2.write("warm", bytes(8 * MIB))
    running.sandbox.curl(version, "-o", "/dev/null", "https://nginx2.test/warm")
    with Watch(running) as watch:
        command = f"curl -sS --fail {version} https://nginx2.test/huge | sha256sum"
        told = running.sandbox.run("sh", "-c", command).stdout.decode()
    assert told.split()[0] == zeros_digest()
    assert watch.growth < GROWTH, f"grew by {watch.growth} bytes"


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_an_upload(running, version):
    upload = f"curl -sS --fail {version} -T - https://node2.test/"
    running.sandbox.run("sh", "-c", f"head -c {8 * MIB} /dev/zero | {upload}")
    with Watch(running) as watch:
        told = running.sandbox.run("sh", "-c", f"head -c {GIB} /dev/zero | {upload}").stdout.decode()
    assert zeros_digest() in told and f'"length":{GIB}' in told
    assert watch.growth < GROWTH, f"grew by {watch.growth} bytes"
