# SPDX-License-Identifier: Apache-2.0
"""Processes end: on request in good order, or killed, and then the others carry on."""

import os
import signal
import socket
import threading

import pytest
import requests

from harness.message import encode
from harness.proxy import ROLES, Sealgate
from harness.wait import GENEROUS, until


def ok(exchange):
    exchange.answer(200, body=b"ok")


@pytest.fixture
def running(own_proxy):
    """A sealgate of two workers, with a sandbox that has a secret."""
    proxy = own_proxy(workers=2)
    store = proxy.api.store(["api.test"])
    text, _ = proxy.api.secret(store)
    proxy.sandbox, proxy.value, proxy.store = proxy.api.sandbox(store), text, store
    return proxy


def send(wire, path, token):
    return wire.request("GET", path, [("Host", "api.test"), ("X-Api-Key", token)])


def replaced(proxy, role, old):
    pids = proxy.pids(role)
    return pids if len(pids) == len(old) and not set(pids) & set(old[:1]) else None


def test_there_are_five_kinds_of_process_each_with_a_uid_of_its_own(running):
    kinds = {role: running.pids(role) for role in ROLES}
    assert {role: len(pids) for role, pids in kinds.items()} == {
        "keyholder": 1, "dialer": 1, "control": 1, "worker": 2,
    }  # fmt: skip
    status = lambda pid: open(f"/proc/{pid}/status").read()
    real = {role: status(pids[0]).split("Uid:")[1].split()[0] for role, pids in kinds.items()}
    if os.geteuid() == 0:
        assert len(set(real.values()) - {"0"}) == 4
        for pids in kinds.values():
            for pid in pids:
                assert "CapEff:\t0000000000000000" in status(pid)
                assert "NoNewPrivs:\t1" in status(pid)


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), GENEROUS).close()
        return False
    except ConnectionRefusedError:
        return True


def test_sigterm_lets_an_exchange_finish_and_closes_idle_connections(running, origin):
    asked, go = threading.Event(), threading.Event()

    def script(exchange):
        asked.set()
        go.wait(GENEROUS)
        exchange.answer(200, body=b"finished")

    slow = origin.on(script)
    idle = running.sandbox.tunnel("api.test")
    assert send(idle, origin.on(ok), running.sandbox.token()).status == 200
    unused = running.sandbox.wire()
    assert unused.connect("api.test:443", running.sandbox.credentials).status == 200
    with running.sandbox.tunnel("api.test") as busy:
        busy.send(encode(f"GET {slow} HTTP/1.1", [("Host", "api.test")]))
        assert asked.wait(GENEROUS)
        running.process.send_signal(signal.SIGTERM)
        assert idle.is_closed() and unused.is_closed()
        # Not let in to wait for an answer that nobody will give.
        until(lambda: refuses(running.proxy_port) and refuses(running.control_port), "new clients are refused")
        go.set()
        response = busy.response()
        assert response.body == b"finished" and response.field("connection") == "close"
        assert busy.is_closed()
    assert running.process.wait(GENEROUS) == 0
    assert refuses(running.proxy_port)


def test_sigterm_waits_no_longer_than_the_drain_timeout(own_proxy, origin):
    proxy = own_proxy(limits={"drain_timeout": "1s"})
    asked, never = threading.Event(), threading.Event()

    def script(exchange):
        asked.set()
        never.wait(GENEROUS)

    with proxy.api.sandbox().tunnel("api.test") as wire:
        wire.send(encode(f"GET {origin.on(script)} HTTP/1.1", [("Host", "api.test")]))
        assert asked.wait(GENEROUS)
        assert proxy.terminate() == 0
    never.set()


def test_sigint_stops(own_proxy):
    assert own_proxy().terminate(signal.SIGINT) == 0


def test_no_process_outlives_the_supervisor(running):
    children = running.children()
    running.process.kill()
    running.process.wait()
    until(lambda: not [pid for pid in children if os.path.exists(f"/proc/{pid}")], "all are gone")


def test_a_second_sealgate_does_not_take_the_same_data_directory(running, upstream):
    other = Sealgate({"upstream": upstream, "data_dir": str(running.data_dir)})
    with pytest.raises(Exception):
        other.start()
    other.stop()
    assert requests.get(running.url + "/readyz", timeout=GENEROUS).status_code == 200


def test_a_killed_worker_takes_only_its_own_connections(running, origin):
    path, token = origin.on(ok), running.sandbox.token()
    wires = [running.sandbox.tunnel("api.test") for _ in range(16)]
    assert {send(wire, path, token).status for wire in wires} == {200}
    old = running.pids("worker")
    os.kill(old[0], signal.SIGKILL)
    until(lambda: replaced(running, "worker", old), "the worker is back")
    alive = 0
    for wire in wires:
        try:
            alive += send(wire, path, token).status == 200
        except Exception:
            continue
    assert 0 < alive < 16, "one of two workers went"
    for _ in range(16):
        with running.sandbox.tunnel("api.test") as wire:
            assert send(wire, path, token).status == 200
    assert old[1] in running.pids("worker")


