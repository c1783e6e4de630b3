# SPDX-License-Identifier: Apache-2.0
"""Stores that the configuration declares, and reloading it."""

import json
import pathlib
import signal
import subprocess

import pytest

from harness import websocket
from harness.api import value
from harness.expect import refusal
from harness.proxy import BINARY, environment
from harness.wait import until


@pytest.fixture
def declared(own_proxy, folder):
    """A sealgate with a declared store of two secrets, and their values."""
    values = {"FROM_ENV": value("env"), "FROM_FILE": value("file")}
    source = folder / "secret-source"
    source.write_text(values["FROM_FILE"] + "\n")
    secrets = {
        "FROM_ENV": {"from": "env:SOURCE_OF_SECRET", "hosts": ["api.test"], "inject": ["header", "websocket"]},
        "FROM_FILE": {"from": f"file:{source}"},
    }
    store = {"name": "my-agent", "egress": ["api.test", "*.example.test"], "secrets": secrets}
    proxy = own_proxy(env={"SOURCE_OF_SECRET": values["FROM_ENV"]}, stores=[store])
    for text in values.values():
        proxy.canaries.add(text)
    return proxy, values


def value_at(origin, sandbox, name):
    path = origin.on(lambda exchange: exchange.answer(200))
    assert sandbox.fetch("api.test", path, [("X-Api-Key", sandbox.token(name))]).status == 200
    return origin.request(path).field("x-api-key")


def test_declared_stores_serve_sandboxes(declared, origin):
    proxy, values = declared
    sandbox = proxy.api.sandbox({"name": "my-agent"})
    assert {name: value_at(origin, sandbox, name) for name in values} == values
    assert sandbox.allowed_hosts()["perSecretAllowedHosts"] == {"FROM_ENV": ["api.test"]}


def test_a_declared_secret_goes_where_it_says(declared, origin):
    proxy, values = declared
    sandbox = proxy.api.sandbox({"name": "my-agent"})

    def script(exchange):
        websocket.accept(exchange)
        exchange.send(websocket.frame(websocket.read_message(exchange.reader, masked=True)[1][::-1]))

    tokens = f"{sandbox.token('FROM_ENV')} {sandbox.token('FROM_FILE')}"
    with websocket.connect(sandbox, origin.on(script)) as wire:
        wire.send(websocket.sent(tokens.encode()))
        _, told = websocket.read_message(wire.reader)
    assert told.decode()[::-1] == f"{values['FROM_ENV']} {sandbox.token('FROM_FILE')}"


def test_declared_stores_are_read_only(declared):
    proxy, _ = declared
    api = proxy.api
    store = api.get("/api/secret-stores/my-agent")
    path = f"/api/secret-stores/{store['id']}"
    for method, where, body in [
        ("PUT", path, {"egressAllowlist": ["*"]}),
        ("DELETE", path, None),
        ("PUT", path + "/secrets/FROM_ENV", {"value": "something-else"}),
        ("DELETE", path + "/secrets/FROM_ENV", None),
    ]:
        assert api.call(method, where, body).status_code == 403
    assert api.get(path) == store


def test_no_process_has_the_variable_that_a_secret_was_taken_from(declared):
    """The search for values at the end covers it too; this names the processes."""
    proxy, values = declared
    places = [place for place in proxy.places() if place[0].endswith("environ")]
    assert len(places) >= 6
    assert not [name for name, data in places if values["FROM_ENV"].encode() in data]


def test_a_missing_source_is_an_error_that_names_it(own_proxy):
    store = {"name": "s", "secrets": {"KEY": {"from": "env:NOT_THERE_AT_ALL"}}}
    with pytest.raises(Exception, match="NOT_THERE_AT_ALL"):
        own_proxy(stores=[store])


def reload(proxy, config, sign):
    before = len(proxy.log())
    proxy.write_config(config)
    proxy.process.send_signal(signal.SIGHUP)
    return until(lambda: sign in proxy.log()[before:] and proxy.log()[before:], f"{sign} is logged")


def test_a_reload_applies_what_changed_and_drops_no_connection(own_proxy, origin):
    store = {"name": "reloaded", "egress": ["api.test"]}
    proxy = own_proxy(stores=[store])
    sandbox = proxy.api.sandbox({"name": "reloaded"})
    path = origin.on(lambda exchange: exchange.answer(200))
    with sandbox.tunnel("api.test") as wire:
        assert wire.request("GET", path, [("Host", "api.test")]).status == 200
        refusal(sandbox.fetch("other.test", path), 403, "host_not_allowed")
        changed = {**proxy.config, "stores": [{**store, "egress": ["api.test", "other.test"]}]}
        proxy.write_config(changed)
        proxy.process.send_signal(signal.SIGHUP)
        until(lambda: sandbox.fetch("other.test", path).status == 200, "the new list is enforced")
        assert wire.request("GET", path, [("Host", "api.test")]).status == 200


