# SPDX-License-Identifier: Apache-2.0
"""Named private targets of a store: behind a gateway there is a network of the operator's own."""

import pytest

from harness import network, site
from harness.expect import refusal
from harness.origin import Origin, tls_context
from harness.run import USERS, Runner
from harness.websocket import accept, connect

reason = network.missing()
pytestmark = [
    pytest.mark.skipif(reason is not None, reason=str(reason)),
    pytest.mark.usefixtures("at_the_gateway"),
]

PRIVATE, OTHER = "10.99.0.5", "10.99.0.6"
NAMED = {
    "db.test": [PRIVATE],
    "beside.test": [PRIVATE],
    "gateway.test": ["10.86.1.1"],
    "loop.test": ["127.0.0.1"],
    "meta.test": [site.METADATA4],
    "meta6.test": [site.METADATA6],
    "mixed.test": [site.METADATA4, PRIVATE],
}


@pytest.fixture(scope="module")
def place(authority, folder):
    place = site.Site(authority, folder)
    try:
        place.world.address("eth0", f"{PRIVATE}/32", f"{OTHER}/32")
        place.gateway.ip("route", "add", "10.99.0.0/24", "via", site.WORLD4)
        place.names.addresses.update(NAMED)
        leaf = authority.issue([*NAMED, PRIVATE, OTHER]).write(folder, "private")
        with place.world.inside():
            place.private_origin = Origin(tls_context(*leaf), PRIVATE, 443)
        yield place
        place.private_origin.close()
    finally:
        place.close()


@pytest.fixture
def api(place):
    return place.proxy.api


@pytest.fixture
def sandbox(api):
    """One that may reach the private targets, by name and by address."""
    egress = [*NAMED, PRIVATE, OTHER]
    named = ["db.test", "gateway.test", "loop.test", "meta.test", "meta6.test", "mixed.test", PRIVATE]
    return api.sandbox(api.store(egress, privateHosts=named))


def fetches(place, sandbox, host):
    path = place.private_origin.on(lambda exchange: exchange.answer(200, [], b"inside"))
    answer = sandbox.fetch(host, path)
    assert (answer.status, answer.body) == (200, b"inside"), answer.body


@pytest.mark.parametrize("host", ["db.test", PRIVATE, "mixed.test"])
def test_a_named_target_is_reached_in_a_private_network(place, sandbox, host):
    fetches(place, sandbox, host)


@pytest.mark.parametrize("host", ["beside.test", OTHER])
def test_its_neighbours_are_not(sandbox, host):
    refusal(sandbox.fetch(host), 403, "address_not_allowed", host=host)


@pytest.mark.parametrize("host", ["loop.test", "meta.test", "meta6.test", "gateway.test"])
def test_no_name_opens_loopback_metadata_or_the_machine_itself(sandbox, host):
    refusal(sandbox.fetch(host), 403, "address_not_allowed")


def test_other_sandboxes_do_not_reach_it(place, api, sandbox):
    stranger = api.sandbox(api.store(["db.test"]))
    fetches(place, sandbox, "db.test")
    refusal(stranger.fetch("db.test"), 403, "address_not_allowed")
    elsewhere = api.sandbox(api.store(["a.test"], privateHosts=["db.test"]))
    refusal(elsewhere.fetch("db.test"), 403, "host_not_allowed")


def test_a_passthrough_host_may_be_private(place, api, authority):
    sandbox = api.sandbox(api.store(["db.test"], privateHosts=["db.test"], passthroughHosts=["db.test"]))
    path = place.private_origin.on(lambda exchange: exchange.answer(200, [], b"unopened"))
    url = f"https://db.test{path}"
    assert sandbox.curl("--cacert", str(authority.file), url).stdout == b"unopened"


def test_run_reaches_one_that_a_flag_names(place, folder, authority):
    folder = folder / "run-private"
    folder.mkdir(mode=0o755, exist_ok=True)
    upstream = {"trust": [str(authority.file)], "nameservers": [place.names.endpoint]}
    run = Runner(folder, {"upstream": upstream}, USERS[-1])
    path = place.private_origin.on(lambda exchange: exchange.answer(200, [], b"inside"))
    fetch = ("/usr/bin/curl", "-sS", f"https://db.test{path}")
    flags = ["--allow", "db.test"]
    refused = run(*fetch, flags=flags)
    assert "Give `sealgate run` --private db.test" in refused.stdout
    assert "address_not_allowed (allow it with --private db.test" in refused.stderr
    flags = ["--allow", "other.test", "--private", "db.test"]
    ran = run(*fetch, flags=flags)
    assert (ran.stdout, ran.stderr) == ("inside", "")
    assert run(*fetch, flags=[*flags, "--learn"]).stderr.endswith(
        'egress:\n      - "db.test"\n    privateHosts:\n      - "db.test"\n'
    )


