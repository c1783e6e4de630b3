# SPDX-License-Identifier: Apache-2.0
"""Forks and their layers: what they inherit, what wins, and what happens when a layer goes."""

from harness.expect import refusal


def value_at(origin, sandbox, token, host="api.test"):
    """What arrives when this sandbox sends this token; None when it is refused."""
    path = origin.on(lambda exchange: exchange.answer(200))
    answer = sandbox.fetch(host, path, [("X-Api-Key", token)])
    return origin.request(path).field("x-api-key") if answer.status == 200 else None


def test_a_fork_with_a_store_on_top_reaches_the_union_of_both(origin, api):
    base, top = api.store(["api.test", "other.test"]), api.store(["third.test", "api.test"])
    fork = api.fork(api.sandbox(base).checkpoint(), top)
    hosts = fork.allowed_hosts()
    assert hosts["egressAllowlist"] == ["api.test", "other.test", "third.test"]
    assert hosts["secretStore"] == top["name"] and hosts["baseSecretStore"] == base["name"]
    path = origin.on(lambda exchange: exchange.answer(200))
    for host in ("api.test", "other.test", "third.test"):
        assert fork.fetch(host, path).status == 200
    refusal(fork.fetch("plain.test", path), 403, "host_not_allowed")


def test_the_last_layer_that_has_a_name_wins_with_its_own_hosts(origin, api):
    base, top = api.store(["api.test"]), api.store(["other.test"])
    api.secret(base, allowedHosts=["api.test"])
    only_base, _ = api.secret(base, "BASE_KEY")
    winner, _ = api.secret(top, allowedHosts=["other.test"])
    fork = api.fork(api.sandbox(base).checkpoint(), top)
    assert value_at(origin, fork, fork.token(), "other.test") == winner
    assert value_at(origin, fork, fork.token(), "api.test") is None
    assert value_at(origin, fork, fork.token("BASE_KEY")) == only_base
    assert fork.allowed_hosts()["perSecretAllowedHosts"] == {"API_KEY": ["other.test"]}


def test_a_token_of_the_parent_resolves_in_the_fork_to_what_wins_there(origin, api):
    base, top = api.store(["api.test"]), api.store(["api.test"])
    inherited, _ = api.secret(base)
    parent = api.sandbox(base)
    checkpoint = parent.checkpoint()
    plain = api.fork(checkpoint)
    winner, _ = api.secret(top)
    layered = api.fork(checkpoint, top)
    assert value_at(origin, plain, parent.token()) == inherited
    assert value_at(origin, layered, parent.token()) == winner
    assert value_at(origin, parent, parent.token()) == inherited


def test_a_fork_has_tokens_that_its_parent_does_not_know(origin, api):
    store = api.store(["api.test"])
    api.secret(store)
    parent = api.sandbox(store)
    top = api.store(["api.test"])
    api.secret(top, "TOP_KEY")
    fork = api.fork(parent.checkpoint(), top)
    assert value_at(origin, parent, fork.token("TOP_KEY")) is None


def test_a_store_that_is_there_already_moves_to_the_end(api):
    first, second = api.store(["api.test"]), api.store(["other.test"])
    middle = api.fork(api.sandbox(first).checkpoint(), second)
    again = api.fork(middle.checkpoint(), first)
    hosts = again.allowed_hosts()
    assert hosts["secretStore"] == first["name"] and hosts["baseSecretStore"] == second["name"]
    assert hosts["egressAllowlist"] == ["other.test", "api.test"]


def test_an_inherited_store_that_is_gone_is_skipped(origin, api):
    gone, top = api.store(["api.test"]), api.store(["other.test"])
    parent = api.sandbox(gone)
    checkpoint = parent.checkpoint()
    api.delete(parent.path)
    api.delete(f"/api/secret-stores/{gone['id']}")
    fork = api.fork(checkpoint, top)
    hosts = fork.allowed_hosts()
    assert hosts["secretStore"] == top["name"] and "baseSecretStore" not in hosts
    assert hosts["egressAllowlist"] == ["other.test"]


