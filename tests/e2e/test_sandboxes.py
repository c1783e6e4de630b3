# SPDX-License-Identifier: Apache-2.0
"""The life of a sandbox: its environment, suspension, expiry and end."""

import re

from harness.expect import refusal
from harness.wait import until

PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
CA_VARIABLES = [
    "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
    "PIP_CERT", "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "DENO_CERT", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "NPM_CONFIG_CAFILE",
]  # fmt: skip


def test_the_environment_has_tokens_and_what_clients_need(keyed):
    envs = keyed.sandbox.envs
    assert re.fullmatch("osb_sealed_[0-9a-f]{32}", envs["API_KEY"])
    assert {envs[name] for name in PROXY_VARIABLES} == {keyed.sandbox.shown["proxyURL"]}
    bundle = {envs[name] for name in CA_VARIABLES}
    assert len(bundle) == 1
    assert open(bundle.pop()).read().count("BEGIN CERTIFICATE") >= 1
    assert "127.0.0.1" in envs["NO_PROXY"] and envs["NO_PROXY"] == envs["no_proxy"]
    assert envs["NODE_USE_ENV_PROXY"] == "1"


def test_creation_and_env_give_the_same_map(api, keyed):
    assert api.get(keyed.sandbox.path + "/env") == {"envs": keyed.sandbox.envs}
    assert api.get(keyed.sandbox.path)["envs"] == keyed.sandbox.envs


def test_variables_of_the_caller_win_and_stay_as_they_are(api, keyed):
    envs = {"API_KEY": "mine", "MODE": "ä b", "NO_PROXY": "*"}
    sandbox = api.sandbox(keyed.store, envs=envs)
    assert {name: sandbox.envs[name] for name in envs} == envs


def test_what_is_recorded_is_shown_and_what_is_empty_is_left_out(api):
    more = {"metadata": {"task": "x"}, "templateID": "base", "cpuCount": 2, "memoryMB": 512,
            "diskMB": 100, "burst": True, "sandboxFamily": "f"}  # fmt: skip
    shown = api.get(api.sandbox(**more).path)
    assert {name: shown[name] for name in more} == more
    assert not {"secretStore", "baseSecretStore", "source"} & set(shown)
    assert None not in shown.values() and "" not in shown.values()


def test_a_hibernated_sandbox_reaches_nothing_and_wakes_with_its_tokens(origin, keyed):
    path = origin.on(lambda exchange: exchange.answer(200))
    fields = [("Host", "api.test"), ("X-Api-Key", keyed.token)]
    with keyed.sandbox.tunnel("api.test") as wire:
        assert wire.request("GET", path, fields).status == 200
        assert keyed.sandbox.post("hibernate")["status"] == "hibernated"
        refusal(wire.request("GET", path, fields), 407, "sandbox_suspended")
        assert keyed.sandbox.post("wake")["status"] == "running"
        assert wire.request("GET", path, fields).status == 200
    assert origin.requests(path)[1].field("x-api-key") == keyed.value


def test_a_hibernated_sandbox_is_refused_on_new_connections_too(keyed):
    keyed.sandbox.post("hibernate")
    with keyed.sandbox.wire() as wire:
        answer = wire.connect("api.test:443", keyed.sandbox.credentials)
        if answer.status == 200:
            wire.start_tls("api.test", keyed.sandbox.ca_file)
            answer = wire.request("GET", "/", [("Host", "api.test")])
        refusal(answer, 407, "sandbox_suspended")


def test_an_idle_sandbox_expires_and_wakes(origin, api, keyed):
    sandbox = api.sandbox(keyed.store, timeout=1)
    until(lambda: api.get(sandbox.path)["status"] == "hibernated", "the sandbox has expired")
    with sandbox.wire() as wire:
        answer = wire.connect("api.test:443", sandbox.credentials)
        if answer.status == 200:
            wire.start_tls("api.test", sandbox.ca_file)
            answer = wire.request("GET", "/", [("Host", "api.test")])
        refusal(answer, 407, "sandbox_expired")
    shown = sandbox.post("wake", {"timeout": 0})
    assert shown["status"] == "running"
    path = origin.on(lambda exchange: exchange.answer(200))
    assert sandbox.fetch("api.test", path, [("X-Api-Key", sandbox.token())]).status == 200
    assert origin.request(path).field("x-api-key") == keyed.value


def test_a_timeout_is_extended(api):
    sandbox = api.sandbox(timeout=3600)
    assert sandbox.post("timeout", {"timeout": 7200})["timeout"] == 7200
    assert api.get(sandbox.path)["timeout"] == 7200


def test_a_deleted_sandbox_is_gone_on_open_connections_too(api, keyed):
    path = keyed.sandbox.path
    with keyed.sandbox.tunnel("api.test") as wire:
        assert wire.request("GET", "/", [("Host", "api.test")]).status == 200
        api.delete(path)
        wire.send(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
        try:
            assert wire.response().status in (403, 407)
        except (OSError, Exception):
            pass  # closed: just as good
    for suffix in ("", "/env", "/allowed-hosts", "/checkpoints"):
        assert api.call("GET", path + suffix).status_code == 404
    assert api.call("DELETE", path).status_code == 404
    with keyed.sandbox.wire() as wire:
        refusal(wire.connect("api.test:443", keyed.sandbox.credentials), 407, "identity_invalid")


def test_a_sandbox_can_take_its_store_with_it(api, keyed):
    answer = api.call("DELETE", keyed.sandbox.path + "?deleteSecretStore=true")
    assert answer.status_code == 204
    assert api.call("GET", f"/api/secret-stores/{keyed.store['id']}").status_code == 404


def test_allowed_hosts_are_those_that_are_enforced(api, keyed_with):
    keyed = keyed_with(egress=["api.test", "*.example.test", "third.test:8443"], allowedHosts=["api.test"])
    api.secret(keyed.store, "FREE_KEY")
    assert keyed.sandbox.allowed_hosts() == {
        "sandboxID": keyed.sandbox.id,
        "secretStore": keyed.store["name"],
        "egressAllowlist": ["api.test", "*.example.test", "third.test:8443"],
        "perSecretAllowedHosts": {"API_KEY": ["api.test"]},
    }


def test_explain_says_what_the_proxy_would_do(keyed_with):
    keyed = keyed_with(egress=["api.test", "*.example.test"], allowedHosts=["api.test"])
    explain = keyed.sandbox.explain
    allowed = explain("https://www.example.test/path")
    assert allowed["allowed"] is True and allowed["pattern"] == "*.example.test"
    assert allowed["store"] == keyed.store["name"] and allowed["layers"] == [keyed.store["name"]]
    assert allowed["address"] == "127.0.0.1" and allowed["sentence"]
    denied = explain("https://evil.test/")
    assert denied["allowed"] is False and denied["code"] == "host_not_allowed"
    assert explain("https://api.test/", "API_KEY")["allowed"] is True
    assert explain("https://www.example.test/", "API_KEY")["code"] == "secret_host_not_allowed"
    assert explain("http://api.test/", "API_KEY")["code"] == "token_plaintext"


def test_explain_agrees_with_the_address_guard(api):
    sandbox = api.sandbox(api.store(["*"]))
    assert sandbox.explain("https://private.test/")["code"] == "address_not_allowed"
    assert sandbox.explain("https://nowhere.invalid/")["code"] == "upstream_dns"


def test_explain_agrees_with_suspension(keyed):
    keyed.sandbox.post("hibernate")
    assert keyed.sandbox.explain("https://api.test/")["code"] == "sandbox_suspended"
