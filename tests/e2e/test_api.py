# SPDX-License-Identifier: Apache-2.0
"""The control API: what it refuses, who may call it, and who sees what."""

import json

import pytest
import requests

from harness.api import unique


@pytest.fixture(scope="module")
def org(api):
    """An organization of its own, with a key, so that lists hold what this module made."""
    org = api.ok("POST", "/api/orgs", {"name": unique("org")}, 201)
    key = api.ok("POST", "/api/api-keys", {"org": org["id"], "name": "tests"}, 201)
    return api.with_key(key["key"])


def check_error(answer, status, code=None):
    assert answer.status_code == status, (answer.status_code, answer.text)
    body = answer.json()
    assert set(body) == {"error", "code"} and body["error"], body
    if code:
        assert body["code"] == code
    return body["error"]


STORE_BODIES = {
    "no body": (None, b"", "name"),
    "not JSON": (None, b"{", ""),
    "half a string": (None, b'{"name": "x', ""),
    "bytes that are no UTF-8": (None, b'{"name": "\xff\xfe"}', ""),
    "an array": ([], None, ""),
    "a number": (7, None, ""),
    "no name": ({}, None, "name"),
    "a name that is a number": ({"name": 7}, None, "name"),
    "an empty name": ({"name": ""}, None, "name"),
    "a name that is too long": ({"name": "x" * 5000}, None, "name"),
    "a name with a control character": ({"name": "a\nb"}, None, "name"),
    "a list that is a string": ({"name": "x", "egressAllowlist": "api.test"}, None, "egressAllowlist"),
    "a pattern that is a number": ({"name": "x", "egressAllowlist": [7]}, None, "egressAllowlist"),
    "a flag that is a string": ({"name": "x", "redactResponses": "yes"}, None, "redactResponses"),
    "deeply nested": (None, b"[" * 5000 + b"]" * 5000, ""),
    "the same key twice": (None, b'{"name": "x", "name": "y"}', ""),
}


@pytest.mark.parametrize("what", STORE_BODIES)
def test_a_body_that_is_wrong_is_refused_and_nothing_changes(org, what):
    before = org.get("/api/secret-stores")
    body, data, word = STORE_BODIES[what]
    sentence = check_error(org.call("POST", "/api/secret-stores", body, data), 400, "bad_request")
    assert word in sentence
    assert org.get("/api/secret-stores") == before


BAD_PATTERNS = [
    "*.com", "*.", "api.*", "a*b.test", "*.*.test", "**", "https://api.test", "api.test/path", "",
    " api.test", "api.test:", "api.test:0", "api.test:65536", "api.test:x", "ä.test", "a b", "-a.test",
    "a..b", ".", "x" * 64 + ".test", "a." * 130 + "test", "1.2.3", "0x7f.0.0.1", "user@api.test",
]  # fmt: skip


@pytest.mark.parametrize("pattern", BAD_PATTERNS)
def test_a_bad_pattern_is_refused_wherever_it_is_set(org, pattern):
    store = org.store(["api.test"])
    path = f"/api/secret-stores/{store['id']}"
    check_error(org.call("POST", "/api/secret-stores", {"name": unique(), "egressAllowlist": [pattern]}), 400)
    check_error(org.call("PUT", path, {"egressAllowlist": ["other.test", pattern]}), 400)
    secret = {"value": "long-enough-value", "allowedHosts": [pattern]}
    check_error(org.call("PUT", path + "/secrets/KEY", secret), 400)
    assert org.get(path)["egressAllowlist"] == ["api.test"]
    assert org.get(path + "/secrets") == []


SANDBOX_BODIES = {
    "envs that are a list": {"envs": []},
    "a variable that is a number": {"envs": {"A": 1}},
    "a variable without a name": {"envs": {"": "x"}},
    "a variable with NUL": {"envs": {"A": "x\0y"}},
    "metadata that are text": {"metadata": "x"},
    "a negative timeout": {"timeout": -1},
    "a timeout that is text": {"timeout": "1"},
    "a timeout that is a fraction": {"timeout": 1.5},
    "a timeout beyond reason": {"timeout": 2**62},
    "a source that is a name": {"source": "localhost"},
    "a source that is a network": {"source": "10.0.0.0/8"},
    "a source in an odd spelling": {"source": "127.1"},
    "a store that is a number": {"secretStore": 1},
    "cores that are text": {"cpuCount": "two"},
}


@pytest.mark.parametrize("what", SANDBOX_BODIES)
def test_a_sandbox_that_makes_no_sense_is_not_made(org, what):
    before = org.get("/api/sandboxes")
    check_error(org.call("POST", "/api/sandboxes", SANDBOX_BODIES[what]), 400, "bad_request")
    assert org.get("/api/sandboxes") == before


