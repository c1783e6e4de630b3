# SPDX-License-Identifier: Apache-2.0
"""The life of a secret, as running sandboxes feel it."""

import threading

import pytest

from harness.api import value
from harness.expect import refusal
from harness.wait import GENEROUS


def echo_key(exchange):
    """Reversed, so that redaction does not get in the way of the test."""
    exchange.answer(200, body=(exchange.request.field("x-api-key") or "")[::-1].encode())


class Client:
    """One open connection that sends its token again and again."""

    def __init__(self, origin, sandbox, token=None):
        self.path = origin.on(echo_key)
        self.token = token or sandbox.token()
        self.wire = sandbox.tunnel("api.test")

    def ask(self):
        return self.wire.request("GET", self.path, [("Host", "api.test"), ("X-Api-Key", self.token)])

    def value(self):
        answer = self.ask()
        assert answer.status == 200, answer.body
        return answer.body.decode()[::-1]


def test_a_new_value_is_used_at_once_on_open_connections_with_the_same_token(origin, keyed):
    client = Client(origin, keyed.sandbox)
    assert client.value() == keyed.value
    for _ in range(5):
        text, answer = keyed.api.secret(keyed.store)
        assert answer == {"name": "API_KEY", "status": "set", "refreshed": 1}
        assert client.value() == text
    assert keyed.sandbox.refresh().token() == keyed.token


def test_refreshed_counts_the_running_sandboxes_that_use_the_value(api):
    store = api.store(["api.test"])
    assert api.secret(store)[1]["refreshed"] == 0
    sandboxes = [api.sandbox(store) for _ in range(3)]
    assert api.secret(store)[1]["refreshed"] == 3
    sandboxes[0].post("hibernate")
    assert api.secret(store)[1]["refreshed"] == 2
    api.delete(sandboxes[1].path)
    assert api.secret(store)[1]["refreshed"] == 1


def test_a_value_that_another_layer_shadows_refreshes_nobody(api):
    base, top = api.store(["api.test"]), api.store(["api.test"])
    api.secret(base)
    api.secret(top)
    parent = api.sandbox(base)
    api.fork(parent.checkpoint(), top)
    api.delete(parent.path)
    assert api.secret(base)[1]["refreshed"] == 0
    assert api.secret(top)[1]["refreshed"] == 1


def test_a_deleted_secret_stops_at_once_on_open_connections(origin, keyed):
    client = Client(origin, keyed.sandbox)
    assert client.value() == keyed.value
    keyed.api.delete(f"/api/secret-stores/{keyed.store['id']}/secrets/API_KEY")
    refusal(client.ask(), 403, "token_unknown")
    assert "API_KEY" not in keyed.sandbox.refresh().envs


def test_a_secret_set_again_after_its_deletion_has_another_token(origin, keyed):
    path = f"/api/secret-stores/{keyed.store['id']}/secrets/API_KEY"
    keyed.api.delete(path)
    assert keyed.api.call("DELETE", path).status_code == 404
    text, _ = keyed.api.secret(keyed.store)
    token = keyed.sandbox.refresh().token()
    assert token != keyed.token
    assert Client(origin, keyed.sandbox, token).value() == text
    refusal(Client(origin, keyed.sandbox, keyed.token).ask(), 403, "token_unknown")


def test_a_name_that_is_new_in_a_store_gets_a_token_in_running_sandboxes(origin, keyed):
    text, answer = keyed.api.secret(keyed.store, "SECOND_KEY")
    assert answer["refreshed"] == 1
    token = keyed.sandbox.refresh().token("SECOND_KEY")
    assert Client(origin, keyed.sandbox, token).value() == text


def test_hosts_that_are_left_out_stay_and_an_empty_list_clears_them(keyed_with):
    keyed = keyed_with(egress=["api.test", "other.test"], allowedHosts=["other.test"])
    shown = lambda: keyed.sandbox.allowed_hosts()["perSecretAllowedHosts"]
    keyed.api.secret(keyed.store)
    assert shown() == {"API_KEY": ["other.test"]}
    refusal(keyed.sandbox.fetch("api.test", "/", [("X-Api-Key", keyed.token)]), 403, "secret_host_not_allowed")
    keyed.api.secret(keyed.store, allowedHosts=[])
    assert shown() == {}
    assert keyed.sandbox.fetch("api.test", "/", [("X-Api-Key", keyed.token)]).status == 200


def test_hosts_can_change_without_the_value(origin, keyed_with):
    keyed = keyed_with(egress=["api.test", "other.test"], allowedHosts=["other.test"])
    path = f"/api/secret-stores/{keyed.store['id']}/secrets/API_KEY"
    answer = keyed.api.call("PUT", path, {"allowedHosts": ["api.test"]})
    assert answer.status_code == 200, answer.text
    assert Client(origin, keyed.sandbox).value() == keyed.value
    refused = keyed.sandbox.fetch("other.test", "/", [("X-Api-Key", keyed.token)])
    refusal(refused, 403, "secret_host_not_allowed")


def test_a_change_of_the_allowlist_is_felt_on_open_connections(origin, keyed):
    client = Client(origin, keyed.sandbox)
    assert client.value() == keyed.value
    path = f"/api/secret-stores/{keyed.store['id']}"
    keyed.api.ok("PUT", path, {"egressAllowlist": ["other.test"]})
    refusal(client.ask(), 403, "host_not_allowed")
    keyed.api.ok("PUT", path, {"egressAllowlist": ["api.test"]})
    assert client.value() == keyed.value