def test_it_ends_with_the_change_also_for_connections_that_are_kept(place, api):
    store = api.store(["db.test"], privateHosts=["db.test"])
    path, origin = place.private_origin.on(lambda exchange: exchange.answer(200)), place.private_origin
    change = lambda hosts: api.ok("PUT", f"/api/secret-stores/{store['id']}", {"privateHosts": hosts})
    with api.sandbox(store).tunnel("db.test") as wire:  # one worker, and its pool
        ask = lambda: wire.request("GET", path, [("Host", "db.test")])
        assert [ask().status, ask().status] == [200, 200]
        assert len({request.connection for request in origin.requests(path)}) == 1
        change([])
        refusal(ask(), 403, "address_not_allowed")
        change(["db.test"])
        assert ask().status == 200


def test_the_change_cuts_a_passthrough(place, api, authority):
    store = api.store(["db.test"], privateHosts=["db.test"], passthroughHosts=["db.test"])
    sandbox = api.sandbox(store)
    with sandbox.tunnel("db.test", tls=False) as wire:
        wire.start_tls("db.test", authority.file)
        api.ok("PUT", f"/api/secret-stores/{store['id']}", {"privateHosts": []})
        assert wire.is_closed()
    place.proxy.wait_for_audit(sandbox=sandbox.id, protocol="tls-passthrough", code="address_not_allowed")


def test_the_change_ends_a_websocket(place, api):
    def talk(exchange):
        accept(exchange)
        exchange.reader.to_end()

    store = api.store(["db.test"], privateHosts=["db.test"])
    sandbox = api.sandbox(store)
    with connect(sandbox, place.private_origin.on(talk), host="db.test") as wire:
        api.ok("PUT", f"/api/secret-stores/{store['id']}", {"privateHosts": []})
        assert wire.is_closed()
    place.proxy.wait_for_audit(sandbox=sandbox.id, code="address_not_allowed")


def test_the_gate_tells_the_name_to_those_who_may(place, api, tmp_path):
    """Asked by the sandbox's own machine, as its resolver would."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("nameserver 198.51.100.53\n")

    def ask(host):
        script = 'mount --bind "$0" /etc/resolv.conf && exec getent ahostsv4 "$1"'
        return place.sandbox.run("unshare", "-m", "sh", "-c", script, resolver, host).stdout

    store = api.store(["db.test", "beside.test"], privateHosts=["db.test"])
    sandbox = api.sandbox(store, source="10.86.1.2")
    try:
        assert PRIVATE.encode() in ask("db.test")
        assert ask("beside.test") == b""
    finally:
        api.delete(sandbox.path)


def test_explain_says_which_store_named_it(api, sandbox):
    answer = sandbox.explain("https://db.test/")
    assert answer["allowed"] and answer["address"] == PRIVATE and answer["privateHost"] == "db.test"
    assert "privateHosts" in answer["sentence"]
    refused = sandbox.explain("https://beside.test/")
    assert refused["code"] == "address_not_allowed" and "privateHosts" in refused["sentence"]
    assert sandbox.allowed_hosts()["privateHosts"][0] == "db.test"


def test_layers_are_united(place, api):
    base = api.sandbox(api.store(["db.test"], privateHosts=["db.test"]))
    fork = api.fork(base.checkpoint(), api.store(["beside.test"], privateHosts=["beside.test"]))
    assert fork.allowed_hosts()["privateHosts"] == ["db.test", "beside.test"]
    fetches(place, fork, "db.test")
    fetches(place, fork, "beside.test")


def test_only_an_administrator_opens_the_network(api):
    key = api.ok("POST", "/api/api-keys", {"name": "ordinary"}, 201)["key"]
    ordinary = api.with_key(key)
    body = {"name": "ordinary", "privateHosts": ["db.test"]}
    answer = ordinary.call("POST", "/api/secret-stores", body)
    assert answer.status_code == 403 and "admin" in answer.json()["error"]
    store = api.store(["db.test"], privateHosts=["db.test"])
    path = f"/api/secret-stores/{store['id']}"
    assert ordinary.call("PUT", path, {"privateHosts": ["x.test"]}).status_code == 403
    shown = ordinary.ok("PUT", path, {"egressAllowlist": ["db.test", "more.test"]})
    assert shown["privateHosts"] == ["db.test"]


@pytest.mark.parametrize("host", ["*", "*.internal.test", "db.test:5432", "10.0.0.0/8", ""])
def test_a_range_or_a_port_cannot_be_named(api, host):
    body = {"name": "range", "privateHosts": [host]}
    answer = api.call("POST", "/api/secret-stores", body)
    assert answer.status_code == 400 and "privateHosts" in answer.json()["error"]