@pytest.mark.parametrize("field", ["previewAuth", "webhooks", "image", "snapshot"])
def test_a_promise_that_cannot_be_kept_is_501(org, field):
    check_error(org.call("POST", "/api/sandboxes", {field: {}}), 501, "not_implemented")


@pytest.mark.parametrize("what", ["exec", "files", "pty", "agent", "preview"])
def test_what_opencomputer_has_beside_it_is_501(org, what):
    sandbox = org.sandbox()
    for method in ("GET", "POST"):
        check_error(org.call(method, f"{sandbox.path}/{what}"), 501, "not_implemented")


UNKNOWN = [
    ("GET", "/api/secret-stores/no-such"),
    ("PUT", "/api/secret-stores/no-such"),
    ("DELETE", "/api/secret-stores/no-such"),
    ("GET", "/api/secret-stores/no-such/secrets"),
    ("PUT", "/api/secret-stores/no-such/secrets/KEY"),
    ("DELETE", "/api/secret-stores/no-such/secrets/KEY"),
    ("GET", "/api/secret-stores/no-such/sealing-key"),
    ("GET", "/api/sandboxes/sb-nothing"),
    ("DELETE", "/api/sandboxes/sb-nothing"),
    ("POST", "/api/sandboxes/sb-nothing/hibernate"),
    ("POST", "/api/sandboxes/sb-nothing/wake"),
    ("POST", "/api/sandboxes/sb-nothing/checkpoints"),
    ("GET", "/api/sandboxes/sb-nothing/explain?url=https://api.test/"),
    ("POST", "/api/sandboxes/from-checkpoint/cp-nothing"),
    ("GET", "/api/nothing"),
    ("GET", "/nothing"),
]


@pytest.mark.parametrize("method, path", UNKNOWN)
def test_what_is_not_there_is_404(org, method, path):
    body = {"name": "x", "value": "long-enough"} if method in ("PUT", "POST") else None
    if path.endswith(("hibernate", "wake", "cp-nothing")):
        body = {}
    check_error(org.call(method, path, body), 404, "not_found")


def test_a_method_that_an_endpoint_does_not_take_is_405(org):
    answer = org.call("PATCH", "/api/secret-stores", {})
    check_error(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))


def test_a_name_that_is_taken_is_409(org):
    first, second = org.store(), org.store()
    check_error(org.call("POST", "/api/secret-stores", {"name": first["name"]}), 409)
    path = f"/api/secret-stores/{second['id']}"
    check_error(org.call("PUT", path, {"name": first["name"]}), 409)
    assert org.get(path) == second


def test_a_store_is_found_by_name_too(org):
    store = org.store(["api.test"])
    assert org.get(f"/api/secret-stores/{store['name']}") == store


def test_only_passed_fields_change(org):
    store = org.store(["api.test"])
    path = f"/api/secret-stores/{store['id']}"
    changed = org.ok("PUT", path, {"egressAllowlist": ["other.test"]})
    assert changed["name"] == store["name"] and changed["egressAllowlist"] == ["other.test"]
    changed = org.ok("PUT", path, {"name": store["name"] + "-2"})
    assert changed["egressAllowlist"] == ["other.test"]
    assert org.ok("PUT", path, {"egressAllowlist": []})["egressAllowlist"] == []
    assert changed["createdAt"] == store["createdAt"]


def test_lists_are_stable_in_order(org):
    made = [org.store()["id"] for _ in range(8)]
    listed = [store["id"] for store in org.get("/api/secret-stores")]
    assert [identifier for identifier in listed if identifier in made] == made
    org.ok("PUT", f"/api/secret-stores/{made[3]}", {"egressAllowlist": ["api.test"]})
    assert [store["id"] for store in org.get("/api/secret-stores")] == listed
    store = org.store()
    for name in ("B", "A", "C"):
        org.secret(store, name)
    names = [secret["name"] for secret in org.get(f"/api/secret-stores/{store['id']}/secrets")]
    org.secret(store, "A")
    assert [secret["name"] for secret in org.get(f"/api/secret-stores/{store['id']}/secrets")] == names


def test_a_secret_shows_everything_but_its_value(org):
    store = org.store(["api.test"])
    text, _ = org.secret(store, allowedHosts=["api.test"], inject=["header:authorization"])
    (shown,) = org.get(f"/api/secret-stores/{store['id']}/secrets")
    assert set(shown) == {"id", "storeId", "name", "allowedHosts", "inject", "createdAt", "updatedAt"}
    assert shown["inject"] == ["header:authorization"] and shown["storeId"] == store["id"]
    assert shown["createdAt"].endswith("Z") and "T" in shown["createdAt"]


