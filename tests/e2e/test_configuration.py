# SPDX-License-Identifier: Apache-2.0
"""What keys of the configuration change for those who use sealgate."""

import os
import socket
import stat
import threading

import pytest
import requests

from harness.expect import refusal
from harness.message import encode
from harness.ports import free_port
from harness.proxy import Sealgate
from harness.wait import GENEROUS, until


def ok(exchange):
    exchange.answer(200, body=b"ok")


def test_default_deny_turns_the_empty_list_round(own_proxy, origin):
    api = own_proxy(default_deny=True).api
    store = api.store([])
    _, answer = api.secret(store)
    assert any("goes nowhere" in warning for warning in answer["warnings"])
    for sandbox in (api.sandbox(), api.sandbox(store)):
        refusal(sandbox.fetch("api.test", "/"), 403, "host_not_allowed")
        assert sandbox.explain("https://api.test/")["allowed"] is False
    listed = api.store(["api.test"])
    api.secret(listed)
    sandbox = api.sandbox(listed)
    path = origin.on(ok)
    assert sandbox.fetch("api.test", path).status == 200
    answer = sandbox.fetch("api.test", path, [("X-Api-Key", sandbox.token())])
    refusal(answer, 403, "secret_host_not_allowed")


def test_an_empty_list_allows_every_host_otherwise(own_proxy, origin):
    api = own_proxy().api
    store = api.store([])
    text, answer = api.secret(store)
    assert any("any host" in warning for warning in answer["warnings"])
    sandbox, path = api.sandbox(store), origin.on(ok)
    assert sandbox.fetch("third.test", path, [("X-Api-Key", sandbox.token())]).status == 200
    assert origin.request(path).field("x-api-key") == text


def test_ipv6_listeners_and_sources(upstream, origin):
    if not socket.has_ipv6 or not ipv6_works():
        pytest.skip("this machine has no ::1")
    port, control = free_port(), free_port()
    listen = {"proxy": [f"[::1]:{port}"], "control": [f"127.0.0.1:{control}"]}
    proxy = Sealgate({"upstream": upstream, "listen": listen})
    proxy.proxy_port, proxy.control_port = port, control
    proxy.write_config(proxy.config)
    try:
        proxy.spawn()
        sandbox = proxy.api.sandbox(source="::1")
        assert sandbox.endpoint == f"[::1]:{port}"
        path = origin.on(ok)
        ran = sandbox.curl("--fail", "--proxy", f"http://[::1]:{port}", f"https://api.test{path}")
        assert ran.stdout == b"ok"
    finally:
        proxy.stop()


def ipv6_works():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_a_request_that_takes_too_long_to_arrive_is_timed_out(own_proxy):
    sandbox = own_proxy(limits={"header_timeout": "1s"}).api.sandbox()
    with sandbox.tunnel("api.test") as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: api")
        refusal(wire.response(), 408, "request_timeout")
        assert wire.is_closed()


def test_header_bytes_bound_a_head(own_proxy):
    sandbox = own_proxy(limits={"header_bytes": 4096}).api.sandbox()
    with sandbox.tunnel("api.test") as wire:
        wire.send(encode("GET / HTTP/1.1", [("Host", "api.test"), ("X", "x" * 5000)]))
        refusal(wire.response(), 431, "header_too_large")


def test_new_requests_while_draining_are_told_to_go_elsewhere(own_proxy, origin):
    proxy = own_proxy(limits={"drain_timeout": "30s"})
    sandbox = proxy.api.sandbox()
    asked, go = threading.Event(), threading.Event()

    def script(exchange):
        asked.set()
        go.wait(GENEROUS)
        exchange.answer(200, body=b"first")

    slow, path = origin.on(script), origin.on(ok)
    with sandbox.tunnel("api.test") as wire:
        host = [("Host", "api.test")]
        wire.send(encode(f"GET {slow} HTTP/1.1", host))
        assert asked.wait(GENEROUS)
        wire.send(encode(f"GET {path} HTTP/1.1", host))
        workers = len(proxy.pids("worker"))
        proxy.process.terminate()
        until(lambda: proxy.log().count("listening_no_more") == workers, "the workers drain")
        go.set()
        first = wire.response()
        assert first.body == b"first"
        assert wire.is_closed()
    assert proxy.process.wait(GENEROUS) == 0
    assert origin.requests(path) == []


def test_files_in_the_data_directory_are_for_those_who_need_them(own_proxy):
    proxy = own_proxy()
    mode = lambda name: stat.S_IMODE((proxy.data_dir / name).stat().st_mode)
    assert mode(".") == 0o711
    assert mode("keys") == mode("db") == 0o700
    assert mode("api-key") == 0o600 and mode("control.sock") == 0o600
    assert mode("ca-bundle.pem") & 0o444 == 0o444
    for path in (proxy.data_dir / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_started_as_an_ordinary_user_it_serves_too(upstream, origin):
    """All processes share the uid then."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else: the other tests ran as this user already")
    proxy = Sealgate({"upstream": upstream})
    proxy.folder.chmod(0o777)
    proxy.log_file.touch()
    proxy.log_file.chmod(0o666)
    proxy.run_as = 65534
    with proxy:
        store = proxy.api.store(["api.test"])
        text, _ = proxy.api.secret(store)
        sandbox, path = proxy.api.sandbox(store), origin.on(ok)
        assert sandbox.fetch("api.test", path, [("X-Api-Key", sandbox.token())]).status == 200
        assert origin.request(path).field("x-api-key") == text
        uids = {open(f"/proc/{pid}/status").read().split("Uid:")[1].split()[0] for pid in proxy.children()}
        assert uids == {"65534"}
        assert proxy.leaks() == []


def test_the_api_speaks_tls_with_a_certificate_of_the_operator(own_proxy, authority, folder):
    certificate, key = authority.issue(["127.0.0.1"]).write(folder, "control")
    proxy = Sealgate({"control_tls": {"cert": str(certificate), "key": str(key)}})
    proxy.scheme, proxy.verify = "https", str(authority.file)
    with proxy:
        answer = requests.get(proxy.url + "/healthz", verify=proxy.verify, timeout=GENEROUS)
        assert answer.json() == {"status": "ok"}
        with pytest.raises(requests.RequestException):
            requests.get(proxy.url.replace("https", "http") + "/healthz", timeout=GENEROUS)
