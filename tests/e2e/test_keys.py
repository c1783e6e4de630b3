# SPDX-License-Identifier: Apache-2.0
"""Sealing keys and certificate authorities: rotation, and sealing elsewhere."""

import sqlite3

import pytest

from harness.api import value


@pytest.fixture
def own(own_proxy, origin):
    proxy = own_proxy()
    proxy.store = proxy.api.store(["api.test", "other.test"])
    proxy.value, _ = proxy.api.secret(proxy.store)
    proxy.sandbox = proxy.api.sandbox(proxy.store)
    return proxy


def value_at(origin, sandbox, name="API_KEY", host="api.test"):
    path = origin.on(lambda exchange: exchange.answer(200))
    answer = sandbox.fetch(host, path, [("X-Api-Key", sandbox.token(name))])
    assert answer.status == 200, answer.body
    return origin.request(path).field("x-api-key")


def boxes(proxy):
    """Every box at rest."""
    found = []
    for path in (proxy.data_dir / "db").glob("*.db*"):
        if path.suffix == ".db":
            found.append(path)
    assert found, list((proxy.data_dir / "db").iterdir())
    with sqlite3.connect(f"file:{found[0]}?mode=ro", uri=True) as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type='table'")]
        columns = {
            table: [row[1] for row in database.execute(f"pragma table_info({table})")]
            for table in tables
        }
        table = next(table for table in tables if "sealed" in columns[table])
        return [row[0] for row in database.execute(f"select sealed from {table}")]


def test_rotation_of_the_sealing_key_seals_everything_anew_and_loses_nothing(own, origin):
    key, before = own.cli_json("keys", "show", own.store["name"]), boxes(own)
    own.cli("keys", "rotate")
    assert own.cli_json("keys", "show", own.store["name"]) != key
    after = boxes(own)
    assert len(after) == len(before) and not set(after) & set(before)
    assert value_at(origin, own.sandbox) == own.value
    another = own.api.sandbox(own.store)
    assert value_at(origin, another) == own.value


def test_a_box_for_a_key_that_was_rotated_away_is_refused_with_that_reason(own):
    sealed = seal(own, "LATE_KEY", own.canaries.add(value("sealed")))
    own.cli("keys", "rotate")
    assert "key" in set_sealed(own, "LATE_KEY", sealed, 400)["error"]


def seal(proxy, name, text, *options):
    arguments = ["seal", "--store", proxy.store["name"], "--name", name, *options]
    return proxy.cli(*arguments, input=text).stdout.decode().strip()


def set_sealed(proxy, name, sealed, status=200, **more):
    path = f"/api/secret-stores/{proxy.store['id']}/secrets/{name}"
    answer = proxy.api.call("PUT", path, {"sealedValue": sealed, **more})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_value_is_sealed_with_the_public_key_alone(own, origin):
    text = own.canaries.add(value("sealed"))
    sealed = seal(own, "SEALED_KEY", text, "--hosts", "api.test")
    assert text not in sealed
    set_sealed(own, "SEALED_KEY", sealed)
    sandbox = own.sandbox.refresh()
    assert value_at(origin, sandbox, "SEALED_KEY") == text
    assert sandbox.allowed_hosts()["perSecretAllowedHosts"] == {"SEALED_KEY": ["api.test"]}


def test_a_sealed_value_goes_only_where_it_was_sealed_for(own):
    sealed = seal(own, "SEALED_KEY", own.canaries.add(value("sealed")), "--hosts", "api.test")
    set_sealed(own, "OTHER_KEY", sealed, 400)
    set_sealed(own, "SEALED_KEY", sealed, 400, allowedHosts=["other.test"])
    elsewhere = own.api.store(["api.test"])
    path = f"/api/secret-stores/{elsewhere['id']}/secrets/SEALED_KEY"
    assert own.api.call("PUT", path, {"sealedValue": sealed}).status_code == 400
    set_sealed(own, "SEALED_KEY", sealed[:-8] + "AAAAAAAA", 400)
    set_sealed(own, "SEALED_KEY", "nonsense", 400)
    assert [entry["name"] for entry in own.api.get(f"/api/secret-stores/{own.store['id']}/secrets")] == ["API_KEY"]


def test_a_value_with_a_line_break_is_not_even_sealed(own):
    arguments = ["seal", "--store", own.store["name"], "--name", "KEY"]
    ran = own.cli(*arguments, input="first line\nsecond line\n", check=False)
    assert ran.returncode == 1 and not ran.stdout


def test_hosts_that_were_widened_in_the_database_do_not_open_the_box(own, origin):
    """Whoever can write to the database but has no key gains nothing."""
    text, _ = own.api.secret(own.store, "NARROW_KEY", allowedHosts=["api.test"])
    sandbox = own.sandbox.refresh()
    assert value_at(origin, sandbox, "NARROW_KEY") == text
    assert own.terminate() == 0
    database = next((own.data_dir / "db").glob("*.db"))
    with sqlite3.connect(database) as connection:
        changed = widen(connection, "api.test", "other.test")
    assert changed
    own.spawn()
    path = origin.on(lambda exchange: exchange.answer(200))
    answer = sandbox.fetch("other.test", path, [("X-Api-Key", sandbox.token("NARROW_KEY"))])
    assert answer.status in (403, 503)
    assert origin.requests(path) == []


def widen(connection, old, new):
    """Replaces a host in every text column that lists hosts of secrets."""
    changed = 0
    tables = [row[0] for row in connection.execute("select name from sqlite_master where type='table' and name like '%secret%'")]
    for table in tables:
        for row in connection.execute(f"pragma table_info({table})").fetchall():
            if "host" in row[1]:
                sql = f"update {table} set {row[1]} = replace({row[1]}, ?, ?)"
                changed += connection.execute(sql, (old, new)).rowcount
    return changed


def test_rotation_of_the_ca_publishes_both_roots(own, origin):
    old = own.sandbox.ca_file
    before = open(old).read()
    assert value_at(origin, own.sandbox) == own.value
    root = own.cli("ca", "show").stdout
    own.cli("ca", "rotate")
    after = own.api.call("GET", "/ca.pem").text
    assert after.count("BEGIN CERTIFICATE") == 2
    assert own.api.call("GET", "/ca-bundle.pem").text != before
    assert value_at(origin, own.sandbox) == own.value
    assert own.cli("ca", "show").stdout != root


def test_the_bundle_is_where_the_environment_says(own):
    bundle = own.api.call("GET", "/ca-bundle.pem").text
    assert open(own.sandbox.ca_file).read() == bundle
    assert own.cli("ca", "export").stdout.decode().strip() in bundle