def test_a_bad_file_changes_nothing_and_says_why(own_proxy, origin):
    proxy = own_proxy(stores=[{"name": "kept", "egress": ["api.test"]}])
    children = proxy.children()
    sandbox = proxy.api.sandbox({"name": "kept"})
    log = reload(proxy, {**proxy.config, "limits": {"drain_tiemout": "5s"}}, "drain_tiemout")
    assert "sealgate.yaml" in log
    assert proxy.children() == children
    path = origin.on(lambda exchange: exchange.answer(200))
    assert sandbox.fetch("api.test", path).status == 200
    refusal(sandbox.fetch("other.test", path), 403, "host_not_allowed")


def test_a_store_that_is_no_longer_declared_goes_like_a_deleted_one(own_proxy, origin):
    stores = [{"name": "stays", "egress": ["api.test"]}, {"name": "goes", "egress": ["api.test"]}]
    proxy = own_proxy(stores=stores)
    sandbox = proxy.api.sandbox({"name": "goes"})
    proxy.write_config({**proxy.config, "stores": stores[:1]})
    proxy.process.send_signal(signal.SIGHUP)
    gone = lambda: proxy.api.call("GET", "/api/secret-stores/goes").status_code == 404
    until(gone, "the store is gone")
    path = origin.on(lambda exchange: exchange.answer(200))
    assert sandbox.fetch("api.test", path).status == 200


BAD_FILES = {
    "an unknown key": ("limits:\n  drain_tiemout: 5s\n", ["2", "drain_tiemout", "drain_timeout"]),
    "a wrong type": ("workers: many\n", ["1", "workers"]),
    "an impossible value": ("listen:\n  proxy: [127.0.0.1:99999]\n", ["2", "proxy"]),
    "no YAML": ("a: [\n", []),
    "a bad pattern": ("stores:\n  - name: s\n    egress: ['*.com']\n", ["3", "egress"]),
    "a key twice": ("workers: 1\nworkers: 2\n", ["2", "workers"]),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_check_config_names_file_line_key_and_what_was_expected(tmp_path, what):
    text, words = BAD_FILES[what]
    path = tmp_path / "sealgate.yaml"
    path.write_text(text)
    ran = subprocess.run([BINARY, "check-config", path], capture_output=True, env=environment())
    message = ran.stderr.decode()
    assert ran.returncode == 1
    assert "sealgate.yaml" in message and not [word for word in words if word not in message], message


def test_check_config_is_content_with_a_good_file(tmp_path):
    path = tmp_path / "sealgate.yaml"
    path.write_text(json.dumps({"workers": 1}))
    assert subprocess.run([BINARY, "check-config", path], env=environment()).returncode == 0


def test_a_reload_leaves_alone_what_it_does_not_change(declared, origin):
    """A WebSocket with a secret stays open over one that changes nothing, until a value changes."""
    proxy, _ = declared
    sandbox = proxy.api.sandbox({"name": "my-agent"})
    listed = lambda: proxy.api.get("/api/secret-stores/my-agent/secrets")
    before = listed()

    def script(exchange):
        websocket.accept(exchange)
        while True:
            exchange.send(websocket.frame(websocket.read_message(exchange.reader, masked=True)[1][::-1]))

    token = ("X-Api-Key", sandbox.token("FROM_ENV"))
    with websocket.connect(sandbox, origin.on(script), [token]) as wire:
        for word in (b"olleh", b"niaga"):
            reload(proxy, proxy.config, " reloaded\n")
            assert listed() == before
            wire.send(websocket.sent(word))
            assert websocket.read_message(wire.reader)[1] == word[::-1]
        source = pathlib.Path(proxy.config["stores"][0]["secrets"]["FROM_FILE"]["from"][len("file:") :])
        source.write_text(value("other"))
        proxy.canaries.add(source.read_text())
        reload(proxy, proxy.config, " reloaded\n")
        assert websocket.read_close(wire.reader) == 1012
    assert [a["name"] for a, b in zip(listed(), before) if a != b] == ["FROM_FILE"]