@pytest.mark.parametrize("role", ["keyholder", "dialer", "control"])
def test_a_killed_process_is_back_and_open_connections_carry_on(running, origin, role):
    path, token = origin.on(ok), running.sandbox.token()
    with running.sandbox.tunnel("api.test") as wire:
        assert send(wire, path, token).status == 200
        old, others = running.pids(role), running.children()
        os.kill(old[0], signal.SIGKILL)
        assert send(wire, path, token).status == 200, "its value and connection are in the worker"
        until(lambda: replaced(running, role, old), f"the {role} is back")
        assert set(others) - set(old) <= set(running.children()), "nobody else was restarted"
        assert send(wire, path, token).status == 200
    until(lambda: serves_new_sandboxes(running, origin), "everything works as before")


def serves_new_sandboxes(proxy, origin):
    """A new store, secret and sandbox, a new leaf, a new connection."""
    try:
        store = proxy.api.store(["other.test"])
        text, _ = proxy.api.secret(store)
        sandbox = proxy.api.sandbox(store)
        path = origin.on(ok)
        answer = sandbox.fetch("other.test", path, [("X-Api-Key", sandbox.token())])
    except (AssertionError, OSError):
        return False
    return answer.status == 200 and origin.request(path).field("x-api-key") == text


@pytest.mark.parametrize("role", ["keyholder", "dialer", "control", "worker"])
def test_requests_while_a_process_is_killed_again_and_again(running, origin, role):
    """Clients that try again get through; no answer is ever wrong."""
    path, token = origin.on(ok), running.sandbox.token()
    stop, wrong, good = threading.Event(), [], []

    def client():
        while not stop.is_set():
            try:
                answer = running.sandbox.fetch("api.test", path, [("X-Api-Key", token)])
            except Exception:
                continue  # its worker went
            if answer.status == 200:
                good.append(1)
            elif answer.status not in (502, 503, 504):
                wrong.append(answer.body)

    threads = [threading.Thread(target=client) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        old = running.pids(role)
        os.kill(old[0], signal.SIGKILL)
        until(lambda: replaced(running, role, old), f"the {role} is back")
        count = len(good)
        until(lambda: len(good) > count + 4, "requests get through again")
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert {request.field("x-api-key") for request in origin.requests(path)} == {running.value}


def test_every_acknowledged_write_survives_the_death_of_control(running):
    """200 writes, with control killed in the middle: what was answered is there."""
    acknowledged, started = [], threading.Event()
    api = running.api

    def write():
        for number in range(200):
            name = f"durable-{number}"
            try:
                answer = api.call("POST", "/api/secret-stores", {"name": name})
            except requests.RequestException:
                continue
            if answer.status_code == 201:
                acknowledged.append(answer.json()["id"])
            if len(acknowledged) == 50:
                started.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert started.wait(GENEROUS)
    old = running.pids("control")
    os.kill(old[0], signal.SIGKILL)
    until(lambda: replaced(running, "control", old), "control is back")
    writer.join()
    until(running.is_ready, "control answers")
    stored = {store["id"] for store in api.get("/api/secret-stores")}
    assert len(acknowledged) >= 50
    assert set(acknowledged) <= stored


def test_everything_is_as_it_was_after_a_restart(running, origin):
    path, token = origin.on(ok), running.sandbox.token()
    certificate = requests.get(running.url + "/ca.pem", timeout=GENEROUS).text
    shown = running.api.get(running.sandbox.path)
    assert running.terminate() == 0
    running.spawn()
    assert requests.get(running.url + "/ca.pem", timeout=GENEROUS).text == certificate
    assert {**running.api.get(running.sandbox.path), "lastActiveAt": 0} == {**shown, "lastActiveAt": 0}
    assert running.sandbox.fetch("api.test", path, [("X-Api-Key", token)]).status == 200
    assert origin.request(path).field("x-api-key") == running.value


def test_everything_is_as_it_was_after_the_whole_tree_was_killed(running, origin):
    path, token = origin.on(ok), running.sandbox.token()
    text, _ = running.api.secret(running.store)
    children = running.children()
    running.process.kill()
    running.process.wait()
    until(lambda: not [pid for pid in children if os.path.exists(f"/proc/{pid}")], "all are gone")
    running.spawn()
    assert running.sandbox.fetch("api.test", path, [("X-Api-Key", token)]).status == 200
    assert origin.request(path).field("x-api-key") == text


def test_descriptors_come_back(running, origin):
    path, token = origin.on(ok), running.sandbox.token()
    count = lambda: sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in running.pids("worker"))
    for _ in range(5):
        assert running.sandbox.fetch("api.test", path, [("X-Api-Key", token)]).status == 200
    before = count()
    for _ in range(60):
        assert running.sandbox.fetch("api.test", path, [("X-Api-Key", token)]).status == 200
    until(lambda: count() <= before + 4, "descriptors are closed")