def test_without_a_key_or_with_a_wrong_one_it_is_401(api):
    anonymous = api.with_key(None)
    for path in ("/api/secret-stores", "/api/sandboxes", "/metrics", "/api/orgs"):
        check_error(anonymous.call("GET", path), 401, "unauthorized")
        check_error(anonymous.call("GET", path, key="sgk_wrong"), 401, "unauthorized")
    answer = anonymous.call("GET", "/api/secret-stores", headers={"Authorization": "Bearer nonsense"})
    check_error(answer, 401)


def test_a_key_is_taken_as_a_bearer_too(api):
    answer = api.with_key(None).call("GET", "/api/secret-stores", headers={"Authorization": f"Bearer {api.key}"})
    assert answer.status_code == 200


def test_certificates_and_health_need_no_key(proxy):
    for path in ("/ca.pem", "/ca-bundle.pem", "/healthz", "/readyz", "/openapi.json"):
        assert requests.get(proxy.url + path, timeout=60).status_code == 200, path
    description = requests.get(proxy.url + "/openapi.json", timeout=60).json()
    assert description["openapi"].startswith("3.")
    assert "/api/secret-stores" in json.dumps(description)


def test_an_ordinary_key_is_no_administrator(org):
    for method, path in (("GET", "/api/orgs"), ("POST", "/api/api-keys"), ("POST", "/api/keys/rotate"), ("POST", "/api/ca/rotate"), ("GET", "/api/audit")):
        check_error(org.call(method, path, {} if method == "POST" else None), 403, "forbidden")


def test_a_revoked_key_stops_at_once(api):
    made = api.ok("POST", "/api/api-keys", {"name": "doomed"}, 201)
    client = api.with_key(made["key"])
    assert client.get("/api/secret-stores") is not None
    api.delete(f"/api/api-keys/{made['id']}")
    check_error(client.call("GET", "/api/secret-stores"), 401)
    listed = {key["id"]: key for key in api.get("/api/api-keys")}
    assert "revokedAt" in listed[made["id"]]
    assert made["key"] not in json.dumps(api.get("/api/api-keys"))


def test_organizations_do_not_see_each_other(api, org):
    store, sandbox = org.store(["api.test"]), org.sandbox()
    checkpoint = sandbox.checkpoint()
    org.secret(store)
    stores = [entry["id"] for entry in api.get("/api/secret-stores")]
    assert store["id"] not in stores
    assert sandbox.id not in [entry["sandboxID"] for entry in api.get("/api/sandboxes")]
    for method, path, body in [
        ("GET", f"/api/secret-stores/{store['id']}", None),
        ("PUT", f"/api/secret-stores/{store['id']}", {"name": "mine"}),
        ("DELETE", f"/api/secret-stores/{store['id']}", None),
        ("GET", f"/api/secret-stores/{store['id']}/secrets", None),
        ("PUT", f"/api/secret-stores/{store['id']}/secrets/API_KEY", {"value": "stolen-value"}),
        ("GET", sandbox.path, None),
        ("GET", sandbox.path + "/env", None),
        ("DELETE", sandbox.path, None),
        ("POST", f"{sandbox.path}/checkpoints", {"name": "mine"}),
        ("POST", f"/api/sandboxes/from-checkpoint/{checkpoint['id']}", {}),
        ("POST", "/api/sandboxes", {"secretStore": store["id"]}),
        ("POST", "/api/sandboxes", {"secretStore": store["name"]}),
    ]:
        check_error(api.call(method, path, body), 404)
    assert org.get(f"/api/secret-stores/{store['id']}") == store


def test_two_organizations_may_use_the_same_name(api, org):
    name = unique("shared")
    assert api.store(name=name)["id"] != org.store(name=name)["id"]


def test_a_body_that_is_far_too_long_is_refused(org):
    try:
        answer = org.call("POST", "/api/secret-stores", data=b"x" * (64 << 20))
    except requests.ConnectionError:
        return  # closed while we were still sending
    assert answer.status_code == 413


def test_an_escaped_path_is_understood(org):
    store = org.store(name=unique("with space %"))
    assert org.get("/api/secret-stores/" + requests.utils.quote(store["name"], safe="")) == store


def test_a_thousand_hosts_and_many_secrets_are_fine(org):
    hosts = [f"host-{number}.example.test" for number in range(1000)]
    store = org.store(hosts)
    for number in range(40):
        org.secret(store, f"KEY_{number}")
    sandbox = org.sandbox(store)
    assert sandbox.allowed_hosts()["egressAllowlist"] == hosts
    assert len([name for name in sandbox.envs if name.startswith("KEY_")]) == 40
