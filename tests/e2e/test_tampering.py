# SPDX-License-Identifier: Apache-2.0
"""Somebody who can write to the database, and has no key."""

import sqlite3

import pytest


def ok(exchange):
    exchange.answer(200)


@pytest.fixture
def own(own_proxy):
    """Two stores of one organization, and a sandbox that has the first of them."""
    proxy = own_proxy()
    proxy.mine = proxy.api.store(["api.test"])
    proxy.others = proxy.api.store(["api.test", "other.test"])
    proxy.value, _ = proxy.api.secret(proxy.mine, "MINE")
    proxy.api.secret(proxy.others, "THEIRS")
    proxy.sandbox = proxy.api.sandbox(proxy.mine)
    return proxy


def write(proxy, *statements):
    """While nobody has it open."""
    assert proxy.terminate() == 0
    with sqlite3.connect(next((proxy.data_dir / "db").glob("*.db"))) as database:
        for sql, *values in statements:
            assert database.execute(sql, values).rowcount == 1, sql
    proxy.spawn()


def attempt(proxy, origin, name="MINE", host="api.test"):
    """What came of a request with this token, and what the origin got."""
    path = origin.on(ok)
    answer = proxy.sandbox.fetch(host, path, [("X-Api-Key", proxy.sandbox.token(name))])
    return answer, [request.field("x-api-key") for request in origin.requests(path)]


def assert_works(proxy, origin):
    answer, got = attempt(proxy, origin)
    assert answer.status == 200 and got == [proxy.value]


SEQ = "(select seq from sandboxes where id = ?)"


def test_a_sandbox_that_was_bound_to_another_store_gets_none_of_its_values(own, origin):
    assert_works(own, origin)
    write(
        own,
        ("update sandbox_layers set store_id = ?, bound_store_id = ? where sandbox_seq = " + SEQ,
         own.others["id"], own.others["id"], own.sandbox.id),
        ("update sandbox_tokens set name = 'THEIRS' where sandbox_seq = " + SEQ, own.sandbox.id),
    )  # fmt: skip
    own.sandbox.refresh()
    answer, got = attempt(own, origin, "THEIRS", "other.test")
    assert answer.status == 403 and got == []
    assert "value_withheld" in own.log()


def test_a_store_that_was_put_above_takes_no_value_with_it(own, origin):
    write(
        own,
        ("insert into sandbox_layers values (" + SEQ + ", 1, ?, ?)",
         own.sandbox.id, own.others["id"], own.others["id"]),
    )  # fmt: skip
    answer, got = attempt(own, origin)
    assert answer.status == 403 and got == []


def test_a_list_that_was_widened_takes_no_value_with_it(own, origin):
    """Of a secret without hosts of its own, which goes wherever the list lets it."""
    assert_works(own, origin)
    write(own, ("update secret_stores set egress = replace(egress, 'api.test', '*') where id = ?", own.mine["id"]))
    for host in ("other.test", "api.test"):
        answer, got = attempt(own, origin, host=host)
        assert answer.status in (403, 503) and got == []


def test_a_place_that_was_widened_takes_no_value_with_it(own, origin):
    own.api.secret(own.mine, "NARROW", inject=["header:authorization"])
    own.sandbox.refresh()
    write(own, ("update secrets set places = '[\"header\"]' where name = 'NARROW'",))
    own.sandbox.refresh()
    answer, got = attempt(own, origin, "NARROW")
    assert answer.status == 403 and got == []


def test_a_sandbox_with_another_credential_or_source_has_no_values(own, origin):
    write(own, ("update sandboxes set source = '127.0.0.1' where id = ?", own.sandbox.id))
    answer, got = attempt(own, origin)
    assert answer.status == 403 and got == []
    write(own, ("update sandboxes set source = null where id = ?", own.sandbox.id))
    assert_works(own, origin)
    write(own, ("update sandboxes set proxy_token = 'stolen' where id = ?", own.sandbox.id))
    own.sandbox.credentials = (own.sandbox.id, "stolen")
    answer, got = attempt(own, origin)
    assert answer.status == 403 and got == []


def test_sandboxes_of_an_older_version_are_signed_once_and_never_again(own, origin):
    unsigned = ("update sandboxes set mac = null where id = ?", own.sandbox.id)
    (own.data_dir / "keys" / "sandboxes.key").unlink()  # which the older version did not have
    write(own, unsigned)
    assert "sandboxes_signed_as_found" in own.log()
    assert_works(own, origin)
    write(own, unsigned)
    answer, got = attempt(own, origin)
    assert answer.status == 403 and got == []


def test_signatures_survive_restarts_and_the_rotation_of_the_sealing_key(own, origin):
    own.cli("keys", "rotate")
    assert own.terminate() == 0
    own.spawn()
    assert_works(own, origin)


@pytest.mark.parametrize(
    "damage",
    [
        "egress = '{broken'",
        "egress = '[\"*.*\"]'",
        "egress = '[\"api.test\", \"other.test\"]'",
        "egress_mac = x'00'",
        "passthrough = '[1]'",
        "passthrough = '[\"api.test\"]'",
        "private_hosts = '[\"db.internal.test\"]'",
        "redact_responses = 0",
    ],
)
def test_a_damaged_store_stops_its_own_sandboxes_and_nobody_else(own, origin, damage):
    other = own.api.sandbox(own.others)
    write(own, (f"update secret_stores set {damage} where id = ?", own.mine["id"]))
    with other.tunnel("api.test") as wire:
        assert wire.request("GET", origin.on(ok), [("Host", "api.test")]).status == 200
    path = origin.on(ok)
    answer = own.sandbox.fetch("api.test", path)
    assert answer.status == 403 and origin.requests(path) == []
    lines = [line for line in own.log().splitlines() if "secret_store_damaged" in line]
    assert lines and own.mine["id"] in lines[0]

    listed = own.api.get("/api/secret-stores")
    assert {store["id"] for store in listed} >= {own.mine["id"], own.others["id"]}
    update = {"egressAllowlist": ["api.test"]}
    healed = own.api.ok("PUT", f"/api/secret-stores/{own.mine['id']}", update)
    assert (healed["passthroughHosts"], healed["privateHosts"], healed["redactResponses"]) == ([], [], True)
    assert_works(own, origin)


def test_neither_a_rotation_nor_a_small_change_signs_what_somebody_else_wrote(own, origin):
    lists = "egress = '[\"api.test\", \"other.test\"]', private_hosts = '[\"other.test\"]'"
    write(own, (f"update secret_stores set {lists} where id = ?", own.mine["id"]))
    rotated = own.api.ok("POST", "/api/keys/rotate")
    assert rotated["failed"] == 1
    for change in ({"passthroughHosts": []}, {"redactResponses": False}):
        answer = own.api.call("PUT", f"/api/secret-stores/{own.mine['id']}", change)
        assert answer.status_code == 409 and "egressAllowlist" in answer.text
    path = origin.on(ok)
    for host in ("api.test", "other.test"):
        assert own.sandbox.fetch(host, path).status == 403
    assert origin.requests(path) == []