def test_a_fork_whose_layers_are_all_gone_reaches_nothing(api):
    gone = api.store([])
    parent = api.sandbox(gone)
    checkpoint = parent.checkpoint()
    api.delete(parent.path)
    api.delete(f"/api/secret-stores/{gone['id']}")
    fork = api.fork(checkpoint)
    refusal(fork.fetch("api.test", "/"), 403, "host_not_allowed")
    assert fork.explain("https://api.test/")["allowed"] is False


def test_a_store_named_now_must_exist(api):
    checkpoint = api.sandbox().checkpoint()
    path = f"/api/sandboxes/from-checkpoint/{checkpoint['id']}"
    assert api.call("POST", path, {"secretStore": "no-such-store"}).status_code == 404
    assert api.call("POST", "/api/sandboxes", {"secretStore": "no-such-store"}).status_code == 404


def test_an_empty_list_beside_a_list_is_no_way_out(api):
    """Only where every surviving layer's own list is empty there is no restriction."""
    empty, narrow = api.store([]), api.store(["api.test"])
    fork = api.fork(api.sandbox(narrow).checkpoint(), empty)
    refusal(fork.fetch("other.test", "/"), 403, "host_not_allowed")


def test_layers_resolve_live(origin, api):
    base, top = api.store(["api.test"]), api.store(["api.test"])
    fork = api.fork(api.sandbox(base).checkpoint(), top)
    text, answer = api.secret(base, "LATER")
    assert answer["refreshed"] >= 1
    token = fork.refresh().token("LATER")
    assert value_at(origin, fork, token) == text
    path = f"/api/secret-stores/{base['id']}"
    api.ok("PUT", path, {"egressAllowlist": ["api.test", "third.test"]})
    assert fork.allowed_hosts()["egressAllowlist"] == ["api.test", "third.test"]
    assert fork.fetch("third.test", origin.on(lambda exchange: exchange.answer(200))).status == 200


def test_sixteen_layers_are_the_most(api):
    sandbox = api.sandbox(api.store(["api.test"]))
    for _ in range(15):
        sandbox = api.fork(sandbox.checkpoint(), api.store(["api.test"]))
    path = f"/api/sandboxes/from-checkpoint/{sandbox.checkpoint()['id']}"
    answer = api.call("POST", path, {"secretStore": api.store()["name"]})
    assert answer.status_code == 400 and "16" in answer.json()["error"]


def test_a_restore_puts_layers_and_tokens_back(origin, api):
    store = api.store(["api.test"])
    text, _ = api.secret(store)
    sandbox = api.sandbox(store)
    checkpoint, token = sandbox.checkpoint(), sandbox.token()
    api.delete(f"/api/secret-stores/{store['id']}/secrets/API_KEY")
    assert value_at(origin, sandbox, token) is None
    text, _ = api.secret(store)
    new_token = sandbox.refresh().token()
    assert new_token != token and value_at(origin, sandbox, new_token) == text
    sandbox.post(f"checkpoints/{checkpoint['id']}/restore")
    assert value_at(origin, sandbox, new_token) is None


def test_checkpoints_are_listed_in_order_and_deleted(api):
    sandbox = api.sandbox()
    made = [sandbox.checkpoint(name)["id"] for name in ("one", "two", "three")]
    listed = api.get(sandbox.path + "/checkpoints")
    assert [entry["id"] for entry in listed] == made
    again = api.call("POST", sandbox.path + "/checkpoints", {"name": "two"})
    assert again.status_code == 409
    api.delete(f"{sandbox.path}/checkpoints/{made[1]}")
    listed = api.get(sandbox.path + "/checkpoints")
    assert [entry["id"] for entry in listed] == [made[0], made[2]]
    path = f"/api/sandboxes/from-checkpoint/{made[1]}"
    assert api.call("POST", path, {}).status_code == 404


def test_a_checkpoint_outlives_its_sandbox(api):
    store = api.store(["api.test"])
    parent = api.sandbox(store)
    checkpoint = parent.checkpoint()
    api.delete(parent.path)
    assert api.fork(checkpoint).allowed_hosts()["egressAllowlist"] == ["api.test"]