def test_a_deleted_store_leaves_running_sandboxes_as_they_are(origin, keyed):
    client = Client(origin, keyed.sandbox)
    keyed.api.delete(f"/api/secret-stores/{keyed.store['id']}")
    assert client.value() == keyed.value
    assert Client(origin, keyed.sandbox).value() == keyed.value
    refusal(keyed.sandbox.fetch("other.test", "/"), 403, "host_not_allowed")
    keyed.sandbox.post("hibernate")
    keyed.sandbox.post("wake")
    assert Client(origin, keyed.sandbox).value() == keyed.value


def test_a_deleted_store_is_hidden_and_its_name_is_free(api, keyed):
    path = f"/api/secret-stores/{keyed.store['id']}"
    api.delete(path)
    assert api.call("GET", path).status_code == 404
    assert api.call("DELETE", path).status_code == 404
    assert keyed.store["id"] not in [store["id"] for store in api.get("/api/secret-stores")]
    assert api.call("POST", "/api/sandboxes", {"secretStore": keyed.store["name"]}).status_code == 404
    again = api.store(name=keyed.store["name"])
    assert again["id"] != keyed.store["id"]


def test_a_renamed_store_is_shown_under_its_new_name(api, keyed):
    name = keyed.store["name"] + "-renamed"
    store = api.ok("PUT", f"/api/secret-stores/{keyed.store['id']}", {"name": name})
    assert store["egressAllowlist"] == ["api.test"]
    assert keyed.sandbox.allowed_hosts()["secretStore"] == name


def test_requests_never_fail_while_values_rotate(origin, keyed):
    """Each request sees one value, whole: an earlier or a later one."""
    known, failures = {keyed.value}, []
    stop = threading.Event()

    def hammer():
        client = Client(origin, keyed.sandbox)
        while not stop.is_set():
            seen = client.value()
            if seen not in known:
                failures.append(seen)

    threads = [threading.Thread(target=hammer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(25):
        text = value("rotating")
        known.add(text)
        keyed.api.secret(keyed.store, text=text)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_requests_never_fail_while_views_are_replaced(own_proxy, origin):
    """On old and new connections, each with a value to open and an origin to dial."""
    proxy = own_proxy(workers=2)
    stores = [proxy.api.store(["*.example.test"]) for _ in range(2)]
    for store in stores:
        proxy.api.secret(store)
    sandboxes = [proxy.api.sandbox(store) for store in stores]
    path = origin.on(lambda exchange: exchange.answer(200, [("Connection", "close")], b"ok"))
    stop, answers = threading.Event(), []

    def visit(sandbox):
        token = ("X-Api-Key", sandbox.token())
        wire = sandbox.tunnel("www.example.test")
        while not stop.is_set():
            try:
                old = wire.request("GET", path, [("Host", "www.example.test"), token])
                new = sandbox.fetch("a.b.example.test", path, [token])
                answers.extend([(old.status, old.body), (new.status, new.body)])
            except Exception as error:
                answers.append((0, repr(error)))
                return

    threads = [threading.Thread(target=visit, args=(sandboxes[i % 2],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for number in range(60 * GENEROUS):
        if len(answers) >= 200 or not any(thread.is_alive() for thread in threads):
            break
        store = stores[number % 2]
        proxy.api.secret(store)
        lists = {"egressAllowlist": ["*.example.test", f"h{number}.test"]}
        proxy.api.ok("PUT", f"/api/secret-stores/{store['id']}", lists)
    stop.set()
    for thread in threads:
        thread.join()
    assert [answer for answer in answers if answer[0] != 200] == []
    assert len(answers) >= 200


BAD_VALUES = {"empty": "", "line break": "a\nbcdefgh", "carriage return": "a\rbcdefgh", "NUL": "a\0bcdefgh", "too long": "x" * 16385}


@pytest.mark.parametrize("what", BAD_VALUES)
def test_a_value_that_cannot_be_sent_is_refused_and_nothing_changes(origin, keyed, what):
    path = f"/api/secret-stores/{keyed.store['id']}/secrets/API_KEY"
    answer = keyed.api.call("PUT", path, {"value": BAD_VALUES[what]})
    assert answer.status_code == 400 and answer.json()["code"] == "bad_request", answer.text
    assert Client(origin, keyed.sandbox).value() == keyed.value


def test_white_space_around_a_value_is_kept_and_warned_about(origin, api):
    store = api.store(["api.test"])
    text = value() + " "
    _, answer = api.secret(store, text=text)
    assert any("white space" in warning for warning in answer["warnings"])


BAD_NAMES = ["1KEY", "A-B", "A%20B", "A.B", "A%00B", "%C3%84", "A" * 300]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_no_variable_can_have_is_refused(api, name):
    store = api.store(["api.test"])
    answer = api.call("PUT", f"/api/secret-stores/{store['id']}/secrets/{name}", {"value": "long-enough"})
    assert answer.status_code == 400, answer.text
    assert api.get(f"/api/secret-stores/{store['id']}/secrets") == []


def test_no_answer_ever_has_a_value(api, keyed):
    paths = [
        "/api/secret-stores", f"/api/secret-stores/{keyed.store['id']}",
        f"/api/secret-stores/{keyed.store['id']}/secrets", "/api/sandboxes", keyed.sandbox.path,
        keyed.sandbox.path + "/env", keyed.sandbox.path + "/allowed-hosts", "/metrics", "/api/audit",
    ]  # fmt: skip
    for path in paths:
        assert keyed.value not in api.call("GET", path).text
